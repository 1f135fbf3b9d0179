"""Birthdays (C6): a greeting for who wants to hear from the merchant, and the bonus of the program for everybody.

The bonus belongs to the program that people joined and gave their birthday to; it needs no consent to mail. The greeting is
marketing: it is queued for those who consent now, and messaging asks again when it goes out.
"""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence

from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain import outreach, points
from app.modules.loyalty.events import BirthdayBonusGranted
from app.modules.loyalty.queries import locks, programs
from app.modules.loyalty.queries import outreach as outreach_queries
from app.modules.loyalty.queries.outreach import ChosenCard
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.services import ledger, notification_service
from app.modules.loyalty.services.chunks import CHUNK, NOTHING_TO_DO, Chunk
from app.modules.loyalty.services.ledger import Change
from app.modules.tenancy import public as tenancy

# The key decides between rivals: whoever comes second waits for the first and gets nobody.
ADD_GREETINGS = """
INSERT INTO loyalty_birthday_greetings (merchant_id, customer_id, year, card_id, created_at)
SELECT $1, g.customer_id, g.year, g.card_id, $5 FROM unnest($2::uuid[], $3::smallint[], $4::uuid[]) AS g (customer_id, year, card_id)
ON CONFLICT DO NOTHING RETURNING customer_id
"""


async def greet_chunk(ctx: Ctx, *, day: dt.date, after_id: uuid.UUID) -> Chunk:
    """Greet the next 500 people whose birthday is kept on the local day `day` or was missed in the three days before.

    Once per person, merchant and year; by the card they used last. Whoever got their first card after eight o'clock on the
    birthday is not greeted for it, and nobody while the program is paused. Counts people with a card, mails, bonuses and points.
    """
    program = await programs.find_program(ctx)
    if program is None or not program.is_active:
        return NOTHING_TO_DO
    zone = await tenancy.merchant_zone(ctx)
    people = await customers.list_birthdays(ctx, outreach.days_to_greet(day), after_id=after_id, limit=CHUNK)
    counts = await _greet(ctx, program, zone, {person.customer_id: person.kept_on for person in people})
    return Chunk(people[-1].customer_id if len(people) == CHUNK else None, counts)


async def _greet(ctx: Ctx, program: Program, zone: zoneinfo.ZoneInfo, kept_on: Mapping[uuid.UUID, dt.date]) -> dict[str, int]:
    chosen = await outreach_queries.choose_cards(ctx, program.id, list(kept_on))
    cards = [card for card in chosen if card.held_since <= outreach.greeting_time(kept_on[card.customer_id], zone)]
    wanting = await customers.filter_marketing_consent(ctx, [card.customer_id for card in cards])
    has_bonus = program.type.has_points and program.birthday_bonus_points > 0
    greeted = await _note_greetings(ctx, [card for card in cards if has_bonus or card.customer_id in wanting], kept_on)
    bonuses = await _decide_bonuses(ctx, program, zone, greeted, kept_on) if has_bonus else {}
    given = {card_id: change.decision.entry.points_delta for card_id, change in bonuses.items()}
    for card_id, change in bonuses.items():
        ctx.emit(BirthdayBonusGranted(card_id=card_id, transaction_id=change.transaction_id, points=given[card_id]))
    mailed = [card for card in greeted if card.customer_id in wanting]
    for card in mailed:
        notification_service.send_birthday_message(ctx, card, bonus_points=given.get(card.id, 0))
    if bonuses:
        await ledger.write(ctx, list(bonuses.values()))
    return {"people": len(cards), "mails": len(mailed), "bonuses": len(bonuses), "points": sum(given.values())}


async def _note_greetings(ctx: Ctx, cards: Sequence[ChosenCard], kept_on: Mapping[uuid.UUID, dt.date]) -> list[ChosenCard]:
    """Note the greetings of the year in which each birthday is kept, and return the cards of those who had none yet."""
    if not cards:
        return []
    ids = [card.customer_id for card in cards]
    years = [kept_on[customer_id].year for customer_id in ids]
    rows = await ctx.conn.fetch(ADD_GREETINGS, ctx.merchant_id, ids, years, [card.id for card in cards], ctx.now)
    new = {row["customer_id"] for row in rows}
    return [card for card in cards if card.customer_id in new]


async def _decide_bonuses(
    ctx: Ctx, program: Program, zone: zoneinfo.ZoneInfo, cards: Sequence[ChosenCard], kept_on: Mapping[uuid.UUID, dt.date]
) -> dict[uuid.UUID, Change]:
    """Lock `cards` and return the bonuses to book, by card. The ledger's key gives one a year, whatever is known of greetings."""
    if not cards:
        return {}
    keys = [outreach.birthday_key(card.customer_id, kept_on[card.customer_id].year) for card in cards]
    locked = await locks.lock_cards(ctx, [card.id for card in cards], zone=zone)
    booked = await outreach_queries.find_operations(ctx, keys)
    changes: dict[uuid.UUID, Change] = {}
    for card, key in zip(locked, keys, strict=True):
        if card is None or key in booked:
            continue
        decision = points.grant_birthday_bonus(card.state, card.rules, points=program.birthday_bonus_points, now=ctx.now)
        if decision is not None:
            changes[card.id] = Change(card=card, decision=decision, op_key=key, transaction_id=new_id())
    return changes
