"""What a request shows of itself before anybody is signed in, without the web: openers live in modules that know no HTTP."""

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import asyncpg

from app.core.context import Principal

Face = Literal["public", "account", "admin", "merchant", "store", "storefront"]

USER_COOKIE = "orion_session"
TERMINAL_COOKIE = "orion_terminal"
CUSTOMER_COOKIE = "orion_card"


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """The parts of a request that an opener may look at: cookies by short name, bearer key, path parameters, address."""

    cookies: Mapping[str, str]
    bearer: str | None
    path: Mapping[str, str]
    address: str | None


FaceOpener = Callable[[asyncpg.Connection, dt.datetime, Credentials], Awaitable[Principal]]
