"""Calls to come back (C7): people who have stayed away longer than the program's `reengagement_days`, at most once a quarter."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.customers import public as customers
from app.modules.loyalty.domain import outreach
from app.modules.loyalty.queries import locks, programs
from app.modules.loyalty.queries import outreach as outreach_queries
from app.modules.loyalty.queries.outreach import ChosenCard
from app.modules.loyalty.services import notification_service
from app.modules.loyalty.services.chunks import CHUNK, NOTHING_TO_DO, Chunk
from app.modules.tenancy import public as tenancy

# Asks again what the list asked, of the rows as they are under their locks: a visit or a rival's call may have come between.
MARK_ASKED = """
UPDATE loyalty_cards SET last_reengagement_at = $3
WHERE merchant_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL AND status = 'active' AND last_activity_at < $4
  AND (last_reengagement_at IS NULL OR last_reengagement_at < $5)
RETURNING id
"""


async def call_back_chunk(ctx: Ctx, *, after_id: uuid.UUID) -> Chunk:
    """Write to the next people who stayed away, of 500 cards, if they consent to marketing mail.

    A person with several cards is away when none of them was used, and gets one mail, about the card used last. Nobody is
    written to while the program is paused. Counts cards that were looked at and mails.
    """
    program = await programs.find_program(ctx)
    if program is None or not program.is_active:
        return NOTHING_TO_DO
    zone = await tenancy.merchant_zone(ctx)
    idle_before = outreach.idle_before(ctx.now, zone, program.reengagement_days)
    asked_before = outreach.asked_before(ctx.now, zone)
    idle = await outreach_queries.list_idle_cards(
        ctx, program.id, after_id=after_id, idle_before=idle_before, asked_before=asked_before, limit=CHUNK
    )
    wanting = await customers.filter_marketing_consent(ctx, [card.customer_id for card in idle])
    called = await _mark(ctx, zone, [card for card in idle if card.customer_id in wanting], idle_before, asked_before)
    for card in called:
        notification_service.send_reengagement(ctx, card, outreach.days_inactive(card.last_activity_at, ctx.now, zone))
    return Chunk(idle[-1].id if len(idle) == CHUNK else None, {"cards": len(idle), "mails": len(called)})


async def _mark(
    ctx: Ctx, zone: zoneinfo.ZoneInfo, cards: Sequence[ChosenCard], idle_before: dt.datetime, asked_before: dt.datetime
) -> list[ChosenCard]:
    """Note on `cards` that their holders are called back, and return those that were still to be."""
    if not cards:
        return []
    ids = [card.id for card in cards]
    await locks.lock_cards(ctx, ids, zone=zone)  # an UPDATE takes its rows in any order, and could meet the ledger head-on
    rows = await ctx.conn.fetch(MARK_ASKED, ctx.merchant_id, ids, ctx.now, idle_before, asked_before)
    marked = {row["id"] for row in rows}
    return [card for card in cards if card.id in marked]
