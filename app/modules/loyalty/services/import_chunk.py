"""One chunk of an import: a thousand lines compared with what is known, then written set by set (G8).

Locks in the order of domain.md: the merchant's enrollment lock shared, the customers, their cards.
"""

import collections
import dataclasses
import secrets
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain import card_number, expiry, points
from app.modules.loyalty.domain.balances import MAX_BALANCE, CardState, ProgramRules
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.domain.import_columns import Field
from app.modules.loyalty.domain.import_plan import Choices, operation_key, operation_prefix
from app.modules.loyalty.domain.import_problems import ImportBusyException, LineNote, LineProblem
from app.modules.loyalty.domain.import_values import Line
from app.modules.loyalty.events import CardEnrolled
from app.modules.loyalty.queries import imports, locks, programs
from app.modules.loyalty.queries.imports import HeldCard, NumberedCard
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.services import ledger
from app.modules.loyalty.services.card_numbers import draw_numbers

Counts = collections.Counter[str]

INSERT_CARDS = """
INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, external_number, status,
                           stamps_target, last_activity_at, created_at, updated_at)
SELECT $1, n.id, n.customer_id, $2, n.store_id, n.card_number, n.qr_token, n.external_number, 'active', $3, n.last_activity_at,
       n.created_at, $4
FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])
  AS n (id, customer_id, store_id, card_number, qr_token, external_number, last_activity_at, created_at)
"""
NUMBER_CARDS = """
UPDATE loyalty_cards c SET external_number = n.external_number, updated_at = $2
FROM unnest($3::uuid[], $4::text[]) AS n (id, external_number)
WHERE c.merchant_id = $1 AND c.id = n.id AND c.external_number IS NULL AND c.card_number <> n.external_number
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all chunks of a turn share: the choices, the program and its rules, whether one card works everywhere, the stores by name."""

    choices: Choices
    program: Program
    rules: ProgramRules
    is_cross_location: bool
    stores: Mapping[str, uuid.UUID]
    zone: zoneinfo.ZoneInfo
    locale: str


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A line that is fine by itself: its person's columns, the store where a card would be made, and whether no line before is theirs."""

    line: Line
    columns: Mapping[str, Any]
    store_id: uuid.UUID
    is_first: bool

    @property
    def address(self) -> str:
        """The person's address as addresses are compared."""
        address: str = self.columns["email_normalized"]
        return address

    @property
    def has_balance(self) -> bool:
        """Whether there is something to book."""
        return bool(self.line.points or self.line.stamps)


@dataclasses.dataclass(slots=True)
class Findings:
    """What a chunk found or did."""

    counts: Counts
    notes: list[LineNote]

    @classmethod
    def nothing(cls) -> "Findings":
        """Return what a chunk begins with."""
        return cls(collections.Counter(), [])

    def refuse(self, line: Line, field: Field, problem: LineProblem) -> None:
        """Count a line that cannot be imported."""
        self.notes.append(LineNote(line.number, field.value, problem))
        self.counts["faulty"] += 1


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known of a chunk's people: ids by address, cards and balances imported before by customer; numbers that cards have."""

    ids: Mapping[str, uuid.UUID]
    cards: Mapping[uuid.UUID, Sequence[HeldCard]]
    booked: Mapping[uuid.UUID, set[str]]
    numbers: Mapping[str, NumberedCard]


def card_of(setting: Setting, known: Known, customer_id: uuid.UUID, store_id: uuid.UUID) -> HeldCard | None:
    """Return the card that a line's balance goes to: the person's oldest, or the one of the store where each has its own (A1)."""
    return next((card for card in known.cards.get(customer_id, ()) if setting.is_cross_location or card.store_id == store_id), None)


def is_booked(setting: Setting, known: Known, customer_id: uuid.UUID, candidate: Candidate) -> bool:
    """Return whether a line's balance is here already.

    Either it was imported for the person from this source, also before the merchant changed where cards work; or the line is of a card
    of this merchant (an own export, imported where it comes from), whose balance is what the ledger says.
    """
    numbered = known.numbers.get(candidate.line.card_number or "")
    if numbered is not None and numbered.is_live and numbered.customer_id == customer_id:
        return True
    keys, store_id = known.booked.get(customer_id), candidate.store_id
    if not keys:
        return False
    source = setting.choices.source
    return setting.is_cross_location or not keys.isdisjoint(
        (operation_key(source, customer_id, None), operation_key(source, customer_id, store_id))
    )


