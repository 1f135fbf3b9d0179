"""What is watched of the mails: how many of an hour's fail (requirements I4)."""

import datetime as dt
from collections.abc import Sequence

from app.core.alerts import AlertRule, Reading
from app.core.context import PlatformCtx
from app.core.i18n import N_
from app.modules.messaging.queries import watch

WINDOW = dt.timedelta(hours=1)
FEWEST_FAILURES = 5
"""Fewer are an address or two with a slip in them: one of twenty mails would already be five per cent."""
WAITS_AFTER_TRIES = 3
"""A mail that is tried for the fourth time is counted as failing; many servers turn the first try away for a few minutes."""

MAIL_FAILURES = AlertRule(
    name="mail_failures",
    severity="warn",
    title=N_("Mails fail"),
    sentence=N_("%(failing)s of %(decided)s mails of the last hour could not be delivered."),
    advice=N_("Look at the log of mails for the reasons, and whether the mail server takes mail from us."),
    threshold=0.01,
    expression='max(orion_alert_value{rule="mail_failures"})',
    measure="app.modules.messaging.services.watch_service:measure_failures",
)


async def measure_failures(ctx: PlatformCtx) -> Sequence[Reading]:
    """The share of the mails begun within the last hour that failed or still fail; nought while there are fewer than five."""
    failing, decided = await watch.count_failing(ctx, window=WINDOW, after_tries=WAITS_AFTER_TRIES)
    share = failing / decided if failing >= FEWEST_FAILURES else 0.0
    return [Reading(share, details={"failing": failing, "decided": decided})]
