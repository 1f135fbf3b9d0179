"""The ledger: the single writer of loyalty_transactions and of the balances on cards.

Written set-based: commands lock all their cards in one read, pure rules decide, and rows, balances, answers and outbox are
written in one statement. `run` is the ordinary call, of one command; `run_together` takes those of many requests. History is
only ever appended to, and the balances change relatively, under the table's CHECKs, by exactly what the appended rows say.
"""

import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, ParamSpec

import asyncpg

from app.core.context import Actor, Ctx
from app.core.errors import OrionException
from app.core.events import Event
from app.core.idempotency import AlreadyApplied, IdempotencyKey
from app.core.ids import new_id
from app.core.outbox import writer
from app.modules.loyalty.domain.balances import CardState, Decision, Entry
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.errors import CardNotFoundException, OrderAlreadyEarnedException, TransactionAlreadyVoidedException
from app.modules.loyalty.events import PointsExpired
from app.modules.loyalty.queries.locks import LockedCard, lock_cards
from app.modules.tenancy import public as tenancy

ENTRY_COLUMNS = (
    ("id", "uuid"), ("card_id", "uuid"), ("type", "text"), ("stamps_delta", "int"), ("points_delta", "int"), ("owed_delta", "int"),
    ("stamps_after", "int"), ("points_after", "int"), ("owed_after", "int"), ("points_forgiven", "int"), ("stamps_forgiven", "int"),
    ("amount_cents", "int"), ("points_rate", "int"), ("stamps_target", "int"), ("quota_day", "date"), ("reverses_id", "uuid"),
    ("refunds_id", "uuid"), ("reward_id", "uuid"), ("order_reference", "text"), ("op_key", "text"),
    ("store_id", "uuid"), ("terminal_id", "uuid"), ("staff_pin_id", "uuid"), ("user_id", "uuid"),
    ("acting_admin_id", "uuid"),
)  # fmt: skip
RULE_FIELDS = tuple(name for name, _ in ENTRY_COLUMNS[3:17])
"""The columns that the rules fill: fields of the domain's Entry by the same name."""
OP_KEY = [name for name, _ in ENTRY_COLUMNS].index("op_key")

ABSOLUTE = (
    ("status", "text"), ("stamps_target", "int"), ("last_activity_at", "timestamptz"), ("last_stamp_at", "timestamptz"),
    ("stamps_day", "date"), ("stamps_today", "int"), ("first_visit_at", "timestamptz"), ("visit_count", "int"),
    ("last_expiration_warning_at", "timestamptz"),
)  # fmt: skip
RELATIVE = (
    "stamp_count", "points_balance", "points_owed", "total_stamps_earned", "total_stamps_redeemed", "total_stamps_voided",
    "total_points_earned", "total_points_redeemed", "total_points_voided",
)  # fmt: skip
CARD_COLUMNS = (("id", "uuid"), *ABSOLUTE, *((name, "int") for name in RELATIVE))
MESSAGE_COLUMNS = (("id", "uuid"), ("task", "text"), ("payload", "jsonb"), ("available_at", "timestamptz"))
ANSWER_COLUMNS = (("key", "text"), ("fingerprint", "bytea"), ("status", "int"), ("body", "text"))

Columns = Sequence[tuple[str, str]]
Asked = ParamSpec("Asked")


def _unnest(first: int, columns: Columns, alias: str) -> str:
    """Return `unnest($first::type[], …) AS alias (names)`: the rows of a set-based statement from one array per column."""
    arrays = ", ".join(f"${first + offset}::{kind}[]" for offset, (_, kind) in enumerate(columns))
    return f"unnest({arrays}) AS {alias} ({', '.join(name for name, _ in columns)})"


