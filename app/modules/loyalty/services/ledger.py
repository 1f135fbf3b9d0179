"""The ledger: the single writer of loyalty_transactions and of the balances on cards.

Written set-based: `run` takes commands, locks all their cards in one read, lets pure rules decide, and writes rows,
balances, answers and outbox in one statement. The ordinary call is one command. History is only ever appended to, and
the balances change relatively, under the table's CHECKs, by exactly what the appended rows say.
"""

import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from app.core.context import Ctx
from app.core.events import Event
from app.core.idempotency import AlreadyApplied, IdempotencyKey
from app.core.ids import new_id
from app.core.outbox import writer
from app.modules.loyalty.domain.balances import CardState, Decision, Entry
from app.modules.loyalty.errors import CardNotFoundException, OrderAlreadyEarnedException, TransactionAlreadyVoidedException
from app.modules.loyalty.queries.locks import LockedCard, lock_cards
from app.modules.tenancy import public as tenancy

ENTRY_COLUMNS = (
    ("id", "uuid"), ("card_id", "uuid"), ("type", "text"), ("stamps_delta", "int"), ("points_delta", "int"), ("owed_delta", "int"),
    ("stamps_after", "int"), ("points_after", "int"), ("owed_after", "int"), ("points_forgiven", "int"), ("stamps_forgiven", "int"),
    ("amount_cents", "int"), ("points_rate", "int"), ("stamps_target", "int"), ("quota_day", "date"), ("reverses_id", "uuid"),
    ("refunds_id", "uuid"), ("reward_id", "uuid"), ("order_reference", "text"), ("op_key", "text"),
)  # fmt: skip
RULE_FIELDS = tuple(name for name, _ in ENTRY_COLUMNS[3:17])
"""The columns that the rules fill: fields of the domain's Entry by the same name."""

ABSOLUTE = (
    ("status", "text"), ("stamps_target", "int"), ("last_activity_at", "timestamptz"), ("last_stamp_at", "timestamptz"),
    ("stamps_day", "date"), ("stamps_today", "int"), ("first_visit_at", "timestamptz"), ("visit_count", "int"),
)  # fmt: skip
RELATIVE = (
    "stamp_count", "points_balance", "points_owed", "total_stamps_earned", "total_stamps_redeemed", "total_stamps_voided",
    "total_points_earned", "total_points_redeemed", "total_points_voided",
)  # fmt: skip
CARD_COLUMNS = (("id", "uuid"), *ABSOLUTE, *((name, "int") for name in RELATIVE))
MESSAGE_COLUMNS = (("id", "uuid"), ("task", "text"), ("payload", "jsonb"), ("available_at", "timestamptz"))
ANSWER_COLUMNS = (("key", "text"), ("fingerprint", "bytea"), ("status", "int"), ("body", "text"))

Columns = Sequence[tuple[str, str]]


def _unnest(first: int, columns: Columns, alias: str) -> str:
    """Return `unnest($first::type[], …) AS alias (names)`: the rows of a set-based statement from one array per column."""
    arrays = ", ".join(f"${first + offset}::{kind}[]" for offset, (_, kind) in enumerate(columns))
    return f"unnest({arrays}) AS {alias} ({', '.join(name for name, _ in columns)})"


