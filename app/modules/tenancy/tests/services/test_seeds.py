"""The demo's data: written once, and everybody in it can sign in."""

import asyncpg
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.modules.tenancy import seeds
from app.modules.tenancy.config import DEMO_ADMIN_TOTP_SECRET
from app.modules.tenancy.domain.passwords import password_problems
from app.modules.tenancy.services import auth_service, totp_service
from app.modules.tenancy.tests.factories import account_ctx


async def test_seeding_twice_adds_nothing_the_second_time(database: Database, superuser: asyncpg.Connection) -> None:
    count = "SELECT (SELECT count(*) FROM tenancy_merchants), (SELECT count(*) FROM tenancy_users), (SELECT count(*) FROM tenancy_stores)"
    logins = await seeds.seed_demo(database)
    before = await superuser.fetchrow(count)
    assert await seeds.seed_demo(database) == logins
    assert await superuser.fetchrow(count) == before
    codes = {row["code"] for row in await superuser.fetch("SELECT code FROM tenancy_stores")}
    assert {"muselbrout-ville", "muselbrout-esch", "muselbrout-ettelbruck", "kaweechelchen"} <= codes
    bound = "SELECT s.code FROM tenancy_memberships b JOIN tenancy_stores s ON s.id = b.store_id WHERE b.display_name = 'Lis Faber'"
    assert await superuser.fetchval(bound) == "muselbrout-ville"


@pytest.mark.parametrize("person", [person for business in seeds.BUSINESSES for person in business.people], ids=lambda person: person.email)
async def test_everybody_of_the_demo_can_sign_in(database: Database, person: seeds.Person) -> None:
    await seeds.seed_demo(database)
    async with account_ctx(database) as ctx:
        result = await auth_service.sign_in(ctx, email=person.email, password=person.password)
    assert (result.state, [place.role for place in result.places]) == ("signed_in", [person.role])
    assert password_problems(person.password, context=[person.email, person.name]) == []


async def test_the_demo_admin_signs_in_with_the_code(database: Database) -> None:
    await seeds.seed_demo(database)
    async with account_ctx(database) as ctx:
        result = await auth_service.sign_in(ctx, email=seeds.ADMIN.email, password=seeds.ADMIN.password)
    assert (result.state, result.next) == ("second_factor", auth_service.SECOND_FACTOR_PAGE)
    now = clock.now()
    async with account_ctx(database, token=result.session.token, now=now) as ctx:
        entered = await auth_service.pass_second_factor(ctx, code=totp_service.code_at(DEMO_ADMIN_TOTP_SECRET, now))
    assert (entered.state, entered.next) == ("signed_in", "/admin")
