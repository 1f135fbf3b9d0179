"""The merchant's time zone, asked for on every booking: kept in the process for a minute, as it changes once in a lifetime."""

import datetime as dt
import uuid
import zoneinfo

from app.core.context import Ctx
from app.modules.tenancy.queries import merchants

KEPT_FOR = dt.timedelta(minutes=1)
MOST_KEPT = 10_000

_kept: dict[uuid.UUID, tuple[dt.datetime, zoneinfo.ZoneInfo]] = {}


async def merchant_zone(ctx: Ctx) -> zoneinfo.ZoneInfo:
    """Return the zone in which the merchant's birthdays, expiries and months count; also of one in the trash, whose last tasks end."""
    kept = _kept.get(ctx.merchant_id)
    if kept is not None and abs(ctx.now - kept[0]) < KEPT_FOR:
        return kept[1]
    zone = zoneinfo.ZoneInfo(await merchants.get_zone(ctx.conn, ctx.merchant_id))
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[ctx.merchant_id] = (ctx.now, zone)
    return zone
