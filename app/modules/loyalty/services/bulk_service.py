"""Treating many cards at once (G5): switching them off, giving them a bonus. Each is a job with a result for every card."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Sequence

from app.core import audit, bulk
from app.core.bulk import BulkItem, BulkJob, BulkKind, Label, NewItem, Outcome
from app.core.context import Ctx
from app.core.errors import N_, Conflict
from app.core.ids import new_id
from app.modules.loyalty.domain import points as points_domain
from app.modules.loyalty.domain.bulk import CardFilter, Selection, give_bonus
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.errors import BulkPreviewChangedException, PointsNotOfferedException
from app.modules.loyalty.events import BonusGranted, CardDeactivated
from app.modules.loyalty.queries import bulk as queries
from app.modules.loyalty.queries import locks, outreach, programs
from app.modules.loyalty.queries.locks import LockedCard
from app.modules.loyalty.services import ledger
from app.modules.loyalty.services.chunks import FIRST
from app.modules.loyalty.services.ledger import Change
from app.modules.tenancy import public as tenancy

BONUS = "loyalty.give_bonus"
DEACTIVATE = "loyalty.deactivate_cards"
TRASHED = "card_trashed"
UNCHANGED = "unchanged"
WOULD_EXPIRE = "bonus_would_expire"

SWITCH_OFF = """
UPDATE loyalty_cards SET status = 'deactivated', deactivated_at = $3, updated_at = $3
WHERE merchant_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL AND status = 'active'
"""

REASONS = {
    "card_merged": N_("Merged into another card"),
    "card_inactive": N_("Switched off"),
    TRASHED: N_("In the trash"),
    UNCHANGED: N_("Was switched off already"),
    "points_not_offered": N_("The program gives no points any more"),
    WOULD_EXPIRE: N_("No visit for so long that the bonus would expire the same night"),
    "balance_limit": N_("Too many points on this card"),
}
LABELS = "app.modules.loyalty.services.bulk_service:label_cards"
KINDS = (
    BulkKind(BONUS, N_("Bonus for many cards"), REASONS, LABELS, {"points": N_("Points given")}),
    BulkKind(DEACTIVATE, N_("Switch many cards off"), REASONS, LABELS),
)


@dataclasses.dataclass(frozen=True, slots=True)
class BonusPreview:
    """How many usable cards would get the bonus, and how many points that is in all."""

    cards: int
    points_in_all: int


async def preview_bonus(ctx: Ctx, selection: Selection, *, points: int) -> BonusPreview:
    """Return what a bonus of `points` for each card would cost now; changes nothing.

    Raises ProgramNotFoundException, PointsNotOfferedException, and StoreNotFoundException for a filter's unknown store.
    """
    program = await programs.get_program(ctx)
    if not program.type.has_points:
        raise PointsNotOfferedException
    if selection.filter is None:
        count = await queries.count_usable(ctx, program.id, selection.card_ids)
    else:
        if selection.filter.store_id is not None:
            await tenancy.get_store(ctx, selection.filter.store_id)
        zone = await tenancy.merchant_zone(ctx)
        count = await queries.count_chosen(ctx, program.id, selection.filter, zone=zone, as_of=ctx.now)
    return BonusPreview(count, count * points)


async def start_bonus(ctx: Ctx, selection: Selection, *, points: int, reason: str, expected_cards: int | None = None) -> uuid.UUID:
    """Start giving `points` to each of the cards and return the job's id. The reason goes to the audit log.

    `expected_cards` is the preview's number: BulkPreviewChangedException when it is another by now. A filter's cards are those
    that were made by now, and are settled before the first one gets anything. Raises what `preview_bonus` raises.
    """
    text = points_domain.clean_reason(reason)
    found = await preview_bonus(ctx, selection, points=points)
    if expected_cards is not None and expected_cards != found.cards:
        raise BulkPreviewChangedException(params=dataclasses.asdict(found))
    chosen = None if selection.filter is None else selection.filter.written()
    params = {"points": points, "filter": chosen, "as_of": ctx.now.isoformat()}
    job_id = await bulk.start(ctx, BONUS, task=BONUS, params=params, items=_items(selection))
    await audit.record(
        ctx, "loyalty.card.bulk_bonus", "bulk_job", job_id, points=points, cards=found.cards, filter=chosen, reason=text
    )  # fmt: skip
    return job_id


async def start_deactivation(ctx: Ctx, card_ids: Sequence[uuid.UUID], *, reason: str) -> uuid.UUID:
    """Start switching the cards off and return the job's id; the reason goes to the audit log, of each card too."""
    text = points_domain.clean_reason(reason)
    selection = Selection(card_ids)
    job_id = await bulk.start(ctx, DEACTIVATE, task=DEACTIVATE, params={bulk.REASON: text}, items=_items(selection))
    await audit.record(ctx, "loyalty.card.bulk_deactivation", "bulk_job", job_id, cards=len(card_ids), reason=text)
    return job_id


