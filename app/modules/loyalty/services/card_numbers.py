"""New numbers for cards."""

import secrets
from collections.abc import Callable

from app.core.context import Ctx
from app.modules.loyalty.domain import card_number

TAKEN = "SELECT card_number FROM loyalty_cards WHERE merchant_id = $1 AND card_number = ANY($2::text[])"


async def draw_numbers(ctx: Ctx, count: int, *, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> list[str]:
    """Return `count` card numbers that no card of the merchant has, also none in the trash.

    There are nine thousand million; of a hundred thousand cards two draw the same one as often as not.
    """
    drawn: set[str] = set()
    while len(drawn) < count:
        fresh = {card_number.generate(random_bytes(card_number.NUMBER_BYTES)) for _ in range(count - len(drawn))}
        drawn |= fresh - {row["card_number"] for row in await ctx.conn.fetch(TAKEN, ctx.merchant_id, list(fresh))}
    return list(drawn)
