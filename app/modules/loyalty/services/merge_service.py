"""Merging several cards of one person into the oldest (A12), in chunks that each commit for themselves.

A run is a row with its progress and sums. The outbox carries it from chunk to chunk, so that a killed worker resumes where it
stopped; each card's rows have keys of their own in the ledger, so that nothing is merged twice.
"""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence

import asyncpg

from app.core import audit
from app.core.context import Ctx
from app.core.errors import N_, Conflict, NotFound
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain.balances import Decision
from app.modules.loyalty.domain.enums import CardStatus, MergeRunStatus, TransactionType
from app.modules.loyalty.domain.merge import MergeCard, MergePlan, plan_merge
from app.modules.loyalty.errors import CardsPerStoreException, MergeRunningException, NothingToMergeException
from app.modules.loyalty.events import CardsMerged, RewardReady
from app.modules.loyalty.merge_errors import CardsNotMergeableException
from app.modules.loyalty.queries import locks, merges, programs
from app.modules.loyalty.queries.locks import LockedCard
from app.modules.loyalty.queries.merges import MergeRun
from app.modules.loyalty.services import ledger
from app.modules.loyalty.services.ledger import Change
from app.modules.tenancy import public as tenancy

CHUNK = 50
"""People per transaction: few enough that a counter waits for none of their cards longer than a moment."""
TASK = "loyalty.merge_cards"
ONE_RUNNING = "uq_loyalty_merge_runs_running"

INSERT_RUN = """
INSERT INTO loyalty_merge_runs (merchant_id, id, status, customer_id, started_by, customers_total, started_at, updated_at)
VALUES ($1, $2, 'running', $3, $4, $5, $6, $6)
"""
ADD_TO_RUN = """
UPDATE loyalty_merge_runs SET customers_merged = customers_merged + $3, customers_skipped = customers_skipped + $4,
  cards_merged = cards_merged + $5, stamps_before = stamps_before + $6, stamps_after = stamps_after + $7,
  points_before = points_before + $8, points_after = points_after + $9, points_expired = points_expired + $10,
  last_customer_id = $11, updated_at = $12
WHERE merchant_id = $1 AND id = $2
"""
FINISH_RUN = "UPDATE loyalty_merge_runs SET status = $3, finished_at = $4, updated_at = $4 WHERE merchant_id = $1 AND id = $2"
POINT_TO_TARGET = """
UPDATE loyalty_cards c SET merged_into_id = m.target_id, updated_at = $4
FROM unnest($2::uuid[], $3::uuid[]) AS m (source_id, target_id) WHERE c.merchant_id = $1 AND c.id = m.source_id
"""
# What was merged into a source before leads to the target in one step as well.
POINT_ON = """
UPDATE loyalty_cards c SET merged_into_id = m.target_id, updated_at = $4
FROM unnest($2::uuid[], $3::uuid[]) AS m (source_id, target_id) WHERE c.merchant_id = $1 AND c.merged_into_id = m.source_id
"""


Group = tuple[uuid.UUID, Sequence[uuid.UUID]]
"""A person, and cards that shall become the oldest of them."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Merge:
    """One person's merge, decided: their locked cards and what becomes of them."""

    customer_id: uuid.UUID
    cards: Mapping[uuid.UUID, LockedCard]
    plan: MergePlan


async def start_merge_of_all(ctx: Ctx) -> MergeRun:
    """Start merging the cards of everybody who holds several, and return the run; a task carries it on.

    Raises CardsPerStoreException while cards belong to stores, NothingToMergeException when nobody holds several, and
    MergeRunningException while another run goes on.
    """
    await _require_one_card_for_all_stores(ctx)
    several = await merges.count_several(ctx)
    if several.people == 0:
        raise NothingToMergeException(message=N_("Nobody holds several cards, so there is nothing to merge."))
    run_id = await _insert_run(ctx, customer_id=None, people=several.people)
    ctx.enqueue(TASK, run_id=run_id)
    await audit.record(ctx, "loyalty.merge.started", "merge_run", run_id, people=several.people, cards=several.cards)
    return await merges.get_run(ctx, run_id)


