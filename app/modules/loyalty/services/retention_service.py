"""People who stayed away for years: told, and erased 30 days later unless they came back (off unless the merchant wants it).

Staying away means: no visit with any card, no change of their data and no sign-in. A visit, a change or a sign-in after the mail
brings somebody back.
"""

import contextlib
import uuid
from collections.abc import Sequence

from app.core import audit
from app.core.context import Ctx
from app.modules.customers import public as customers
from app.modules.loyalty.domain import retention
from app.modules.loyalty.queries import privacy, programs
from app.modules.loyalty.queries.programs import MerchantSettings
from app.modules.loyalty.services import privacy_service, program_service
from app.modules.loyalty.services.chunks import NOTHING_TO_DO, Chunk
from app.modules.messaging import public as messaging
from app.modules.tenancy import public as tenancy

CHUNK = 100
MOST_ERASURES = 10
"""In one transaction: an erasure looks through the merchant's kept answers, and holds the person's cards."""
TEMPLATE = "loyalty_retention"
SAVE = "UPDATE loyalty_merchant_settings SET retention_years = $2, updated_at = $3 WHERE merchant_id = $1"


async def set_retention(ctx: Ctx, *, years: int | None) -> MerchantSettings:
    """Erase people from now on who stay away for `years` (1 to 10), or nobody any more (None); return the settings.

    Switching it off takes back what was announced: nobody is erased later on an old mail.
    """
    await program_service.ensure_settings(ctx)
    await ctx.conn.execute(SAVE, ctx.merchant_id, years, ctx.now)
    if years is None:
        await customers.forget_retention_warnings(ctx)
    await audit.record(ctx, "loyalty.retention.changed", "merchant", ctx.merchant_id, years=years)
    return await programs.get_settings(ctx)


async def apply_chunk(ctx: Ctx, *, after_id: uuid.UUID) -> Chunk:
    """Look at the next 100 people whose data nobody has touched for years: tell, erase, or let them be. Counts each."""
    years = (await programs.get_settings(ctx)).retention_years
    if years is None:
        return NOTHING_TO_DO
    since = retention.quiet_since(ctx.now, years)
    people = await customers.list_quiet(ctx, before=since, after_id=after_id, limit=CHUNK)
    last_seen = await privacy.find_last_activity(ctx, [person.customer_id for person in people])
    told: list[uuid.UUID] = []
    due: list[uuid.UUID] = []
    back: list[uuid.UUID] = []
    looked_at = 0
    for person in people:
        seen = max(last_seen.get(person.customer_id, person.changed_at), person.changed_at)
        if seen >= since or (person.warned_at is not None and seen >= person.warned_at):
            back.append(person.customer_id)
        elif person.warned_at is None:
            told.append(person.customer_id)
        elif person.warned_at < retention.warned_before(ctx.now):
            due.append(person.customer_id)
        looked_at += 1
        if len(due) == MOST_ERASURES:
            break
    await customers.forget_retention_warnings(ctx, back)
    counts = {"told": await _tell(ctx, told), "erased": await _erase(ctx, due)}
    is_more = looked_at < len(people) or len(people) == CHUNK
    return Chunk(people[looked_at - 1].customer_id if is_more else None, counts)


async def _tell(ctx: Ctx, people: Sequence[uuid.UUID]) -> int:
    erased_on = retention.erased_on(ctx.now, await tenancy.merchant_zone(ctx))
    marked = await customers.note_retention_warnings(ctx, people)
    for customer_id in marked:
        messaging.enqueue_mail(ctx, TEMPLATE, customer_id=customer_id, erased_on=erased_on.isoformat())
    return len(marked)


async def _erase(ctx: Ctx, people: Sequence[uuid.UUID]) -> int:
    erased = 0
    for customer_id in people:
        with contextlib.suppress(customers.CustomerAnonymizedException):  # somebody else was quicker
            await privacy_service.erase_customer(ctx, customer_id, reason="retention")
            erased += 1
    return erased
