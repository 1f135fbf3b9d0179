"""domain.md, sentence by sentence: where each example is pinned against the real services, and here those that no other file has.

| domain.md | pinned in |
|---|---|
| Identity: one person per e-mail, spellings, dots and plus parts | services/test_enrollment.py |
| Identity: concurrent enrollments, also during the switch | concurrency/test_rivals.py, test_switch_and_merge.py |
| Identity: a public form never proves who is typing | services/test_enrollment.py |
| Identity: mailed link, single use, 15 minutes | here; customers/tests/services/test_login_links.py |
| Identity: trashed card, enrolling again | services/test_enrollment.py |
| Stamps: 9 + 3 with target 10, redeem takes the target | routes/test_store_value.py |
| Stamps: reward-ready each time a multiple is crossed | here |
| Stamps: a changed target counts from the next redeem on | here; tests/fuzz/test_ledger_model.py |
| Stamps: cool-down and daily limit, code, sentence, retry_at | here; routes/test_store_value.py |
| Stamps: the store's local day; a void gives the quota back | here; routes/test_store_value.py |
| Points: 9.99, minimum purchase, 21.90 refunded thrice, order reference | routes/test_store_value.py |
| Points: welcome bonus once, not within 12 months of an erasure | services/test_enrollment.py |
| Voids: every policy, owed first, cancelled redemptions | services/test_voids.py |
| Voids: adjust by manager; ADMIN_ADJUSTMENT by the platform | routes/test_store_value.py; here |
| Voids: what has expired since is owed by nobody | services/test_voids_after_expiry.py |
| Expiry: the whole balance at the end of the merchant's day; a late spend | here; services/test_expire_points.py |
| Expiry: warning once, activity arms again, shortened periods; missed days | services/test_expire_points.py |
| PINs: all | services/test_pin_entry.py |
| PINs: pairing, revoking | routes/test_merchant_team.py |
| PINs: a signed-in store user needs no pairing | here |
| Idempotency: keys, repeats, already applied | routes/test_store_value.py, services/test_voids.py |
| Idempotency: authorization before a replay | here |
| Errors: another tenant's id is byte-identical to an unknown one | tests/security |
"""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.credentials import USER_COOKIE
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.errors import DailyStampLimitException, PointsExpiredException
from app.modules.loyalty.services import points_service, stamp_service
from app.modules.loyalty.tests.counter import API, STAFF_PIN, Shop, applicant, counter_ctx, make_card, make_reward, make_shop, post
from app.modules.loyalty.tests.factories import a_key, make_program

Clients = Callable[..., httpx.AsyncClient]
NOON = dt.datetime(2026, 3, 1, 11, tzinfo=dt.UTC)


def nothing(_change: object) -> str:
    """An answer that nobody reads."""
    return "{}"


async def rows_of(conn: asyncpg.Connection, card_id: uuid.UUID) -> list[tuple[str, int, int]]:
    """Return type, stamps and points of the card's rows."""
    rows = await conn.fetch("SELECT type, stamps_delta, points_delta FROM loyalty_transactions WHERE card_id = $1 ORDER BY id", card_id)
    return [tuple(row) for row in rows]


# --- Identity


async def test_a_mailed_link_signs_in_once_and_asking_tells_nobody_anything(
    make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    person = applicant()
    card = await make_card(database, shop, person=person)
    path = f"/api/v1/storefront/{shop.counter.store.code}/loyalty"
    known, unknown = [
        await make_client().post(f"{path}/sign-in", json={"email": email}) for email in (person.email.upper(), "nobody@example.lu")
    ]
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b'{"status":"accepted"}')
    mails = "SELECT payload->>'template' FROM core_outbox WHERE merchant_id = $1 AND task = 'messaging.send_mail'"
    assert [row[0] for row in await superuser.fetch(mails, shop.id)] == ["customer_sign_in"]
    assert card.customer_id is not None
    async with counter_ctx(database, shop) as ctx:
        token = await customers.issue_login_link(ctx, card.customer_id)
    phone = make_client()
    assert (await phone.post(f"{path}/session", json={"token": token})).status_code == 200
    assert (await phone.get(f"{path}/card")).json()["card"]["id"] == str(card.id)
    again = await make_client().post(f"{path}/session", json={"token": token})
    assert (again.status_code, again.json()["code"]) == (410, "sign_in_link_invalid")