def _write_statement() -> str:
    entries = 3
    cards = entries + len(ENTRY_COLUMNS)
    messages = cards + len(CARD_COLUMNS)
    answers = messages + len(MESSAGE_COLUMNS)
    names = ", ".join(name for name, _ in ENTRY_COLUMNS)
    absolute = ", ".join(f"{name} = d.{name}" for name, _ in ABSOLUTE)
    relative = ", ".join(f"{name} = c.{name} + d.{name}" for name in RELATIVE)
    # allow[sql-text]: built from the constants above
    return f"""
WITH entries AS (
  INSERT INTO loyalty_transactions (merchant_id, created_at, {names})
  SELECT $1::uuid, $2::timestamptz, e.* FROM {_unnest(entries, ENTRY_COLUMNS, "e")}
), cards AS (
  UPDATE loyalty_cards c SET updated_at = $2, {absolute}, {relative}
  FROM {_unnest(cards, CARD_COLUMNS, "d")}
  WHERE c.merchant_id = $1 AND c.id = d.id
), messages AS (
  INSERT INTO core_outbox (merchant_id, created_at, id, task, payload, available_at)
  SELECT $1, $2, o.* FROM {_unnest(messages, MESSAGE_COLUMNS, "o")}
)
INSERT INTO core_idempotency (merchant_id, created_at, key, fingerprint, status, body)
SELECT $1, $2, a.* FROM {_unnest(answers, ANSWER_COLUMNS, "a")}
"""