async def merge_customer(ctx: Ctx, customer_id: uuid.UUID) -> MergeRun:
    """Merge the cards of one person now and return the finished run. Raises as `start_merge_of_all`, and NotFound for strangers."""
    await _require_one_card_for_all_stores(ctx)
    await customers.get_customer(ctx, customer_id)
    run_id = await _insert_run(ctx, customer_id=customer_id, people=1)
    await audit.record(ctx, "loyalty.merge.started", "merge_run", run_id, customer_id=str(customer_id))
    if not await _merge_people(ctx, run_id, [customer_id]):
        raise NothingToMergeException
    await _finish(ctx, run_id, MergeRunStatus.DONE)
    return await merges.get_run(ctx, run_id)


async def continue_merge(ctx: Ctx, run_id: uuid.UUID) -> None:
    """Merge the next chunk of people, and enqueue the rest or finish the run. A run that is over is left alone."""
    await locks.lock_enrollment(ctx)
    if not await locks.lock_merge_run(ctx, run_id):
        return
    if not (await programs.get_settings(ctx)).allow_cross_location_redemption:
        await _finish(ctx, run_id, MergeRunStatus.STOPPED)
        return
    run = await merges.get_run(ctx, run_id)
    actor = dataclasses.replace(ctx.actor, user_id=run.started_by)  # the ledger's rows name who wanted it
    people = await merges.list_next_holders(ctx, after_id=run.last_customer_id, limit=CHUNK)
    if people:
        await _merge_people(dataclasses.replace(ctx, actor=actor), run_id, people)
    if len(people) == CHUNK:
        ctx.enqueue(TASK, run_id=run_id)
    else:
        await _finish(ctx, run_id, MergeRunStatus.DONE)


async def _require_one_card_for_all_stores(ctx: Ctx) -> None:
    await locks.lock_enrollment(ctx)
    if not (await programs.get_settings(ctx)).allow_cross_location_redemption:
        raise CardsPerStoreException


async def _insert_run(ctx: Ctx, *, customer_id: uuid.UUID | None, people: int) -> uuid.UUID:
    """Note a new run and return its id; the unique index lets one run at a time."""
    if await merges.is_running(ctx):
        raise MergeRunningException
    run_id = new_id()
    try:
        await ctx.conn.execute(INSERT_RUN, ctx.merchant_id, run_id, customer_id, ctx.actor.user_id, people, ctx.now)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != ONE_RUNNING:
            raise
        raise MergeRunningException from error
    return run_id


async def _finish(ctx: Ctx, run_id: uuid.UUID, status: MergeRunStatus) -> None:
    await ctx.conn.execute(FINISH_RUN, ctx.merchant_id, run_id, status.value, ctx.now)
    action = "loyalty.merge.done" if status is MergeRunStatus.DONE else "loyalty.merge.stopped"
    await audit.record(ctx, action, "merge_run", run_id)


async def _merge_people(ctx: Ctx, run_id: uuid.UUID, people: Sequence[uuid.UUID]) -> int:
    """Merge the cards of `people` in one write, add the sums to the run, and return how many of them were merged.

    Locks the people in id order, then all their cards in id order, as everybody who locks several does.
    """
    present = [customer_id for customer_id in sorted(people) if await _lock_person(ctx, customer_id)]
    held = await merges.list_cards_of_holders(ctx, present)
    groups = [(customer_id, [card.id for card in cards]) for customer_id, cards in held.items()]
    return await _merge_groups(ctx, run_id, groups, asked=people)


async def merge_cards(ctx: Ctx, groups: Sequence[Group], *, customer_id: uuid.UUID) -> MergeRun | None:
    """Merge each group of cards into its oldest, for people whom the caller has locked, and return the finished run; None without any.

    For the cards of two people who are one: `customer_id` is the one who stays. Raises MergeRunningException, and
    CardsNotMergeableException when more is on a group's cards than one can hold.
    """
    wanted = [group for group in groups if len(group[1]) > 1]
    if not wanted:
        return None
    run_id = await _insert_run(ctx, customer_id=customer_id, people=1)
    if await _merge_groups(ctx, run_id, wanted, asked=[customer_id] * len(wanted)) != len(wanted):
        raise CardsNotMergeableException
    await _finish(ctx, run_id, MergeRunStatus.DONE)
    return await merges.get_run(ctx, run_id)


async def _merge_groups(ctx: Ctx, run_id: uuid.UUID, groups: Sequence[Group], *, asked: Sequence[uuid.UUID]) -> int:
    merged = await _plan(ctx, groups)
    if merged:
        changes = [change for merge in merged for change in _changes(run_id, merge)]
        for merge in merged:
            _emit(ctx, merge, changes)
        await ledger.write(ctx, changes)
        pairs = [(source_id, merge.plan.target_id) for merge in merged for source_id, _ in merge.plan.sources]
        for statement in (POINT_ON, POINT_TO_TARGET):
            await ctx.conn.execute(statement, ctx.merchant_id, [pair[0] for pair in pairs], [pair[1] for pair in pairs], ctx.now)
    await _add_to_run(ctx, run_id, merged, skipped=len(asked) - len(merged), last_id=max(asked))
    return len(merged)


