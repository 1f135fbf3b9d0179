"""What a request shows of itself before anybody is signed in, without the web: openers live in modules that know no HTTP."""

import dataclasses
import datetime as dt
import ipaddress
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import asyncpg

from app.core.context import Principal

Face = Literal["public", "account", "admin", "behalf", "merchant", "store", "storefront", "mail"]
"""`behalf` is the platform's admin who acts within one merchant. `mail` are the pages behind signed links in mails: the token in the
path says whose they are, and nobody is signed in."""

USER_COOKIE = "orion_session"
TERMINAL_COOKIE = "orion_terminal"
CUSTOMER_COOKIE = "orion_card"
"""How the names of customers' cookies begin; see `customer_cookie`."""


def customer_cookie(merchant_id: uuid.UUID) -> str:
    """Return the short name of the cookie for a customer of `merchant_id`.

    All merchants share our host: with one name for all, joining at one would sign the phone out at the others. The end of an id is
    random, its beginning a time.
    """
    return f"{CUSTOMER_COOKIE}_{merchant_id.hex[-12:]}"


def counted_address(address: str | None) -> str:
    """Return the part of an address by which callers are counted: an IPv6 network of 64 bits, as one caller has all of it."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """The parts of a request that an opener may look at: cookies by short name, bearer key, path parameters, address."""

    cookies: Mapping[str, str]
    bearer: str | None
    path: Mapping[str, str]
    address: str | None


FaceOpener = Callable[[asyncpg.Connection, dt.datetime, Credentials], Awaitable[Principal]]
