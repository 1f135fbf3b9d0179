"""Reading credentials out of a request: cookie names, bearer key, the caller's address behind proxies."""

import ipaddress

from starlette.requests import HTTPConnection

from app.core.config import Settings
from app.core.credentials import CUSTOMER_COOKIE, TERMINAL_COOKIE, USER_COOKIE, Credentials, Face, FaceOpener, customer_cookie

__all__ = [
    "LANGUAGE_COOKIE",
    "TERMINAL_COOKIE",
    "USER_COOKIE",
    "Credentials",
    "Face",
    "FaceOpener",
    "client_address",
    "cookie_name",
    "customer_cookie",
    "read_credentials",
]

LANGUAGE_COOKIE = "orion_lang"


def cookie_name(name: str, settings: Settings) -> str:
    """Return the cookie's full name: `__Host-` binds it to our host over TLS; plain on loopback in a demo."""
    return f"__Host-{name}" if settings.is_https else name


def read_credentials(request: HTTPConnection, settings: Settings) -> Credentials:
    """Return what `request` shows; cookies under their short names."""
    prefix = "__Host-" if settings.is_https else ""
    ours = (USER_COOKIE, TERMINAL_COOKIE)
    cookies = {
        name.removeprefix(prefix): value
        for name, value in request.cookies.items()
        if name.startswith(prefix) and (name.removeprefix(prefix) in ours or name.startswith(f"{prefix}{CUSTOMER_COOKIE}_"))
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
