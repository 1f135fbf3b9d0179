"""Callers of every face, made anew when a generated request has put one of them out of action."""

import asyncio
import dataclasses

import httpx
import pytest_asyncio

from app.core.credentials import USER_COOKIE
from app.core.db.engine import Database
from app.core.testing import application
from app.core.web.middleware import Gate
from app.modules.tenancy.tests.factories import make_admin
from tests.security.conftest import Party, make_party

CALLERS = {
    "admin": "admin",
    "merchant": "owner",
    "store": "terminal",
    "storefront": "customer",
    "account": "owner",
    "public": "terminal",
    "behalf": "admin",
}
"""Who calls on each face."""
PROBES = {
    "owner": "/api/v1/merchants/loyalty/program",
    "terminal": "/api/v1/store/loyalty/session",
    "customer": "/api/v1/storefront/{store_code}/loyalty/card",
}


@dataclasses.dataclass(slots=True)
class Callers:
    """A merchant that generated requests may harm, and the platform's admin."""

    database: Database
    client: httpx.AsyncClient
    party: Party | None = None
    admin: dict[str, str] = dataclasses.field(default_factory=dict)

    async def of(self, face: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the cookies and the ids of a caller who is let in at `face`; everything else of the merchant is in order too."""
        if self.party is None or not await self._is_well(self.party):
            self.party = await make_party(self.database)
        if not self.admin:
            self.admin = {USER_COOKIE: (await make_admin(self.database)).token}
        caller = CALLERS[face]
        return self.admin if caller == "admin" else self.party.cookies[caller], self.party.ids

    async def _is_well(self, party: Party) -> bool:
        for caller, path in PROBES.items():
            cookie = "; ".join(f"{name}={value}" for name, value in party.cookies[caller].items())
            answer = await self.client.get(path.format(**party.ids), headers={"Cookie": cookie})
            if answer.status_code != 200:
                return False
        return True


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def callers(database: Database, api: Gate) -> Callers:
    """The callers of this session."""
    return Callers(database, application.make_client(api))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def loop() -> asyncio.AbstractEventLoop:
    """The loop in which the application lives."""
    return asyncio.get_running_loop()
