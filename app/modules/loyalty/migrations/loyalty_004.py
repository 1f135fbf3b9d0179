"""One live card per person and store instead of one per person and merchant (A2).

Which of the two a merchant wants is its setting; with one card for all stores, enrollment sees to it under the merchant's lock.

Revision ID: loyalty_004
"""

import logging

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

from app.core.db import indexes

revision = "loyalty_004"
down_revision = "loyalty_003"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.loyalty")

PER_MERCHANT = "uq_loyalty_cards_live_per_merchant"
PER_STORE = "uq_loyalty_cards_live_per_store"
COLUMNS = {PER_MERCHANT: "merchant_id, customer_id", PER_STORE: "merchant_id, enrolled_at_store_id, customer_id"}
LIVE = "deleted_at IS NULL AND status <> 'merged'"

CONFLICTS = sa.text(f"""
SELECT merchant_id, count(*) AS people, sum(cards) AS cards, (array_agg(customer_id ORDER BY customer_id))[1:3] AS examples
FROM (SELECT merchant_id, customer_id, count(*) AS cards FROM loyalty_cards
      WHERE {LIVE} AND customer_id IS NOT NULL GROUP BY merchant_id, customer_id HAVING count(*) > 1) AS several
GROUP BY merchant_id ORDER BY merchant_id
""")


class SeveralCardsError(CommandError):
    """People hold several live cards of one merchant: the index of loyalty_003 has no room for them."""


def upgrade() -> None:
    """Swap the indexes; what is unique per merchant is unique per store, so nothing can stand in the way."""
    _swap(PER_MERCHANT, PER_STORE)


def downgrade() -> None:
    """Swap them back; SeveralCardsError says who holds several cards, and nothing is changed then."""
    conflicts = op.get_bind().execute(CONFLICTS).all()
    for row in conflicts:
        examples = ", ".join(map(str, row.examples))
        log.error("merchant %s: %d people hold %d live cards, for example customers %s", row.merchant_id, row.people, row.cards, examples)
    if conflicts:
        people = sum(row.people for row in conflicts)
        raise SeveralCardsError(
            f"{people} people at {len(conflicts)} merchants hold more than one live card, and loyalty_003 allows one. "
            "Merge their cards first (merchant panel, settings, one card for all stores); "
            f"the first merchant is {conflicts[0].merchant_id}."
        )
    _swap(PER_STORE, PER_MERCHANT)


def _swap(old: str, new: str) -> None:
    """Build the index `new` beside the traffic, then drop `old`: at every moment one of them holds."""
    with indexes.beside_traffic():
        indexes.build(new, f"loyalty_cards ({COLUMNS[new]}) WHERE {LIVE}", is_unique=True)
        indexes.drop(old)
