"""Making two people one who are there twice: their cards, history, mails and wishes (requirements I1).

Locks in the order of domain.md, Identity: the merchant's enrollment lock, both people by id, all their cards by id.
"""

import dataclasses
import uuid
from collections.abc import Sequence

from app.core import files
from app.core.context import Ctx, rehearsal
from app.modules.customers import public as customers
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.merge_errors import CardsNotMergeableException
from app.modules.loyalty.queries import locks, programs
from app.modules.loyalty.queries.merges import MergeRun
from app.modules.loyalty.services import merge_service, people_service
from app.modules.loyalty.services.people_service import Person
from app.modules.messaging import public as messaging

MOVE_CARDS = "UPDATE loyalty_cards SET customer_id = $3, updated_at = $4 WHERE merchant_id = $1 AND customer_id = $2"
MOVE_GREETINGS = """
INSERT INTO loyalty_birthday_greetings (merchant_id, customer_id, year, card_id, created_at)
SELECT merchant_id, $3, year, card_id, created_at FROM loyalty_birthday_greetings WHERE merchant_id = $1 AND customer_id = $2
ON CONFLICT DO NOTHING
"""
DELETE_GREETINGS = "DELETE FROM loyalty_birthday_greetings WHERE merchant_id = $1 AND customer_id = $2"


@dataclasses.dataclass(frozen=True, slots=True)
class PeopleMerge:
    """Two people before, the one they are after, and the run that merged their cards (None when no cards had to become one).

    Stamps are the same before and after; points net of debts are, plus what was due to expire.
    """

    kept: Person
    gone: Person
    after: Person
    run: MergeRun | None


async def preview_merge(ctx: Ctx, kept_id: uuid.UUID, gone_id: uuid.UUID) -> PeopleMerge:
    """Return what `merge_people` would do now, by doing it and taking it back. Raises the same."""
    async with rehearsal(ctx):
        return await merge_people(ctx, kept_id, gone_id)


async def merge_people(ctx: Ctx, kept_id: uuid.UUID, gone_id: uuid.UUID) -> PeopleMerge:
    """Make `gone_id` the same person as `kept_id`, for good, and return what came of it.

    With one card for all stores their cards become the oldest; else those of each store do. What is switched off moves as it is.
    Raises SamePersonException, CustomerNotFoundException, CustomerAnonymizedException, CardsNotMergeableException,
    MergeRunningException.
    """
    await locks.lock_enrollment(ctx)
    kept, gone = await customers.lock_both(ctx, kept_id, gone_id)
    before = [await people_service.get_person(ctx, customer_id) for customer_id in (kept_id, gone_id)]
    run = await _merge_cards(ctx, kept_id, gone_id)
    await ctx.conn.execute(MOVE_CARDS, ctx.merchant_id, gone_id, kept_id, ctx.now)
    for statement in (MOVE_GREETINGS, DELETE_GREETINGS):
        values = (ctx.merchant_id, gone_id, kept_id)
        await ctx.conn.execute(statement, *(values if statement is MOVE_GREETINGS else values[:2]))
    await messaging.move_customer(ctx, gone_id, kept_id)
    await files.delete_of_customer(ctx, gone_id)  # a download that nobody can fetch any more
    live = await programs.find_program(ctx)
    await customers.merge_people(ctx, kept, gone, text_version=str(live.terms_version if live else 0))
    return PeopleMerge(before[0], before[1], await people_service.get_person(ctx, kept_id), run)


async def _merge_cards(ctx: Ctx, kept_id: uuid.UUID, gone_id: uuid.UUID) -> MergeRun | None:
    """Merge the usable cards of both people, all of them or store by store; refuse when two would be left at one store (A2)."""
    rows = [row for row in await locks.lock_cards_of_people(ctx, [kept_id, gone_id]) if row["deleted_at"] is None]
    is_everywhere = (await programs.get_settings(ctx)).allow_cross_location_redemption
    live = [row for row in rows if row["status"] != CardStatus.MERGED]
    groups: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for row in live:
        if row["status"] == CardStatus.ACTIVE:
            groups.setdefault(None if is_everywhere else row["enrolled_at_store_id"], []).append(row["id"])
    run = await merge_service.merge_cards(ctx, [(kept_id, card_ids) for card_ids in groups.values()], customer_id=kept_id)
    if len({row["customer_id"] for row in live}) > 1:
        await _require_one_card_per_store(ctx, kept_id, gone_id)
    return run


async def _require_one_card_per_store(ctx: Ctx, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    left: Sequence[uuid.UUID] = [
        row["enrolled_at_store_id"]
        for row in await locks.lock_cards_of_people(ctx, [kept_id, gone_id])
        if row["deleted_at"] is None and row["status"] != CardStatus.MERGED
    ]
    if len(left) != len(set(left)):
        raise CardsNotMergeableException
