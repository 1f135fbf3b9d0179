"""Erasing a person, from a request of the admin, the merchant or the customer, or because they stayed away for years (G3, G4).

One transaction empties everything that the registry of personal data lists (docs/modules/customers/personal-data.md). The history
of the cards stays, as it never holds personal data, and so do the cards, which lead to nobody any more.
"""

import dataclasses
import datetime as dt
import secrets
import uuid
from collections.abc import Mapping, Sequence

from app.core import audit, bulk, files, idempotency
from app.core.context import Ctx, rehearsal
from app.core.outbox import writer
from app.modules.customers import public as customers
from app.modules.loyalty.domain import card_number
from app.modules.loyalty.events import CardDeactivated
from app.modules.loyalty.queries import locks, privacy
from app.modules.loyalty.services.card_numbers import draw_numbers
from app.modules.messaging import public as messaging

FINISH = "loyalty.finish_erasure"
SWEEP_AFTER = dt.timedelta(minutes=3)
"""Longer than any request (8 s) or turn of a task (110 s) lasts: what was under way during the erasure has ended by then."""

NOT_THE_PERSONS = ("lists", "waiting")
"""What may be there of somebody erased long ago: lists of others, and the sweep that follows an erasure."""

# A card that leads to nobody opens nothing: its number and code are on paper and in phones.
ANONYMIZE_CARDS = """
UPDATE loyalty_cards c SET customer_id = NULL, notes = '', deletion_reason = '', external_number = NULL,
    card_number = fresh.card_number, qr_token = fresh.qr_token,
    status = CASE WHEN c.status = 'active' THEN 'deactivated' ELSE c.status END,
    deactivated_at = CASE WHEN c.status = 'active' THEN $5 ELSE c.deactivated_at END, updated_at = $5
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS fresh (id, card_number, qr_token)
WHERE c.merchant_id = $1 AND c.id = fresh.id
"""
DELETE_GREETINGS = "DELETE FROM loyalty_birthday_greetings WHERE merchant_id = $1 AND customer_id = $2"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an erasure emptied or deleted, by category, and how many rows of history stay. It names nobody but the customer's id."""

    customer_id: uuid.UUID
    at: dt.datetime
    counts: Mapping[str, int]
    kept_transactions: int


async def preview_erasure(ctx: Ctx, customer_id: uuid.UUID) -> Receipt:
    """Return what `erase_customer` would do now, by doing it and taking it back. Raises the same."""
    async with rehearsal(ctx):
        return await erase_customer(ctx, customer_id)


async def erase_customer(ctx: Ctx, customer_id: uuid.UUID, *, reason: str = "request") -> Receipt:
    """Erase the customer and return the receipt. `reason` is a code for the audit log: "request" or "retention".

    CustomerNotFoundException for an unknown or another merchant's id, CustomerAnonymizedException for somebody erased before.
    Locks in the order of domain.md, Identity: the merchant's enrollment lock shared, the customer, their cards by id.
    """
    await locks.lock_enrollment(ctx)
    await customers.lock_customer(ctx, customer_id)
    return await _erase(ctx, customer_id, reason=reason)


async def repeat_erasure(ctx: Ctx, erasure: customers.Erasure) -> bool:
    """Erase again somebody whom a backup has brought back, whole or in part; False, and nothing done, when nothing had come back.

    CustomerNotFoundException when the backup is from before they were a customer.
    """
    await locks.lock_enrollment(ctx)
    person = await customers.lock_for_erasure(ctx, erasure.customer_id)
    if person.is_anonymized:
        async with rehearsal(ctx):
            left = await _erase(ctx, erasure.customer_id, reason="restore", erased_at=erasure.at)
        if not any(count for category, count in left.counts.items() if category not in NOT_THE_PERSONS):
            return False
    await _erase(ctx, erasure.customer_id, reason="restore", erased_at=erasure.at)
    return True


async def finish_erasure(ctx: Ctx, *, customer_id: uuid.UUID, card_ids: Sequence[uuid.UUID], erased_at: dt.datetime) -> None:
    """Empty what others, who had begun before the erasure, left behind after it: a link, a session, an address in the log of mails."""
    await customers.forget_sign_ins(ctx, customer_id)
    await messaging.erase_customer(ctx, customer_id, email=None, skip_held=False)
    await files.delete_of_customer(ctx, customer_id)
    await files.delete_lists(ctx, made_until=erased_at)
    ids = [customer_id, *await customers.list_merged(ctx, customer_id), *card_ids]
    words = [str(item) for item in ids]
    await bulk.forget(ctx, words)
    await idempotency.forget(ctx.conn, ctx.merchant_id, words)
    await customers.scrub_audit(ctx, customer_id, ids)


async def _erase(ctx: Ctx, customer_id: uuid.UUID, *, reason: str, erased_at: dt.datetime | None = None) -> Receipt:
    cards = await locks.lock_cards_of_customer(ctx, customer_id)
    card_ids = [card["id"] for card in cards]
    erased = await customers.erase_customer(ctx, customer_id, erased_at=erased_at)
    email = erased.before.email
    ids = [customer_id, *await customers.list_merged(ctx, customer_id), *card_ids]
    words = [*map(str, ids), *(card[name] for card in cards for name in ("card_number", "qr_token")), *([email] if email else [])]
    withdrawn = await writer.withdraw(ctx.conn, ctx.merchant_id, customer_id=customer_id, card_ids=card_ids, now=ctx.now)
    counts = {
        **erased.counts,
        **await messaging.erase_customer(ctx, customer_id, email=email),
        "cards": await _anonymize(ctx, card_ids),
        "greetings": await _count(ctx, DELETE_GREETINGS, ctx.merchant_id, customer_id),
        "files": await files.delete_of_customer(ctx, customer_id),
        "lists": await files.delete_lists(ctx, made_until=ctx.now),
        "waiting": withdrawn + await bulk.forget(ctx, words),
        "answers": await idempotency.forget(ctx.conn, ctx.merchant_id, words),
        "audit_entries": await customers.scrub_audit(ctx, customer_id, ids),
    }
    for card in cards:
        if card["status"] == "active":
            ctx.emit(CardDeactivated(card_id=card["id"]))
    held = [str(card_id) for card_id in card_ids]
    ctx.enqueue(FINISH, delay=SWEEP_AFTER, customer_id=customer_id, card_ids=held, erased_at=ctx.now.isoformat())
    await audit.record(ctx, "loyalty.customer.erased", "customer", customer_id, because=reason, counts=counts)
    kept = await privacy.count_transactions(ctx, card_ids)
    return Receipt(customer_id=customer_id, at=ctx.now, counts=counts, kept_transactions=kept)


async def _anonymize(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> int:
    numbers = await draw_numbers(ctx, len(card_ids))
    tokens = [card_number.qr_token(secrets.token_bytes(card_number.TOKEN_BYTES)) for _ in card_ids]
    return await _count(ctx, ANONYMIZE_CARDS, ctx.merchant_id, list(card_ids), numbers, tokens, ctx.now)


async def _count(ctx: Ctx, statement: str, *values: object) -> int:
    status: str = await ctx.conn.execute(statement, *values)
    return int(status.rpartition(" ")[2])
