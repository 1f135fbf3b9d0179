"""What is watched of loyalty (requirements I4): that points expire every night, and that the ledger adds up."""

import datetime as dt
from collections.abc import Sequence

from app.core.alerts import AlertRule, Reading
from app.core.context import PlatformCtx
from app.core.i18n import N_
from app.modules.loyalty.queries import watch
from app.modules.tenancy import public as tenancy

EXPIRY_KIND = "loyalty.expire_points"
MOST_HOURS = 26
HOUR = dt.timedelta(hours=1)

EXPIRY_OVERDUE = AlertRule(
    name="expiry_overdue",
    severity="page",
    title=N_("Points have not expired"),
    sentence=N_("The nightly expiry of points had no success for %(hours)s hours. Merchants concerned: %(merchants)s."),
    advice=N_("Follow the runbook of the expiry: see whether the scheduler and the workers run, and why its last run failed."),
    threshold=MOST_HOURS,
    expression='max(orion_alert_value{rule="expiry_overdue"})',
    measure="app.modules.loyalty.services.watch_service:measure_expiry",
)
LEDGER_MISMATCH = AlertRule(
    name="ledger_mismatch",
    severity="page",
    title=N_("A card’s history does not add up"),
    sentence=N_("The check of the ledger found a card whose history does not lead to its balances: %(card_id)s."),
    advice=N_("Run “orion verify-ledger” and find out which row is wrong. Nothing has been repaired by itself."),
    threshold=0,
    expression='max(orion_alerts_open{rule="ledger_mismatch"})',
)
ALERTS = (EXPIRY_OVERDUE, LEDGER_MISMATCH)


async def measure_expiry(ctx: PlatformCtx) -> Sequence[Reading]:
    """Hours since the last success of the expiry at the merchant who waits longest; deactivated merchants do not count."""
    since = await watch.list_since_expiry(ctx, EXPIRY_KIND)
    if any(ctx.now - at > MOST_HOURS * HOUR for _, at in since):
        active = {merchant_id for merchant_id, _zone in await tenancy.list_zones(ctx)}
        since = [(merchant_id, at) for merchant_id, at in since if merchant_id in active]
    hours = max(((ctx.now - at) / HOUR for _, at in since), default=0.0)
    overdue = sum(ctx.now - at > MOST_HOURS * HOUR for _, at in since)
    return [Reading(hours, details={"hours": int(hours), "merchants": overdue})]