# --- Stamps


async def test_reward_ready_each_time_the_count_crosses_a_multiple(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, stamps_target=10)
    card = await make_card(database, shop)
    ready = [
        (await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": count})).json()["new_rewards"] for count in (9, 1, 9, 1, 25)
    ]
    assert ready == [0, 1, 0, 1, 2]


async def test_a_changed_target_counts_from_the_cards_next_redemption_on(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, stamps_target=4)
    card = await make_card(database, shop)
    await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": 9})
    await make_program(database, shop.merchant, stamps_target=6)
    first = (await post(client, shop, "/stamp/redeem", {"card_id": str(card.id)})).json()
    assert (first["transaction"]["stamps_delta"], first["card"]["stamps_target"], first["card"]["stamp_count"]) == (-4, 6, 5)
    second = await post(client, shop, "/stamp/redeem", {"card_id": str(card.id)})
    assert (second.status_code, second.json()["params"]["missing"]) == (409, 1)
    fresh = await make_card(database, shop)
    assert fresh.state.stamps_target == 6
    assert await rows_of(superuser, card.id) == [("stamp_earned", 9, 0), ("stamp_redeemed", -4, 0)]


async def test_the_day_of_the_daily_limit_is_the_stores(database: Database, superuser: asyncpg.Connection) -> None:
    """Half past eleven at night in Luxembourg is the same day as noon there; an hour later is tomorrow."""
    shop = await make_shop(database, max_stamps_per_day=1, now=NOON)
    card = await make_card(database, shop, now=NOON)

    async def stamp(at: dt.datetime) -> None:
        async with counter_ctx(database, shop, now=at) as ctx:
            await stamp_service.add_stamps(ctx, card_id=card.id, count=1, key=a_key(), present=nothing)

    await stamp(NOON)
    with pytest.raises(DailyStampLimitException) as refusal:
        await stamp(dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC))
    assert refusal.value.retry_at == dt.datetime(2026, 3, 1, 23, tzinfo=dt.UTC)
    await stamp(dt.datetime(2026, 3, 1, 23, tzinfo=dt.UTC))
    assert await rows_of(superuser, card.id) == [("stamp_earned", 1, 0)] * 2


async def test_a_refusal_speaks_the_persons_language(make_client: Clients, database: Database) -> None:
    shop = await make_shop(database, stamps_target=10)
    card = await make_card(database, shop)
    sentences = {}
    for language in ("en", "fr", "de", "lb"):
        browser = make_client(**{"Accept-Language": language})
        answer = await post(browser, shop, "/stamp/redeem", {"card_id": str(card.id)})
        assert (answer.status_code, answer.json()["code"], answer.json()["params"]["missing"]) == (409, "not_enough_stamps", 10)
        sentences[language] = answer.json()["detail"]
    assert sentences["en"] == "The card is not full yet. Stamps still missing: 10."
    assert len(set(sentences.values())) == 4


# --- Voids and corrections