async def look(ctx: Ctx, setting: Setting, candidates: Sequence[Candidate], findings: Findings) -> tuple[list[Candidate], Known]:
    """Return the candidates that can be imported as things are, with what is known of them; count and note the others."""
    addresses = list({candidate.address for candidate in candidates})
    erased = await customers.filter_erased(ctx, addresses, today=ctx.now.astimezone(setting.zone).date())
    ids = await customers.find_ids_by_addresses(ctx, addresses)
    numbers = await imports.find_numbers(ctx, [item.line.card_number for item in candidates if item.line.card_number])
    known = await read_known(ctx, setting, ids, numbers)
    kept = []
    for candidate in candidates:
        line, customer_id = candidate.line, ids.get(candidate.address)
        if candidate.address in erased and customer_id is None:
            findings.refuse(line, Field.EMAIL, LineProblem.WAS_ERASED)
        elif line.card_number in numbers and (customer_id is None or numbers[line.card_number].customer_id != customer_id):
            findings.refuse(line, Field.CARD_NUMBER, LineProblem.CARD_NUMBER_TAKEN)
        elif customer_id is not None and candidate.has_balance and _is_unusable(setting, known, candidate, customer_id):
            findings.refuse(line, Field.POINTS, LineProblem.CARD_UNUSABLE)
        else:
            kept.append(candidate)
    return kept, known


async def read_known(ctx: Ctx, setting: Setting, ids: Mapping[str, uuid.UUID], numbers: Mapping[str, NumberedCard]) -> Known:
    """Return what is known of the people `ids`."""
    people = list(ids.values())
    booked = await imports.find_booked(ctx, people, operation_prefix(setting.choices.source))
    return Known(ids, await imports.find_cards(ctx, people), booked, numbers)


def _is_unusable(setting: Setting, known: Known, candidate: Candidate, customer_id: uuid.UUID) -> bool:
    card = card_of(setting, known, customer_id, candidate.store_id)
    if card is None or is_booked(setting, known, customer_id, candidate):
        return False
    is_full = card.points + candidate.line.points > MAX_BALANCE or card.stamps + candidate.line.stamps > MAX_BALANCE
    return card.status is not CardStatus.ACTIVE or is_full


async def check_chunk(ctx: Ctx, setting: Setting, candidates: Sequence[Candidate], findings: Findings) -> None:
    """Count what an import of `candidates` would do; nothing is written."""
    kept, known = await look(ctx, setting, candidates, findings)
    for candidate in kept:
        customer_id = known.ids.get(candidate.address)
        card = None if customer_id is None else card_of(setting, known, customer_id, candidate.store_id)
        is_repeat = customer_id is not None and is_booked(setting, known, customer_id, candidate)
        _count(findings.counts, candidate, is_new=customer_id is None, has_card=card is not None, is_repeat=is_repeat)
        if card is None and not is_repeat and _is_due(ctx, setting, candidate.line):
            findings.counts.update(due_people=1, due_points=candidate.line.points)


def _count(counts: Counts, candidate: Candidate, *, is_new: bool, has_card: bool, is_repeat: bool) -> None:
    counts["fine"] += 1
    counts["new_people" if is_new else "known_people"] += candidate.is_first
    counts["new_cards"] += not has_card
    if is_repeat:
        counts["already"] += candidate.has_balance
    else:
        counts.update(points=candidate.line.points, stamps=candidate.line.stamps)


def _is_due(ctx: Ctx, setting: Setting, line: Line) -> bool:
    if line.last_visit_at is None:
        return False
    state = CardState(stamps_target=1, last_activity_at=line.last_visit_at, points_balance=line.points)
    return expiry.is_expired(state, setting.rules, ctx.now)


