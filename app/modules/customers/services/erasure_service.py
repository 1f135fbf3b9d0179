"""Erasing a person here: the row keeps its id and when it was, and nothing of them (domain.md, Privacy)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from app.core.context import Ctx, PlatformCtx
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.errors import CustomerNotFoundException
from app.modules.customers.queries import duplicates, erasures, locks
from app.modules.customers.services import returning_service
from app.modules.tenancy import public as tenancy

EMPTY_ROW = """
UPDATE customers SET first_name = NULL, last_name = NULL, first_name_search = NULL, last_name_search = NULL, email = NULL,
    email_normalized = NULL, phone = NULL, phone_normalized = NULL, birth_date = NULL, retention_warned_at = NULL,
    updated_at = $3, anonymized_at = coalesce(anonymized_at, $3)
WHERE merchant_id = $1 AND id = $2
"""
DELETE_CONSENTS = "DELETE FROM customer_consents WHERE merchant_id = $1 AND customer_id = $2"
DELETE_LINKS = "DELETE FROM customer_login_links WHERE merchant_id = $1 AND customer_id = $2"
SCRUB_AUDIT = "SELECT customers_scrub_audit($1, $2, $3)"


@dataclasses.dataclass(frozen=True, slots=True)
class ErasedCustomer:
    """What was known of the person up to now (nothing any more), and how much was emptied or deleted, by category."""

    before: CustomerRecord
    counts: Mapping[str, int]


async def erase_customer(ctx: Ctx, customer_id: uuid.UUID, *, erased_at: dt.datetime | None = None) -> ErasedCustomer:
    """Erase the customer, whose row the caller has locked by `lock_for_erasure`, and note it in the erasure log.

    So is whoever was merged into them, should a backup bring them back as somebody of their own.

    Their sessions end. A keyed hash of the address stays for 12 months from `erased_at` (now, unless an old erasure is done again).
    Doing it again deletes what has come since.
    """
    before = await locks.lock_row(ctx, customer_id)
    today = (erased_at or ctx.now).astimezone(await tenancy.merchant_zone(ctx)).date()
    if before.email is not None:
        await returning_service.remember_erased(ctx, before.email, today=today)
    await ctx.conn.execute(EMPTY_ROW, ctx.merchant_id, customer_id, ctx.now)
    consents = await _delete(ctx, DELETE_CONSENTS, customer_id)
    counts = {"profile": int(not before.is_anonymized), "consents": consents, **await forget_sign_ins(ctx, customer_id)}
    kind = "system" if ctx.actor.kind == "system" else ctx.actor.role
    by = ctx.actor.user_id or ctx.actor.customer_id
    for erased_id in (customer_id, *await duplicates.list_merged(ctx, customer_id)):  # a backup may bring back either
        await erasures.add_erasure(ctx, erasures.Erasure(ctx.merchant_id, erased_id, erased_at or ctx.now, kind, by))
    return ErasedCustomer(before, counts)


async def empty_row(ctx: Ctx, customer_id: uuid.UUID) -> None:
    """Empty the locked row of somebody who goes on as another person: nobody is erased, so neither log nor hash keeps anything.

    Free text of audit entries about the row goes with it.
    """
    await ctx.conn.execute(EMPTY_ROW, ctx.merchant_id, customer_id, ctx.now)
    await _delete(ctx, DELETE_CONSENTS, customer_id)
    await forget_sign_ins(ctx, customer_id)
    await scrub_audit(ctx, customer_id, [customer_id])


async def forget_sign_ins(ctx: Ctx, customer_id: uuid.UUID) -> dict[str, int]:
    """Delete the customer's mailed links and end their sessions; return how many of each."""
    links = await _delete(ctx, DELETE_LINKS, customer_id)
    return {"sign_in_links": links, "sessions": await tenancy.revoke_for_customer(ctx, customer_id)}


async def lock_for_erasure(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Lock the customer's row, of somebody erased as well, and return it; CustomerNotFoundException."""
    return await locks.lock_row(ctx, customer_id)


async def hold_present(ctx: Ctx, customer_id: uuid.UUID) -> bool:
    """Keep the customer from being erased until the transaction ends, without waiting for anybody.

    False when they are erased, or when somebody has their row, who may be about to: whoever wants to note something of the person
    must then leave it out.
    """
    return await locks.hold_present(ctx, customer_id)


async def scrub_audit(ctx: Ctx, customer_id: uuid.UUID, targets: Sequence[uuid.UUID]) -> int:
    """Remove free text and the person's addresses from audit entries about `targets` (the erased customer, their cards); how many."""
    scrubbed: int = await ctx.conn.fetchval(SCRUB_AUDIT, ctx.merchant_id, customer_id, list(targets))
    return scrubbed


async def find_merchant(ctx: PlatformCtx, customer_id: uuid.UUID) -> uuid.UUID:
    """Return the merchant whose customer this is; CustomerNotFoundException."""
    merchant_id = await erasures.find_merchant(ctx, customer_id)
    if merchant_id is None:
        raise CustomerNotFoundException
    return merchant_id


async def _delete(ctx: Ctx, statement: str, customer_id: uuid.UUID) -> int:
    status: str = await ctx.conn.execute(statement, ctx.merchant_id, customer_id)
    return int(status.rpartition(" ")[2])