def _write_statement() -> str:
    entries = 7
    cards = entries + len(ENTRY_COLUMNS)
    messages = cards + len(CARD_COLUMNS)
    answers = messages + len(MESSAGE_COLUMNS)
    names = ", ".join(name for name, _ in ENTRY_COLUMNS)
    absolute = ", ".join(f"{name} = d.{name}" for name, _ in ABSOLUTE)
    relative = ", ".join(f"{name} = c.{name} + d.{name}" for name in RELATIVE)
    # allow[sql-text]: built from the constants above
    return f"""
WITH entries AS (
  INSERT INTO loyalty_transactions (merchant_id, store_id, terminal_id, staff_pin_id, user_id, created_at, {names})
  SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::timestamptz, e.* FROM {_unnest(entries, ENTRY_COLUMNS, "e")}
), cards AS (
  UPDATE loyalty_cards c SET updated_at = $6, {absolute}, {relative}
  FROM {_unnest(cards, CARD_COLUMNS, "d")}
  WHERE c.merchant_id = $1 AND c.id = d.id
), messages AS (
  INSERT INTO core_outbox (merchant_id, created_at, id, task, payload, available_at)
  SELECT $1, $6, o.* FROM {_unnest(messages, MESSAGE_COLUMNS, "o")}
)
INSERT INTO core_idempotency (merchant_id, created_at, key, fingerprint, status, body)
SELECT $1, $6, a.* FROM {_unnest(answers, ANSWER_COLUMNS, "a")}
"""


WRITE = _write_statement()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision to write: the card it was made for, and what its last row refers to besides the rule's own fields.

    `op_key` identifies the operation for ever; it is unique per merchant, whatever becomes of the stored answers. Rows before
    the last get keys derived from it, unless `earlier_keys` names those directly before it, in order.
    """

    card: LockedCard
    decision: Decision
    op_key: str
    transaction_id: uuid.UUID
    store_id: uuid.UUID | None = None
    reward_id: uuid.UUID | None = None
    order_reference: str | None = None
    earlier_keys: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What to keep under an idempotency key."""

    key: IdempotencyKey
    status: int
    body: str