async def import_chunk(ctx: Ctx, setting: Setting, candidates: Sequence[Candidate], findings: Findings) -> None:
    """Import `candidates`: people, consents, cards, opening balances, all or nothing; count what was done."""
    await locks.lock_enrollment(ctx)
    if (await programs.get_settings(ctx)).allow_cross_location_redemption is not setting.is_cross_location:
        raise ImportBusyException  # switched since this turn began; the next one begins anew with what holds now
    kept, before = await look(ctx, setting, candidates, findings)
    if not kept:
        return
    people = [
        customers.PersonToImport(
            columns=candidate.columns,
            registered_store_id=candidate.store_id,
            wants_marketing=candidate.line.marketing is True,
            marketing_at=candidate.line.marketing_at,
        )
        for candidate in kept
    ]
    imported = await customers.import_people(ctx, people, text_version=operation_prefix(setting.choices.source).rstrip(":"))
    # Looked at again under their locks; of those whom only this transaction knows there is nothing to find.
    held = {candidate.address: person.id for candidate, person in zip(kept, imported, strict=True) if not person.is_new}
    known = await read_known(ctx, setting, held, before.numbers)
    cards = await _make_cards(ctx, setting, known, list(zip(kept, (person.id for person in imported), strict=True)))
    wanted = []
    for candidate, person, (card_id, is_new_card) in zip(kept, imported, cards, strict=True):
        is_repeat = is_booked(setting, known, person.id, candidate)
        _count(findings.counts, candidate, is_new=candidate.address not in before.ids, has_card=not is_new_card, is_repeat=is_repeat)
        if candidate.has_balance and not is_repeat:
            wanted.append((candidate, person.id, card_id))
    await _book(ctx, setting, wanted, findings)


async def _make_cards(
    ctx: Ctx, setting: Setting, known: Known, people: Sequence[tuple[Candidate, uuid.UUID]]
) -> list[tuple[uuid.UUID, bool]]:
    """Return the card of each person and whether it was made now; numbers of the other system go to cards that have none."""
    free = await draw_numbers(ctx, len(people))
    found: list[tuple[uuid.UUID, bool]] = []
    rows: list[tuple[Any, ...]] = []
    numbered: list[tuple[uuid.UUID, str]] = []
    for candidate, customer_id in people:
        line = candidate.line
        number = line.card_number if line.card_number not in known.numbers else None  # this person's own, of an older card
        held = card_of(setting, known, customer_id, candidate.store_id)
        if held is not None:
            found.append((held.id, False))
            if number:
                numbered.append((held.id, number))
            continue
        card_id = new_id()
        is_ours = number is not None and card_number.is_valid(number)
        ours = number if is_ours else free.pop()
        token = card_number.qr_token(secrets.token_bytes(card_number.TOKEN_BYTES))
        external = None if is_ours else number
        since = line.enrolled_at or ctx.now
        rows.append((card_id, customer_id, candidate.store_id, ours, token, external, line.last_visit_at or ctx.now, since))
        found.append((card_id, True))
        if setting.choices.tells_people:
            ctx.emit(CardEnrolled(card_id=card_id, customer_id=customer_id, store_id=candidate.store_id))
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await ctx.conn.execute(INSERT_CARDS, ctx.merchant_id, setting.program.id, setting.program.stamps_target, ctx.now, *columns)
    if numbered:
        await ctx.conn.execute(NUMBER_CARDS, ctx.merchant_id, ctx.now, *(list(column) for column in zip(*numbered, strict=True)))
    return found


async def _book(ctx: Ctx, setting: Setting, wanted: Sequence[tuple[Candidate, uuid.UUID, uuid.UUID]], findings: Findings) -> None:
    """Book the opening balances on their locked cards, each once per source and person for ever."""
    if not wanted:
        return
    locked = await locks.lock_cards(ctx, [card_id for _, _, card_id in wanted], zone=setting.zone)
    changes = []
    for (candidate, customer_id, _), card in zip(wanted, locked, strict=True):
        line = candidate.line
        if card is None or card.state.status is not CardStatus.ACTIVE:  # switched off since we looked
            findings.notes.append(LineNote(line.number, Field.POINTS.value, LineProblem.CARD_UNUSABLE))
            findings.counts.subtract({"points": line.points, "stamps": line.stamps})
            continue
        decision = points.import_balance(card.state, stamps=line.stamps, points=line.points)
        if decision is not None:
            key = operation_key(setting.choices.source, customer_id, None if setting.is_cross_location else candidate.store_id)
            changes.append(
                ledger.Change(card=card, decision=decision, op_key=key, transaction_id=new_id(), store_id=card.enrolled_at_store_id)
            )
    if changes:
        await ledger.write(ctx, changes)
