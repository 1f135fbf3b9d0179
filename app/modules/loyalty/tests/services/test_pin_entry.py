"""PINs over HTTP: what they open, what they cost, when they lock (domain.md, PINs and terminals; reliability.md, case 38)."""

import asyncio
import collections
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.credentials import TERMINAL_COOKIE
from app.core.db.engine import Database
from app.core.ids import new_id
from app.core.testing import application, extent
from app.modules.loyalty.domain.enums import PinPolicy, PinRole
from app.modules.loyalty.tests.counter import API, MANAGER_PIN, STAFF_PIN, Counter, applicant, make_card, make_reward, make_shop, post
from app.modules.loyalty.tests.factories import make_pin, make_settings
from app.modules.tenancy.tests.factories import make_api_key, sign_in_cookie

Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
WRONG = "482915"
LEDGER = ("loyalty_cards", "loyalty_transactions", "core_idempotency", "core_outbox")


async def type_pin(client: httpx.AsyncClient, counter: Counter, pin: str, *, pin_id: uuid.UUID | None = None) -> httpx.Response:
    """Type a PIN at a terminal, the staff member's unless told otherwise."""
    body = {"pin_id": str(pin_id or counter.staff_pin_id), "pin": pin}
    return await client.post(f"{API}/staff/session", json=body, headers={"Cookie": f"{TERMINAL_COOKIE}={counter.token}"})


async def lock_of(conn: asyncpg.Connection, pin_id: uuid.UUID) -> tuple[int, bool]:
    """Return how many wrong tries were counted, and whether the PIN is locked."""
    row = await conn.fetchrow("SELECT failed_attempts, locked_until > now() AS is_locked FROM loyalty_staff_pins WHERE id = $1", pin_id)
    assert row is not None
    return row["failed_attempts"], bool(row["is_locked"])


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code."""
    return answer.status_code, answer.json()["code"]


# --- Case 38


async def test_five_wrong_tries_lock_and_the_right_one_is_refused_alike(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, is_open=False)
    counter = shop.counter
    for tries_left in (4, 3, 2, 1, 0):
        answer = await type_pin(client, counter, WRONG)
        assert (*refusal(answer), answer.json()["params"]) == (403, "pin_wrong", {"tries_left": tries_left})
    sixth = await type_pin(client, counter, WRONG)
    right = await type_pin(client, counter, STAFF_PIN)
    for answer in (sixth, right):
        assert refusal(answer) == (429, "pin_locked")
        assert 890 <= int(answer.headers["retry-after"]) <= 900
        assert answer.json()["params"]["wait_minutes"] == 15
    assert sixth.json()["params"]["retry_at"] == right.json()["params"]["retry_at"]
    assert await lock_of(superuser, counter.staff_pin_id) == (5, True), "a refused try while locked does not prolong the lock"
    assert (await type_pin(client, counter, MANAGER_PIN, pin_id=counter.manager_pin_id)).status_code == 200, "others can work"
    actions = "SELECT count(*) FROM core_audit_log WHERE action = 'loyalty.pin.locked' AND target_id = $1"
    assert await superuser.fetchval(actions, counter.staff_pin_id) == 1
    await superuser.execute("UPDATE loyalty_staff_pins SET locked_until = now() WHERE id = $1", counter.staff_pin_id)
    assert (await type_pin(client, counter, STAFF_PIN)).status_code == 200, "the lock is over"
    assert await lock_of(superuser, counter.staff_pin_id) == (0, False)


async def test_a_right_pin_starts_the_count_again(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, is_open=False)
    for _ in range(4):
        await type_pin(client, shop.counter, WRONG)
    assert (await type_pin(client, shop.counter, STAFF_PIN)).status_code == 200
    assert (await type_pin(client, shop.counter, WRONG)).json()["params"] == {"tries_left": 4}
    assert await lock_of(superuser, shop.counter.staff_pin_id) == (1, False)


async def test_twenty_wrong_tries_at_once_are_not_more_than_five(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """The counter is raised before the PIN is compared, under the row's lock: also the right one among them is only one of five."""
    for _ in range(extent.times(short=3, full=20)):
        shop = await make_shop(database, is_open=False)
        answers = await asyncio.gather(*(type_pin(client, shop.counter, WRONG) for _ in range(20)))
        assert collections.Counter(map(refusal, answers)) == {(403, "pin_wrong"): 5, (429, "pin_locked"): 15}
        assert await lock_of(superuser, shop.counter.staff_pin_id) == (5, True)
        assert refusal(await type_pin(client, shop.counter, STAFF_PIN)) == (429, "pin_locked")