def _items(selection: Selection) -> list[NewItem]:
    return [(str(card_id), None) for card_id in selection.card_ids]


async def list_filtered(ctx: Ctx, job: BulkJob, after: str | None) -> list[NewItem]:
    """Return the next cards of a job's filter; none for a job whose cards were named."""
    program = await programs.find_program(ctx)
    if job.params["filter"] is None or program is None:
        return []
    ids = await queries.list_chosen(
        ctx,
        program.id,
        CardFilter.read(job.params["filter"]),
        zone=await tenancy.merchant_zone(ctx),
        as_of=dt.datetime.fromisoformat(job.params["as_of"]),
        after_id=uuid.UUID(after) if after else FIRST,
        limit=bulk.CHUNK,
    )
    return _items(Selection(ids))


async def give_bonuses(ctx: Ctx, job: BulkJob, items: Sequence[BulkItem]) -> list[Outcome]:
    """Book the bonus on the cards of a chunk. The ledger's key gives one per card and job, whatever is known of the job."""
    keys = {uuid.UUID(item.key): f"bulk:{job.id}:{item.key}" for item in items}
    booked = await outreach.find_operations(ctx, list(keys.values()))
    given: int = job.params["points"]
    changes: list[Change] = []

    def treat(card: LockedCard) -> Outcome:
        if keys[card.id] not in booked:
            decision = give_bonus(card.state, card.rules, points_each=given, now=ctx.now)
            if decision is None:
                return Outcome("conflict", WOULD_EXPIRE)
            changes.append(Change(card=card, decision=decision, op_key=keys[card.id], transaction_id=new_id(), actor=ctx.actor))
        return Outcome("ok", adds={"points": given})

    outcomes = await _treat_all(ctx, items, treat)
    for change in changes:
        ctx.emit(BonusGranted(card_id=change.card.id, transaction_id=change.transaction_id, points=given))
    if changes:
        await ledger.write(ctx, changes)
    return outcomes


async def deactivate(ctx: Ctx, job: BulkJob, items: Sequence[BulkItem]) -> list[Outcome]:
    """Switch the cards of a chunk off; their balances stay. One that is off already stays as it is, a merged one is refused."""
    off: list[uuid.UUID] = []

    def treat(card: LockedCard) -> Outcome:
        if card.state.status is CardStatus.DEACTIVATED:
            return Outcome("ok", UNCHANGED)
        if card.state.status is CardStatus.MERGED:
            return Outcome("conflict", "card_merged")
        off.append(card.id)
        return bulk.OK

    outcomes = await _treat_all(ctx, items, treat)
    await ctx.conn.execute(SWITCH_OFF, ctx.merchant_id, off, ctx.now)
    for card_id in off:
        ctx.emit(CardDeactivated(card_id=card_id))
    details = {"reason": job.params.get(bulk.REASON), "job_id": str(job.id)}
    await audit.record_many(ctx, "loyalty.card.deactivated", "card", off, **details)
    return outcomes


async def _treat_all(ctx: Ctx, items: Sequence[BulkItem], treat: Callable[[LockedCard], Outcome]) -> list[Outcome]:
    """Lock the items' cards, let `treat` decide about each, and return the outcomes; what a rule refuses is a conflict."""
    ids = [uuid.UUID(item.key) for item in items]
    cards = await locks.lock_cards(ctx, ids, zone=await tenancy.merchant_zone(ctx))
    trashed = await queries.find_trashed(ctx, [card_id for card_id, card in zip(ids, cards, strict=True) if card is None])
    outcomes: list[Outcome] = []
    for card_id, card in zip(ids, cards, strict=True):
        if card is None:
            outcomes.append(Outcome("conflict", TRASHED) if card_id in trashed else Outcome("not_found"))
            continue
        try:
            outcomes.append(treat(card))
        except Conflict as refusal:
            outcomes.append(Outcome("conflict", refusal.error_code))
    return outcomes


async def label_cards(ctx: Ctx, keys: Sequence[str]) -> dict[str, Label]:
    """Return what the cards of a job's page are called: their numbers, with links to them."""
    numbers = await queries.find_numbers(ctx, [uuid.UUID(key) for key in keys])
    return {str(card_id): Label(format_number(number), f"/merchants/cards/{card_id}") for card_id, number in numbers.items()}