WRITE = _write_statement()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision to write: the card it was made for, and what its last row refers to besides the rule's own fields.

    `op_key` identifies the operation for ever; it is unique per merchant, whatever becomes of the stored answers. Rows before
    the last get keys derived from it, unless `earlier_keys` names those directly before it, in order. `actor` is who did it, the
    context's without.
    """

    card: LockedCard
    decision: Decision
    op_key: str
    transaction_id: uuid.UUID
    store_id: uuid.UUID | None = None
    reward_id: uuid.UUID | None = None
    order_reference: str | None = None
    earlier_keys: Sequence[str] = ()
    actor: Actor | None = None


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
    """One wish to change one card, of the caller of `ctx` and within its transaction.

    `prepare` reads what else the rule needs once the card is locked and refuses callers (PIN, own card); `decide` is the
    rule, `events` tells what happened, `present` shapes the answer that is kept under `key`. Those three are pure.
    """

    ctx: Ctx
    card_id: uuid.UUID
    key: IdempotencyKey
    decide: Callable[[LockedCard], Decision]
    events: Callable[[Change], Sequence[Event]]
    present: Callable[[Change], str]
    prepare: Callable[[LockedCard], Awaitable[None]] | None = None
    reward_id: uuid.UUID | None = None
    order_reference: str | None = None
    status: int = 200


async def run(command: Command) -> Posted:
    """Execute `command`, or replay it when its key was answered before.

    Raises CardNotFoundException (also for a card that the caller's store does not serve), whatever the rules refuse, AlreadyApplied
    for a key older than its kept answer, and asyncpg.UniqueViolationError on the idempotency key when a rival was first (the
    caller runs again).
    """
    (outcome,) = await _execute([command])
    if isinstance(outcome, OrionException):
        raise outcome
    if outcome is None:
        raise CardNotFoundException
    return outcome


def runs(make: Callable[Asked, Awaitable[Command]]) -> Callable[Asked, Coroutine[Any, Any, Posted]]:
    """Return the function that executes by itself what `make` makes of the same arguments; it raises what `make` and `run` raise."""

    async def run_made(*args: Asked.args, **kwargs: Asked.kwargs) -> Posted:
        return await run(await make(*args, **kwargs))

    return run_made


async def run_together(commands: Sequence[Command]) -> list[Posted | OrionException | None]:
    """Execute `commands` of many callers of one merchant in one transaction, in order; each is refused by itself or booked.

    None for one that has to run alone: its card is held by somebody else, for whom the others do not wait, or not there at all, or
    its key is also that of a command before it. Raises what `write` raises, and then nothing of all this has happened.
    """
    return await _execute(commands, skip_held=True)


async def _execute(commands: Sequence[Command], *, skip_held: bool = False) -> list[Posted | OrionException | None]:
    ctx = commands[0].ctx
    locked = await lock_cards(
        ctx,
        [command.card_id for command in commands],
        zone=await tenancy.merchant_zone(ctx),
        keys=[command.key.key for command in commands],
        pin_ids=[command.ctx.actor.staff_pin_id for command in commands],
        skip_held=skip_held,
    )
    latest: dict[uuid.UUID, CardState] = {}
    keys: set[str] = set()
    outcomes: list[Posted | OrionException | None] = []
    changes: list[Change] = []
    answers: list[Answer] = []
    for command, found in zip(commands, locked, strict=True):
        if found is None or command.key.key in keys:
            outcomes.append(None)
            continue
        keys.add(command.key.key)
        card = dataclasses.replace(found, state=latest[found.id]) if found.id in latest else found
        try:
            posted, change = await _decide(command, card)
        except OrionException as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append(posted)
        if change is not None:
            latest[card.id] = change.decision.card
            changes.append(change)
            answers.append(Answer(command.key, posted.status, posted.body))
            for event in (*_expiries(change), *command.events(change)):
                ctx.emit(event)
    if changes:
        await write(ctx, changes, answers)
    return outcomes


async def _decide(command: Command, card: LockedCard) -> tuple[Posted, Change | None]:
    """Return the outcome of `command` for its locked card, and the change to write; raises what refuses it."""
    actor = command.ctx.actor
    if not is_served(command.ctx, card):
        raise CardNotFoundException
    if card.answer is not None:
        stored = card.answer.check(command.key)
        return Posted(card, None, None, stored.status, stored.body, is_replay=True), None
    if command.prepare is not None:
        await command.prepare(card)
    change = Change(
        card=card,
        decision=command.decide(card),
        op_key=f"key:{command.key.key}",  # no client can claim `welcome:` or `merge:`
        transaction_id=new_id(),
        store_id=actor.store_id,
        reward_id=command.reward_id,
        order_reference=command.order_reference,
        actor=actor,
    )
    return Posted(card, change.decision, change.transaction_id, command.status, command.present(change)), change


def _expiries(change: Change) -> list[Event]:
    """Return the events of points that were due and expired on the way: a visit may come before the nightly sweep."""
    *before, _asked = change.decision.entries
    return [
        PointsExpired(card_id=change.card.id, transaction_id=_earlier_id(change, distance), points=-entry.points_delta)
        for distance, entry in zip(range(len(before), 0, -1), before, strict=True)
        if entry.type is TransactionType.POINTS_EXPIRED
    ]


def _earlier_id(change: Change, distance: int) -> uuid.UUID:
    return uuid.UUID(int=change.transaction_id.int - distance)


def is_served(ctx: Ctx, card: LockedCard) -> bool:
    """Whether the caller's store serves this card: any store of the merchant, or only the card's own (A1, A5)."""
    return card.is_cross_location or ctx.actor.store_id is None or ctx.actor.store_id == card.enrolled_at_store_id


async def write(ctx: Ctx, changes: Sequence[Change], answers: Sequence[Answer] = ()) -> None:
    """Append the rows of `changes` and move the balances by them, with `answers` and all pending messages, in one statement.

    The cards must be locked by the caller. Raises AlreadyApplied, OrderAlreadyEarnedException or
    TransactionAlreadyVoidedException when the ledger's own unique keys say so.
    """
    messages = writer.columns(ctx.pending)
    # Rivals insert their keys in one order: whoever waits for another's key is never waited for by it.
    entries = sorted((row for change in changes for row in _entry_rows(change, change.actor or ctx.actor)), key=_op_key)
    kept = sorted((item.key.key, item.key.fingerprint, item.status, item.body) for item in answers)
    arguments = [
        *_transpose(len(ENTRY_COLUMNS), entries),
        *_transpose(len(CARD_COLUMNS), _card_rows(changes)),
        messages[0], messages[2], messages[3], messages[4],
        *_transpose(len(ANSWER_COLUMNS), kept),
    ]  # fmt: skip
    try:
        await ctx.conn.execute(WRITE, ctx.merchant_id, ctx.now, *arguments)
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


def _op_key(row: tuple[Any, ...]) -> str:
    key: str = row[OP_KEY]
    return key


def _entry_rows(change: Change, actor: Actor) -> list[tuple[Any, ...]]:
    """Return the rows to append; those before the last are consequences (a due expiry) and get keys and ids of their own.

    Their ids are the numbers just below the last row's, so that rows of one instant stay in the order in which they were booked.
    """
    *before, asked = change.decision.entries
    derived = [f"{change.op_key}:{number}" for number in range(len(before) - len(change.earlier_keys))]
    by = (change.store_id, actor.terminal_id, actor.staff_pin_id, actor.user_id, actor.acting_admin_id)
    rows = [
        (_earlier_id(change, distance), change.card.id, entry.type.value, *_rule_values(entry), None, None, key, *by)
        for distance, entry, key in zip(range(len(before), 0, -1), before, (*derived, *change.earlier_keys), strict=True)
    ]
    rows.append(
        (
            change.transaction_id, change.card.id, asked.type.value, *_rule_values(asked),
            change.reward_id, change.order_reference, change.op_key, *by,
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
