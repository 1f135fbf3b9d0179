"""Two merchants with everything in them, and one caller of every kind: what cases 33, 34 and 36 of reliability.md need."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator

import pytest_asyncio

from app.core import bulk, files
from app.core.context import Ctx
from app.core.credentials import TERMINAL_COOKIE, USER_COOKIE
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.cms.tests.factories import make_page
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.domain.import_text import Intake
from app.modules.loyalty.domain.points import earn_points
from app.modules.loyalty.queries import locks
from app.modules.loyalty.services import bulk_service, import_service, ledger, merge_service, program_service
from app.modules.loyalty.tests.counter import Shop, applicant, counter_ctx, make_card, make_reward, make_shop
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.services import api_key_service
from app.modules.tenancy.tests.factories import customer_cookie, make_admin, make_customer_session, merchant_ctx


@dataclasses.dataclass(frozen=True, slots=True)
class Party:
    """A merchant, its ids by the names that routes use, and its callers' cookies."""

    shop: Shop
    ids: dict[str, str]
    cookies: dict[str, dict[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """Merchant A, who calls; merchant B, whose things A must never reach; and the platform's admin."""

    a: Party
    b: Party
    admin: dict[str, str]


async def upload(ctx: Ctx) -> uuid.UUID:
    """Put in a file to import, and return the import's id."""
    content, intake = b"email,first_name,last_name,points\na@example.lu,Anna,Weber,5\n", Intake()
    intake.feed(content)
    import_id, file_id = await import_service.begin_upload(ctx, file_name="old.csv")
    await files.append(ctx, file_id, content)
    await import_service.end_upload(ctx, import_id, intake)
    return import_id


async def make_party(database: Database) -> Party:
    """Make a merchant with a card, a purchase, a reward, a key, a merge, and a signed-in caller of each kind."""
    shop = await make_shop(database, stores=2, is_cross_location=False)
    person = applicant()
    card = await make_card(database, shop, person=person)
    await make_card(database, shop, person=person, counter=shop.counters[1])
    assert card.customer_id is not None
    async with merchant_ctx(database, shop.merchant) as ctx:
        await program_service.set_cross_location(ctx, is_on=True)
        merge = await merge_service.merge_customer(ctx, card.customer_id)
        job_id = await bulk.start(ctx, bulk_service.DEACTIVATE, task=bulk_service.DEACTIVATE, params={}, items=[(str(uuid.uuid4()), None)])
        file_id = await files.create(ctx, name="cards.csv", media_type="text/csv", lasts=dt.timedelta(days=1), job_id=job_id)
        key, _secret = await api_key_service.create_api_key(ctx, name="till", role="staff", store_id=shop.merchant.store.id)
        import_id = await upload(ctx)
    other = await make_card(database, shop)
    reward = await make_reward(database, shop, cost_points=10)
    purchase = new_id()
    async with counter_ctx(database, shop) as ctx:
        (locked,) = await locks.lock_cards(ctx, [card.id], zone=await tenancy.merchant_zone(ctx))
        assert locked is not None
        decision = earn_points(locked.state, locked.rules, amount_cents=5_000, now=ctx.now)
        assert decision.entry.type is TransactionType.POINTS_EARNED
        await ledger.write(ctx, [ledger.Change(card=locked, decision=decision, op_key=f"party:{purchase}", transaction_id=purchase)])
    customer = await make_customer_session(database, shop.merchant, card.customer_id)
    page = await make_page(database, shop.merchant, slug="opening-hours")
    ids = {
        "store_code": shop.merchant.store.code,
        "card_id": card.id,
        "transaction_id": purchase,
        "reward_id": reward,
        "pin_id": shop.counter.staff_pin_id,
        "terminal_id": shop.counter.terminal_id,
        "store_id": shop.merchant.store.id,
        "owning_store_id": shop.merchant.store.id,
        "member_id": shop.merchant.staff.membership_id or uuid.uuid4(),
        "merchant_id": shop.id,
        "customer_id": card.customer_id,
        "other_id": other.customer_id,
        "key_id": key.id,
        "merge_id": merge.id,
        "page_id": page.id,
        "locale": "fr",
        "number": page.published_version,
        "import_id": import_id,
        "job_id": job_id,
        "file_id": file_id,
        "program_id": shop.program.id,
    }
    users = {role: {USER_COOKIE: shop.merchant.user(role).token} for role in ("owner", "manager", "staff")}
    devices = {"terminal": {TERMINAL_COOKIE: shop.counter.token}, "customer": customer_cookie(customer)}
    return Party(shop, {name: str(value) for name, value in ids.items()}, users | devices)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(database: Database) -> AsyncIterator[World]:
    """The two merchants, made once."""
    admin = await make_admin(database)
    yield World(await make_party(database), await make_party(database), {USER_COOKIE: admin.token})
