"""What lies between a mail and its reader: bounces, complaints, pauses, opt-outs and consent, each merchant by itself."""

import datetime as dt
import uuid

import pytest

from app.core import clock
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.customers.tests.factories import fresh_email, make_customer
from app.modules.messaging.domain.delivery import Delivery
from app.modules.messaging.queries import delivery as queries
from app.modules.messaging.services import suppression_service
from app.modules.messaging.services.delivery_gate import find_obstacle
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx, platform_ctx

CATEGORIES = ("service", "reminder", "marketing")
DAY = dt.timedelta(days=1)


async def obstacles(
    database: Database, merchant: MadeMerchant, email: str, customer_id: uuid.UUID | None, *, now: dt.datetime | None = None
) -> tuple[str | None, ...]:
    """What a service mail, a reminder and a marketing mail would meet."""
    async with merchant_ctx(database, merchant, now=now) as ctx:
        found = [await find_obstacle(ctx, recipient=email, customer_id=customer_id, category=category) for category in CATEGORIES]
    return tuple(found)


async def bounce(
    database: Database,
    merchant: MadeMerchant,
    email: str,
    kind: Delivery,
    *,
    now: dt.datetime | None = None,
    mail_id: uuid.UUID | None = None,
) -> None:
    async with merchant_ctx(database, merchant, now=now) as ctx:
        await suppression_service.note_failure(ctx, kind, mail_id=mail_id or new_id(), merchant_id=merchant.id, email=email)


async def test_marketing_needs_consent_and_the_latest_word_counts(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    assert customer.email is not None
    assert await obstacles(database, merchant, customer.email, customer.id) == (None, None, "no_consent")
    for wish, expected in ((True, None), (False, "no_consent")):
        async with merchant_ctx(database, merchant) as ctx:
            await customers.record_consents(
                ctx, customer.id, text_version="1", source=customers.ConsentSource.PROFILE, locale="fr", marketing=wish
            )
        assert await obstacles(database, merchant, customer.email, customer.id) == (None, None, expected)
    assert await obstacles(database, merchant, customer.email, None) == (None, None, "no_consent")


async def test_reminders_can_be_done_without(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant, accepts_marketing=True)
    other = await make_customer(database, merchant)
    assert customer.email is not None
    assert other.email is not None
    for is_new in (True, False):
        async with merchant_ctx(database, merchant) as ctx:
            assert await queries.set_opt_out(ctx, customer.id, "reminder", is_out=True) is is_new
    assert await obstacles(database, merchant, customer.email, customer.id) == (None, "opted_out", None)
    assert await obstacles(database, merchant, other.email, other.id) == (None, None, "no_consent")
    for is_new in (True, False):
        async with merchant_ctx(database, merchant) as ctx:
            assert await queries.set_opt_out(ctx, customer.id, "reminder", is_out=False) is is_new
    assert await obstacles(database, merchant, customer.email, customer.id) == (None, None, None)


@pytest.mark.parametrize("kind", [Delivery.HARD_BOUNCE, Delivery.COMPLAINT])
async def test_a_bad_address_gets_nothing_more_from_this_merchant(database: Database, kind: Delivery) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    email = fresh_email()
    customer = await make_customer(database, merchant, email=email, accepts_marketing=True)
    for _ in range(2):
        await bounce(database, merchant, email.upper(), kind)
    assert await obstacles(database, merchant, email, customer.id) == ("suppressed",) * 3
    assert await obstacles(database, merchant, email, customer.id, now=clock.now() + 3650 * DAY) == ("suppressed",) * 3
    assert await obstacles(database, other, email, None) == (None, None, "no_consent")
    async with platform_ctx(database) as platform:
        assert await find_obstacle(platform, recipient=email, customer_id=None, category="service") is None


async def test_an_operator_suppresses_and_releases(database: Database) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    for owner in (merchant.id, None):
        async with platform_ctx(database) as platform:
            await suppression_service.suppress_address(platform, email, merchant_id=owner)
    assert (await obstacles(database, merchant, email, None))[0] == "suppressed"
    async with platform_ctx(database) as platform:
        assert await find_obstacle(platform, recipient=email, customer_id=None, category="service") == "suppressed"
        assert await suppression_service.release_address(platform, email, merchant_id=None)
        assert await find_obstacle(platform, recipient=email, customer_id=None, category="service") is None
        assert not await suppression_service.release_address(platform, email, merchant_id=None)
    assert (await obstacles(database, merchant, email, None))[0] == "suppressed"


async def test_three_soft_bounces_in_thirty_days_pause_for_thirty(database: Database) -> None:
    merchant, email, start = await make_merchant(database), fresh_email(), clock.now()
    mail_id = new_id()
    for _ in range(3):
        await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start, mail_id=mail_id)  # one mail counts once
    await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start + 10 * DAY)
    assert (await obstacles(database, merchant, email, None, now=start + 10 * DAY))[0] is None
    third = start + 29 * DAY
    await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=third)
    assert (await obstacles(database, merchant, email, None, now=third))[:2] == ("paused", "paused")
    # One that was under way when the pause began does not draw it out.
    await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=third + DAY)
    assert (await obstacles(database, merchant, email, None, now=third + 30 * DAY - dt.timedelta(seconds=1)))[0] == "paused"
    assert (await obstacles(database, merchant, email, None, now=third + 30 * DAY))[0] is None


async def test_bounces_that_lie_further_apart_pause_nothing(database: Database) -> None:
    merchant, email, start = await make_merchant(database), fresh_email(), clock.now()
    for days in (0, 15, 30, 45, 60):
        await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start + days * DAY)
        assert (await obstacles(database, merchant, email, None, now=start + days * DAY))[0] is None


async def test_after_a_pause_counting_begins_anew(database: Database) -> None:
    merchant, email, start = await make_merchant(database), fresh_email(), clock.now()
    for days in (0, 0, 0, 31, 32):
        await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start + days * DAY)
    assert (await obstacles(database, merchant, email, None, now=start + 32 * DAY))[0] is None
    await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start + 33 * DAY)
    assert (await obstacles(database, merchant, email, None, now=start + 33 * DAY))[0] == "paused"


async def test_a_hard_bounce_outlasts_a_pause_and_no_pause_weakens_it(database: Database) -> None:
    merchant, email, start = await make_merchant(database), fresh_email(), clock.now()
    for _ in range(3):
        await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start)
    await bounce(database, merchant, email, Delivery.HARD_BOUNCE, now=start)
    for _ in range(3):
        await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start + DAY)
    assert (await obstacles(database, merchant, email, None, now=start + 100 * DAY))[0] == "suppressed"
    async with platform_ctx(database) as platform:
        assert await suppression_service.release_address(platform, email, merchant_id=merchant.id)
    await bounce(database, merchant, email, Delivery.SOFT_BOUNCE, now=start + 2 * DAY)
    assert (await obstacles(database, merchant, email, None, now=start + 2 * DAY))[0] is None


async def test_no_address_is_kept(database: Database) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    await bounce(database, merchant, email, Delivery.HARD_BOUNCE)
    await bounce(database, merchant, email, Delivery.SOFT_BOUNCE)
    async with platform_ctx(database) as platform:
        for table in ("email_suppressions", "email_soft_bounces"):
            rows = await platform.conn.fetch(f"SELECT t::text FROM {table} t WHERE merchant_id = $1", merchant.id)
            assert len(rows) == 1
            assert email.split("@")[0] not in rows[0][0]
