"""What a request shows of itself before anybody is signed in: cookies, bearer key, address, language wishes."""

import dataclasses
import datetime as dt
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import asyncpg
from starlette.requests import HTTPConnection

from app.core.config import Settings
from app.core.context import Principal

Face = Literal["public", "account", "admin", "merchant", "store", "storefront"]

USER_COOKIE = "orion_session"
TERMINAL_COOKIE = "orion_terminal"
CUSTOMER_COOKIE = "orion_card"
LANGUAGE_COOKIE = "orion_lang"


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """The parts of a request that an opener may look at."""

    cookies: Mapping[str, str]
    bearer: str | None
    path: Mapping[str, str]
    address: str | None


FaceOpener = Callable[[asyncpg.Connection, dt.datetime, Credentials], Awaitable[Principal]]


def cookie_name(name: str, settings: Settings) -> str:
    """Return the cookie's full name: `__Host-` binds it to our host over TLS; plain on loopback in a demo."""
    return f"__Host-{name}" if settings.is_https else name


def read_credentials(request: HTTPConnection, settings: Settings) -> Credentials:
    """Return what `request` shows; cookies under their short names."""
    prefix = "__Host-" if settings.is_https else ""
    cookies = {
        name: request.cookies[prefix + name] for name in (USER_COOKIE, TERMINAL_COOKIE, CUSTOMER_COOKIE) if prefix + name in request.cookies
    }
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return Credentials(
        cookies, key.strip() if scheme.lower() == "bearer" and key else None, request.path_params, client_address(request, settings)
    )


def client_address(request: HTTPConnection, settings: Settings) -> str | None:
    """Return the caller's address. X-Forwarded-For counts only when a trusted proxy sent it, read from the right."""
    peer = request.client.host if request.client else None
    if peer is None or peer not in settings.trusted_proxies:
        return peer
    for hop in reversed([part.strip() for part in request.headers.get("x-forwarded-for", "").split(",")]):
        if hop in settings.trusted_proxies:
            continue
        try:
            return str(ipaddress.ip_address(hop))
        except ValueError:
            return peer
    return peer
