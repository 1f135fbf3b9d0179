"""What the mails of a card are made from, as of now, in one statement."""

import dataclasses
import datetime as dt
import uuid

import asyncpg

from app.core.context import Ctx
from app.modules.loyalty.domain.balances import CardState
from app.modules.loyalty.domain.enums import CardStatus, ProgramType
from app.modules.loyalty.queries.locks import CARD_COLUMNS, card_state

# The settings' row can be missing (a merchant that never saved any): the default is domain.md's.
FACTS = f"""
SELECT {CARD_COLUMNS}, p.type AS program_type, p.card_name, p.colour, p.logo_path, p.stamp_reward,
       p.points_expiration_days, p.expiration_changed_at, coalesce(s.allow_cross_location_redemption, true) AS is_cross_location,
       r.name AS reward_name, r.cost_points AS reward_cost,
       EXISTS (SELECT 1 FROM loyalty_transactions v WHERE v.merchant_id = $1 AND v.reverses_id = $3) AS is_voided,
       (SELECT w.points_delta FROM loyalty_transactions w
        WHERE w.merchant_id = $1 AND w.op_key = 'welcome:' || c.customer_id AND w.card_id = c.id
          AND NOT EXISTS (SELECT 1 FROM loyalty_transactions v WHERE v.merchant_id = $1 AND v.reverses_id = w.id)) AS welcome_points
FROM loyalty_cards c
JOIN loyalty_programs p ON p.merchant_id = $1 AND p.id = c.program_id AND p.deleted_at IS NULL
LEFT JOIN loyalty_merchant_settings s ON s.merchant_id = $1
LEFT JOIN LATERAL (
    SELECT name, cost_points FROM loyalty_rewards
    WHERE merchant_id = $1 AND program_id = p.id AND is_active AND deleted_at IS NULL AND cost_points >= p.minimum_redemption_points
    ORDER BY cost_points, sort_order, id LIMIT 1
) AS r ON true
WHERE c.merchant_id = $1 AND c.id = $2 AND c.deleted_at IS NULL
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """A live card and its live program as a mail shows them.

    `reward_name` and `reward_cost` are those of the cheapest points reward on offer, None without one. `welcome_points` is the
    welcome bonus booked on this card, 0 for none. `is_voided` says whether the transaction asked about was reversed.
    """

    card_id: uuid.UUID
    customer_id: uuid.UUID | None
    enrolled_at_store_id: uuid.UUID
    card_number: str
    state: CardState
    program_type: ProgramType
    card_name: str
    colour: str
    logo_path: str | None
    stamp_reward: str
    points_expiration_days: int | None
    expiration_changed_at: dt.datetime | None
    is_cross_location: bool
    reward_name: str | None
    reward_cost: int | None
    is_voided: bool
    welcome_points: int

    @property
    def is_usable(self) -> bool:
        """Whether the card is neither deactivated nor merged into another."""
        return self.state.status is CardStatus.ACTIVE


async def find_mail_facts(ctx: Ctx, card_id: uuid.UUID, *, transaction_id: uuid.UUID | None = None) -> MailFacts | None:
    """Return the facts about a card, None when it or its program is in the trash; `transaction_id` is asked about in `is_voided`."""
    row = await ctx.conn.fetchrow(FACTS, ctx.merchant_id, card_id, transaction_id)
    return None if row is None else _facts(row)


def _facts(row: asyncpg.Record) -> MailFacts:
    return MailFacts(
        card_id=row["id"],
        customer_id=row["customer_id"],
        enrolled_at_store_id=row["enrolled_at_store_id"],
        card_number=row["card_number"],
        state=card_state(row),
        program_type=ProgramType(row["program_type"]),
        card_name=row["card_name"],
        colour=row["colour"],
        logo_path=row["logo_path"],
        stamp_reward=row["stamp_reward"],
        points_expiration_days=row["points_expiration_days"],
        expiration_changed_at=row["expiration_changed_at"],
        is_cross_location=row["is_cross_location"],
        reward_name=row["reward_name"],
        reward_cost=row["reward_cost"],
        is_voided=row["is_voided"],
        welcome_points=row["welcome_points"] or 0,
    )