@dataclasses.dataclass(frozen=True, slots=True)
class Posted:
    """The outcome of a command: the card after it and the row the caller asked for, or the answer of an earlier time."""

    card: LockedCard
    decision: Decision | None
    transaction_id: uuid.UUID | None
    status: int
    body: str
    is_replay: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One wish to change one card.

    `prepare` reads what else the rule needs once the card is locked and refuses callers (PIN, own card); `decide` is the
    rule, `events` tells what happened, `present` shapes the answer that is kept under `key`. Those three are pure.
    """

    card_id: uuid.UUID
    key: IdempotencyKey
    decide: Callable[[LockedCard], Decision]
    events: Callable[[Change], Sequence[Event]]
    present: Callable[[Change], str]
    prepare: Callable[[LockedCard], Awaitable[None]] | None = None
    reward_id: uuid.UUID | None = None
    order_reference: str | None = None
    status: int = 200


async def run(ctx: Ctx, commands: Sequence[Command]) -> list[Posted]:
    """Execute `commands`, of one merchant, in order; each is refused or booked as a whole with the others of the call.

    A command whose key was answered before is replayed. Raises CardNotFoundException (also for a card that the caller's store
    does not serve), whatever the rules refuse, AlreadyApplied for a key older than its kept answer, and
    asyncpg.UniqueViolationError on the idempotency key when a rival was first (the caller runs again).
    """
    locked = await lock_cards(
        ctx,
        [command.card_id for command in commands],
        zone=await tenancy.merchant_zone(ctx),
        keys=[command.key.key for command in commands],
        pin_id=ctx.actor.staff_pin_id,
    )
    latest: dict[uuid.UUID, CardState] = {}
    outcomes: list[Posted] = []
    changes: list[Change] = []
    answers: list[Answer] = []
    for command, found in zip(commands, locked, strict=True):
        if found is None or not is_served(ctx, found):
            raise CardNotFoundException
        card = dataclasses.replace(found, state=latest[found.id]) if found.id in latest else found
        if card.answer is not None:
            stored = card.answer.check(command.key)
            outcomes.append(Posted(card, None, None, stored.status, stored.body, is_replay=True))
            continue
        if command.prepare is not None:
            await command.prepare(card)
        change = Change(
            card=card,
            decision=command.decide(card),
            op_key=f"key:{command.key.key}",  # no client can claim `welcome:` or `merge:`
            transaction_id=new_id(),
            store_id=ctx.actor.store_id,
            reward_id=command.reward_id,
            order_reference=command.order_reference,
        )
        latest[card.id] = change.decision.card
        for event in command.events(change):
            ctx.emit(event)
        body = command.present(change)
        changes.append(change)
        answers.append(Answer(command.key, command.status, body))
        outcomes.append(Posted(card, change.decision, change.transaction_id, command.status, body))
    if changes:
        await write(ctx, changes, answers)
    return outcomes


def is_served(ctx: Ctx, card: LockedCard) -> bool:
    """Whether the caller's store serves this card: any store of the merchant, or only the card's own (A1, A5)."""
    return card.is_cross_location or ctx.actor.store_id is None or ctx.actor.store_id == card.enrolled_at_store_id


async def write(ctx: Ctx, changes: Sequence[Change], answers: Sequence[Answer] = ()) -> None:
    """Append the rows of `changes` and move the balances by them, with `answers` and all pending messages, in one statement.

    The cards must be locked by the caller. Raises AlreadyApplied, OrderAlreadyEarnedException or
    TransactionAlreadyVoidedException when the ledger's own unique keys say so.
    """
    messages = writer.columns(ctx.pending)
    arguments = [
        *_transpose(len(ENTRY_COLUMNS), [row for change in changes for row in _entry_rows(change)]),
        *_transpose(len(CARD_COLUMNS), _card_rows(changes)),
        messages[0], messages[2], messages[3], messages[4],
        *_transpose(len(ANSWER_COLUMNS), [(item.key.key, item.key.fingerprint, item.status, item.body) for item in answers]),
    ]  # fmt: skip
    actor = ctx.actor
    store_id = changes[0].store_id if changes else None
    try:
        await ctx.conn.execute(WRITE, ctx.merchant_id, store_id, actor.terminal_id, actor.staff_pin_id, actor.user_id, ctx.now, *arguments)
    except asyncpg.UniqueViolationError as error:
        refusal = _REFUSALS.get(error.constraint_name or "")
        if refusal is None:
            raise
        raise refusal from error
    ctx.pending.clear()


_REFUSALS: dict[str, type[Exception]] = {
    "uq_loyalty_transactions_op_key": AlreadyApplied,
    "uq_loyalty_transactions_order_reference": OrderAlreadyEarnedException,
    "uq_loyalty_transactions_reverses_id": TransactionAlreadyVoidedException,
}


def _entry_rows(change: Change) -> list[tuple[Any, ...]]:
    """Return the rows to append; those before the last are consequences (a due expiry) and get keys and ids of their own.

    Their ids are the numbers just below the last row's, so that rows of one instant stay in the order in which they were booked.
    """
    *before, asked = change.decision.entries
    derived = [f"{change.op_key}:{number}" for number in range(len(before) - len(change.earlier_keys))]
    rows = [
        (uuid.UUID(int=change.transaction_id.int - distance), change.card.id, entry.type.value, *_rule_values(entry), None, None, key)
        for distance, entry, key in zip(range(len(before), 0, -1), before, (*derived, *change.earlier_keys), strict=True)
    ]
    rows.append(
        (
            change.transaction_id, change.card.id, asked.type.value, *_rule_values(asked),
            change.reward_id, change.order_reference, change.op_key,
        )
    )  # fmt: skip
    return rows


def _rule_values(entry: Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in RULE_FIELDS)


def _card_rows(changes: Sequence[Change]) -> list[tuple[Any, ...]]:
    """Return one row per card: its last state, and how far its balances moved over all changes."""
    first: dict[uuid.UUID, CardState] = {}
    last: dict[uuid.UUID, CardState] = {}
    for change in changes:
        first.setdefault(change.card.id, change.card.state)
        last[change.card.id] = change.decision.card
    rows = []
    for card_id, after in last.items():
        before = first[card_id]
        absolute = (after.status.value, *(getattr(after, name) for name, _ in ABSOLUTE[1:]))
        rows.append((card_id, *absolute, *(getattr(after, name) - getattr(before, name) for name in RELATIVE)))
    return rows


def _transpose(width: int, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Return `rows` as one list per column, `width` of them also when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
