"""What happened today and in the last thirty days, for the merchant's home page."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.queries import overview
from app.modules.loyalty.queries.overview import DayNumbers
from app.modules.tenancy import public as tenancy

DAYS = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """Today's numbers, cards in use now, and one entry for each of the last thirty local days, today the last."""

    today: DayNumbers
    active_cards: int
    days: Sequence[DayNumbers]


async def get_overview(ctx: Ctx) -> Overview:
    """Return the merchant's numbers, or those of the store that the caller is bound to. Days are the merchant's local ones."""
    zone = await tenancy.merchant_zone(ctx)
    today = expiry.local_day(ctx.now, zone)
    wanted = [today - dt.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    found = await overview.count_by_day(
        ctx,
        start=expiry.start_of_day(wanted[0], zone),
        end=expiry.end_of_day(today, zone),
        zone=zone.key,
        store_id=ctx.actor.store_id,
    )
    days = [found.get(day) or DayNumbers(day=day) for day in wanted]
    return Overview(days[-1], await overview.count_active_cards(ctx, ctx.actor.store_id), days)