async def _lock_person(ctx: Ctx, customer_id: uuid.UUID) -> bool:
    """Lock a customer, so that nobody enrolls them meanwhile; False when they were erased."""
    try:
        await customers.lock_customer(ctx, customer_id)
    except (NotFound, customers.CustomerAnonymizedException):
        return False
    return True


async def _plan(ctx: Ctx, groups: Sequence[Group]) -> list[_Merge]:
    """Lock the usable cards of `groups` and decide each group's merge; where nothing is to merge any more it is left out."""
    ids = [card_id for _, card_ids in groups for card_id in card_ids]
    usable = {
        card.id: card
        for card in await locks.lock_cards(ctx, ids, zone=await tenancy.merchant_zone(ctx))
        if card is not None and card.state.status is CardStatus.ACTIVE and card.customer_id is not None
    }
    found: list[_Merge] = []
    for customer_id, card_ids in groups:
        cards = {card_id: usable[card_id] for card_id in card_ids if card_id in usable}
        if len(cards) < 2:
            continue
        rules = next(iter(cards.values())).rules
        try:
            plan = plan_merge([MergeCard(card.id, card.enrolled_at, card.state) for card in cards.values()], rules, now=ctx.now)
        except Conflict:  # more than one card can hold: counted as skipped, the others go on
            continue
        found.append(_Merge(customer_id, cards, plan))
    return found


def _changes(run_id: uuid.UUID, merge: _Merge) -> list[Change]:
    """Return what to write for one person: each source emptied, then the target with one row per source."""
    plan = merge.plan
    keys = [f"merge:{run_id}:{source_id}:in" for source_id, _ in plan.sources]
    changes = [
        Change(
            card=merge.cards[source_id], decision=decision, op_key=f"merge:{run_id}:{source_id}:out", transaction_id=new_id(), store_id=None
        )
        for source_id, decision in plan.sources
    ]
    target = Change(
        card=merge.cards[plan.target_id],
        decision=plan.target,
        op_key=keys[-1],
        transaction_id=new_id(),
        store_id=None,
        earlier_keys=keys[:-1],
    )
    return [*changes, target]


def _emit(ctx: Ctx, merge: _Merge, changes: Sequence[Change]) -> None:
    plan = merge.plan
    ctx.emit(CardsMerged(card_id=plan.target_id, customer_id=merge.customer_id, sources=len(plan.sources)))
    if plan.target.rewards_ready:
        change = next(change for change in changes if change.card.id == plan.target_id)
        after = plan.target.card
        ctx.emit(
            RewardReady(
                card_id=plan.target_id,
                transaction_id=change.transaction_id,
                rewards=plan.target.rewards_ready,
                rewards_ready=after.rewards_ready,
                stamps_target=after.stamps_target,
            )
        )


async def _add_to_run(ctx: Ctx, run_id: uuid.UUID, merged: Sequence[_Merge], *, skipped: int, last_id: uuid.UUID) -> None:
    before = [card.state for merge in merged for card in merge.cards.values()]
    after = [decision.card for merge in merged for decision in _decisions(merge.plan)]
    expired = [
        -entry.points_delta
        for merge in merged
        for decision in _decisions(merge.plan)
        for entry in decision.entries
        if entry.type is TransactionType.POINTS_EXPIRED
    ]
    await ctx.conn.execute(
        ADD_TO_RUN, ctx.merchant_id, run_id, len(merged), skipped, sum(len(merge.plan.sources) for merge in merged),
        sum(state.stamp_count for state in before), sum(state.stamp_count for state in after),
        sum(state.net_points for state in before), sum(state.net_points for state in after), sum(expired), last_id, ctx.now,
    )  # fmt: skip
    for merge in merged:
        sources = [str(source_id) for source_id, _ in merge.plan.sources]
        await audit.record(ctx, "loyalty.cards.merged", "card", merge.plan.target_id, merge_id=str(run_id), sources=sources)


def _decisions(plan: MergePlan) -> list[Decision]:
    return [plan.target, *(decision for _, decision in plan.sources)]