async def test_an_action_with_a_wrong_pin_is_not_done_and_the_try_counts(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    shop = await make_shop(database, is_open=False)
    card = await make_card(database, shop)
    before = [await checksum(table, shop.id) for table in LEDGER]
    key = str(new_id())
    body = {"card_id": str(card.id), "pin": shop.counter.staff_proof() | {"pin": WRONG}}
    for path in ("/stamp", "/stamp/redeem"):
        assert refusal(await post(client, shop, path, body, key=key)) == (403, "pin_wrong")
    assert [await checksum(table, shop.id) for table in LEDGER] == before
    assert await lock_of(superuser, shop.counter.staff_pin_id) == (2, False)
    right = {"card_id": str(card.id), "pin": shop.counter.staff_proof()}
    assert (await post(client, shop, "/stamp", right, key=key)).status_code == 200, "a refusal does not use the key up"
    assert await lock_of(superuser, shop.counter.staff_pin_id) == (0, False)


async def test_another_stores_pin_is_unknown_here(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stores=2, is_open=False)
    there = shop.counters[1]
    assert refusal(await type_pin(client, shop.counter, STAFF_PIN, pin_id=there.staff_pin_id)) == (404, "pin_not_found")
    assert await lock_of(superuser, there.staff_pin_id) == (0, False)


@pytest_asyncio.fixture(loop_scope="session")
async def without_broker(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose broker, which also counts for the rate limits, is not there."""
    url = {"broker_url": "redis://127.0.0.1:1/0", "rate_limits_enabled": True}
    changed = Settings.model_validate(settings.model_dump() | url)
    async with application.running(application.make_app(changed)) as gate, application.make_client(gate) as opened:
        yield opened


async def test_without_the_broker_wrong_tries_are_counted_all_the_same(
    without_broker: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, is_open=False)
    answers = [refusal(await type_pin(without_broker, shop.counter, WRONG)) for _ in range(6)]
    assert answers == [(403, "pin_wrong")] * 5 + [(429, "pin_locked")]
    assert refusal(await type_pin(without_broker, shop.counter, STAFF_PIN)) == (429, "pin_locked")
    assert await lock_of(superuser, shop.counter.staff_pin_id) == (5, True)


async def test_a_typed_pin_cannot_be_guessed_from_the_kept_answer(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """The fingerprint of a request covers its body: keyed, so that a copy of the database does not give six digits away."""
    from app.core import idempotency

    shop = await make_shop(database, is_open=False)
    card = await make_card(database, shop)
    answer = await post(client, shop, "/stamp", {"card_id": str(card.id), "pin": shop.counter.staff_proof()})
    row = await superuser.fetchrow("SELECT key, fingerprint, body FROM core_idempotency WHERE merchant_id = $1", shop.id)
    assert row is not None
    sent = answer.request
    plain = idempotency.fingerprint(sent.method, sent.url.path, sent.content)
    actor = f"terminal:{shop.counter.terminal_id}"
    assert row["fingerprint"] not in (plain, idempotency.fingerprint(plain, actor))
    assert STAFF_PIN not in row["body"]


# --- Unlocking


async def test_a_manager_lifts_the_lock_at_the_terminal(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, is_open=False)
    counter = shop.counter
    for _ in range(5):
        await type_pin(client, counter, WRONG)
    path = f"/pins/{counter.staff_pin_id}/unlock"
    colleague = await make_pin(database, shop.merchant, pin="517394")
    by_colleague = {"pin_id": str(colleague.id), "pin": colleague.pin}
    for proof in (None, by_colleague):
        assert refusal(await post(client, shop, path, {"pin": proof})) == (403, "manager_pin_required")
    assert refusal(await post(client, shop, path, {"pin": counter.manager_proof() | {"pin": WRONG}})) == (403, "pin_wrong")
    assert await lock_of(superuser, counter.staff_pin_id) == (5, True)
    done = await post(client, shop, path, {"pin": counter.manager_proof()})
    assert (done.status_code, done.json()) == (
        200,
        {"id": str(counter.staff_pin_id), "display_name": "Anouk", "role": "staff", "is_locked": False},
    )
    assert await lock_of(superuser, counter.staff_pin_id) == (0, False)
    assert (await type_pin(client, counter, STAFF_PIN)).status_code == 200
    noted = "SELECT count(*) FROM core_audit_log WHERE action = 'loyalty.pin.unlocked' AND target_id = $1"
    assert await superuser.fetchval(noted, counter.staff_pin_id) == 1


async def test_a_locked_manager_does_not_unlock_themself(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, is_open=False)
    counter = shop.counter
    for _ in range(5):
        await type_pin(client, counter, WRONG, pin_id=counter.manager_pin_id)
    answer = await post(client, shop, f"/pins/{counter.manager_pin_id}/unlock", {"pin": counter.manager_proof()})
    assert refusal(answer) == (429, "pin_locked")


async def test_a_signed_in_manager_lifts_the_lock_in_the_panel(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, is_open=False)
    for _ in range(5):
        await type_pin(client, shop.counter, WRONG)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    done = await client.post(f"/api/v1/merchants/loyalty/pins/{shop.counter.staff_pin_id}/unlock")
    assert (done.status_code, done.json()["failed_attempts"], done.json()["locked_until"]) == (200, 0, None)
    assert await lock_of(superuser, shop.counter.staff_pin_id) == (0, False)


# --- What asks for which PIN


async def test_with_no_minutes_every_action_asks(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, is_open=False)
    await make_settings(database, shop.merchant, unlock_minutes=0)
    card = await make_card(database, shop)
    assert (await type_pin(client, shop.counter, STAFF_PIN)).status_code == 200, "the PIN is right, and opens nothing"
    body = {"card_id": str(card.id)}
    for _ in range(2):
        assert refusal(await post(client, shop, "/stamp", body)) == (403, "pin_required")
        assert (await post(client, shop, "/stamp", body | {"pin": shop.counter.staff_proof()})).status_code == 200
    rows = await superuser.fetch("SELECT staff_pin_id FROM loyalty_transactions WHERE card_id = $1", card.id)
    assert [row["staff_pin_id"] for row in rows] == [shop.counter.staff_pin_id] * 2


async def test_a_right_pin_opens_the_terminal_for_the_minutes(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, is_open=False)
    card = await make_card(database, shop)
    body = {"card_id": str(card.id)}
    assert refusal(await post(client, shop, "/stamp", body)) == (403, "pin_required")
    opened = await type_pin(client, shop.counter, STAFF_PIN)
    assert opened.json()["staff"]["display_name"] == "Anouk"
    assert (await post(client, shop, "/stamp", body)).status_code == 200
    await superuser.execute("UPDATE tenancy_sessions SET unlocked_until = now() WHERE terminal_id = $1", shop.counter.terminal_id)
    assert refusal(await post(client, shop, "/stamp", body)) == (403, "pin_required")
    await type_pin(client, shop.counter, STAFF_PIN)
    closed = await client.delete(f"{API}/staff/session", headers={"Cookie": f"{TERMINAL_COOKIE}={shop.counter.token}"})
    assert closed.status_code == 204
    assert refusal(await post(client, shop, "/stamp", body)) == (403, "pin_required")
    assert refusal(await post(client, shop, "/enroll", new_customer())) == (403, "pin_required")


def new_customer() -> dict[str, Any]:
    """Return the counter's enrollment form."""
    email = applicant().email
    return {"first_name": "Léa", "last_name": "Weber", "email": email, "locale": "lb", "has_accepted_terms": True}


@pytest.mark.parametrize(
    ("policy", "void_code"),
    [(PinPolicy.REQUIRED, "pin_required"), (PinPolicy.OPTIONAL, "pin_required"), (PinPolicy.OFF, None)],
)
async def test_the_policy_says_what_goes_without_a_pin(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, policy: PinPolicy, void_code: str | None
) -> None:
    """Optional: voids still ask. Off: only a manager's PIN is asked for, where a correction needs it."""
    shop = await make_shop(database, is_open=False)
    await make_settings(database, shop.merchant, pin_policy=policy)
    card = await make_card(database, shop)
    body = {"card_id": str(card.id)}
    stamped = await post(client, shop, "/stamp", body)
    if policy is PinPolicy.REQUIRED:
        assert refusal(stamped) == (403, "pin_required")
        stamped = await post(client, shop, "/stamp", body | {"pin": shop.counter.staff_proof()})
    else:
        assert (await post(client, shop, "/enroll", new_customer())).status_code == 201
    assert stamped.status_code == 200
    recorded = await superuser.fetchval("SELECT staff_pin_id FROM loyalty_transactions WHERE card_id = $1", card.id)
    assert recorded == (shop.counter.staff_pin_id if policy is PinPolicy.REQUIRED else None)
    voided = await post(client, shop, "/stamp/void", {"transaction_id": stamped.json()["transaction"]["id"]})
    assert (voided.json().get("code"), voided.status_code) == (void_code, 403 if void_code else 200)
    adjust = {"points": 5, "reason": "Forgot the bonus"}
    assert refusal(await post(client, shop, f"/cards/{card.id}/points/adjust", adjust)) == (403, "manager_pin_required")


async def test_nobody_books_on_their_own_card_without_a_manager(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Also with the policy off: who typed a PIN is known, and their own card asks for a manager's."""
    shop = await make_shop(database, is_open=False)
    me = applicant()
    card = await make_card(database, shop, person=me)
    pin = await make_pin(database, shop.merchant, pin="517394", email=f" {me.email.upper()}")
    boss = await make_pin(database, shop.merchant, pin="604829", role=PinRole.MANAGER, email=me.email)
    mine = {"pin_id": str(pin.id), "pin": pin.pin}
    for policy in PinPolicy:
        await make_settings(database, shop.merchant, pin_policy=policy)
        for path, body in (("/stamp", {}), ("/points/earn", {"amount_cents": 1_000})):
            answer = await post(client, shop, path, {"card_id": str(card.id), "pin": mine} | body)
            assert refusal(answer) == (403, "manager_pin_required")
    await make_settings(database, shop.merchant)
    await type_pin(client, shop.counter, pin.pin, pin_id=pin.id)
    assert refusal(await post(client, shop, "/stamp", {"card_id": str(card.id)})) == (403, "manager_pin_required")
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE card_id = $1", card.id) == 0
    managers = {"card_id": str(card.id), "pin": shop.counter.manager_proof()}
    assert (await post(client, shop, "/stamp", managers)).status_code == 200
    own_manager = {"card_id": str(card.id), "pin": {"pin_id": str(boss.id), "pin": boss.pin}}
    assert (await post(client, shop, "/stamp", own_manager)).status_code == 200, "a manager's PIN is a manager's PIN"


async def test_a_large_redemption_asks_again(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    await make_settings(database, shop.merchant, redeem_limit_points=50, pin_policy=PinPolicy.OPTIONAL)
    card = await make_card(database, shop)
    small, large = [await make_reward(database, shop, cost_points=cost) for cost in (50, 51)]
    await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 20_000})
    body = {"card_id": str(card.id)}
    assert (await post(client, shop, "/points/redeem", body | {"reward_id": str(small)})).status_code == 200
    assert refusal(await post(client, shop, "/points/redeem", body | {"reward_id": str(large)})) == (403, "pin_required")
    assert await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) == 150
    again = body | {"reward_id": str(large), "pin": shop.counter.staff_proof()}
    assert (await post(client, shop, "/points/redeem", again)).json()["card"]["points_balance"] == 99


async def test_voids_and_refunds_ask_again_while_the_terminal_is_open(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    earned = (await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 900})).json()["transaction"]["id"]
    assert refusal(await post(client, shop, "/points/void", {"transaction_id": earned})) == (403, "pin_required")
    assert refusal(await post(client, shop, "/points/refund", {"transaction_id": earned, "refund_cents": 100})) == (403, "pin_required")
    assert await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) == 9


# --- Where there is no counter


async def test_a_tills_key_of_staff_does_nothing_that_takes_a_manager(
    client: httpx.AsyncClient, database: Database, checksum: Checksum
) -> None:
    """No PIN counts for a key: a correction and an unlock need the key of a manager."""
    shop = await make_shop(database)
    card = await make_card(database, shop)
    before = [await checksum(table, shop.id) for table in (*LEDGER, "loyalty_staff_pins")]
    calls = {
        f"{API}/cards/{card.id}/points/adjust": {"points": 500, "reason": "A present", "pin": shop.counter.manager_proof()},
        f"{API}/pins/{shop.counter.staff_pin_id}/unlock": {"pin": shop.counter.manager_proof()},
    }
    for role, statuses in (("staff", [403, 403]), ("manager", [200, 200])):
        key = await make_api_key(database, shop.merchant, shop.merchant.owner, role=role)
        answers = [
            await client.post(path, json=body, headers={"Authorization": f"Bearer {key}", "Idempotency-Key": str(new_id())})
            for path, body in calls.items()
        ]
        assert [answer.status_code for answer in answers] == statuses
        if role == "staff":
            assert [await checksum(table, shop.id) for table in (*LEDGER, "loyalty_staff_pins")] == before