async def test_the_platforms_correction_is_an_admin_adjustment(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    async with unit_of_work(database, Principal(SYSTEM, shop.id)) as ctx:
        await points_service.adjust_points(ctx, card_id=card.id, delta=40, reason="Lost in the move", key=a_key(), present=nothing)
    assert await rows_of(superuser, card.id) == [("admin_adjustment", 0, 40)]


# --- Expiry


async def spend(database: Database, shop: Shop, card_id: uuid.UUID, reward: uuid.UUID, at: dt.datetime) -> None:
    """Redeem a reward at the instant `at`."""
    async with counter_ctx(database, shop, now=at) as ctx:
        await points_service.redeem_points(ctx, card_id=card_id, reward_id=reward, key=a_key(), present=nothing)


async def earn(database: Database, shop: Shop, card_id: uuid.UUID, at: dt.datetime, cents: int = 10_000) -> None:
    """Book a purchase at the instant `at`."""
    async with counter_ctx(database, shop, now=at) as ctx:
        await points_service.earn_points(ctx, card_id=card_id, amount_cents=cents, key=a_key(), present=nothing)


LAST_MOMENT = dt.datetime(2026, 3, 31, 21, 59, 59, tzinfo=dt.UTC)
"""One second before the 31st of March is over in Luxembourg, which went to summer time in between."""


async def expiring_card(database: Database) -> tuple[Shop, Any, uuid.UUID]:
    """Make a card with 100 points of the 1st of March, at a program whose points expire after 30 days, and a reward of 60."""
    shop = await make_shop(database, points_expiration_days=30, now=NOON)
    card = await make_card(database, shop, now=NOON)
    await earn(database, shop, card.id, NOON)
    return shop, card, await make_reward(database, shop, cost_points=60)


async def test_the_balance_can_be_spent_to_the_end_of_the_merchants_day(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card, reward = await expiring_card(database)
    await spend(database, shop, card.id, reward, LAST_MOMENT)
    assert await rows_of(superuser, card.id) == [("points_earned", 0, 100), ("points_redeemed", 0, -60)]


async def test_a_spend_on_a_card_that_is_due_is_refused_as_expired(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card, reward = await expiring_card(database)
    late = LAST_MOMENT + dt.timedelta(seconds=1)
    with pytest.raises(PointsExpiredException) as refusal:
        await spend(database, shop, card.id, reward, late)
    assert refusal.value.params == {"expired_at": late.isoformat()}
    assert await rows_of(superuser, card.id) == [("points_earned", 0, 100)], "refused: nothing changed"
    await earn(database, shop, card.id, late, cents=500)
    assert await rows_of(superuser, card.id) == [("points_earned", 0, 100), ("points_expired", 0, -100), ("points_earned", 0, 5)]
    assert await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) == 5


async def test_a_correction_is_no_activity_and_a_purchase_is(database: Database) -> None:
    shop, card, reward = await expiring_card(database)
    async with unit_of_work(database, Principal(SYSTEM, shop.id), now=NOON + dt.timedelta(days=20)) as ctx:
        await points_service.adjust_points(ctx, card_id=card.id, delta=5, reason="Counted again", key=a_key(), present=nothing)
    late = LAST_MOMENT + dt.timedelta(seconds=1)
    with pytest.raises(PointsExpiredException):
        await spend(database, shop, card.id, reward, late)
    other_shop, other, other_reward = await expiring_card(database)
    await earn(database, other_shop, other.id, NOON + dt.timedelta(days=20))
    await spend(database, other_shop, other.id, other_reward, late)


# --- Terminals


async def test_a_signed_in_store_user_needs_no_pairing_but_a_pin(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    cookie = {"Cookie": f"{USER_COOKIE}={shop.merchant.staff.token}"}

    async def stamp() -> httpx.Response:
        return await client.post(f"{API}/stamp", json={"card_id": str(card.id)}, headers=cookie | {"Idempotency-Key": str(new_id())})

    assert (await stamp()).json()["code"] == "pin_required"
    proof = {"pin_id": str(shop.counter.staff_pin_id), "pin": STAFF_PIN}
    assert (await client.post(f"{API}/staff/session", json=proof, headers=cookie)).status_code == 200
    assert (await stamp()).status_code == 200
    row = await superuser.fetchrow("SELECT user_id, terminal_id, staff_pin_id FROM loyalty_transactions WHERE card_id = $1", card.id)
    assert row is not None
    assert tuple(row) == (shop.merchant.staff.id, None, shop.counter.staff_pin_id)


# --- Idempotency


async def test_who_may_not_any_more_gets_no_replay(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    key = str(new_id())
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)).status_code == 200
    owner = {"Cookie": f"{USER_COOKIE}={shop.merchant.owner.token}"}
    assert (await client.delete(f"/api/v1/merchants/loyalty/terminals/{shop.counter.terminal_id}", headers=owner)).status_code == 204
    replay = await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    assert (replay.status_code, "card" in replay.json()) == (401, False)
    assert await rows_of(superuser, card.id) == [("stamp_earned", 1, 0)]


@pytest.mark.parametrize("key", [None, "", "fifteen-signs-x", "x" * 256, "with spaces in it"])
async def test_a_key_that_is_none_is_refused(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, key: str | None
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    headers = {"Cookie": f"orion_terminal={shop.counter.token}"} | ({} if key is None else {"Idempotency-Key": key})
    answer = await client.post(f"{API}/stamp", json={"card_id": str(card.id)}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert await rows_of(superuser, card.id) == []
