"""What an erasure takes out of the log of mails and of the choices kept here (domain.md, Privacy).

Bodies are never kept. Keyed hashes of addresses that bounced for good or complained stay: they lead to nobody, and protect whoever
has the address next. A mail that still waits finds nobody to go to, and is logged as suppressed.
"""

import uuid

from app.core.context import Ctx
from app.modules.messaging.queries import delivery, locks
from app.modules.messaging.services.suppression_service import fingerprint_of


async def erase_customer(ctx: Ctx, customer_id: uuid.UUID, *, email: str | None, skip_held: bool = True) -> dict[str, int]:
    """Remove the person from logged mails, choices and counted bounces of `email`; return how many of each.

    The row of a mail that is being sent is held until the mail server has answered, and is left out with `skip_held`: its sender
    notes no address of somebody who is gone (`EmailService`). A sweep without it follows when nothing can be on its way any more.
    """
    mail_ids = await locks.lock_logged_mails(ctx, customer_id, skip_held=skip_held)
    mails, choices = await delivery.forget_customer(ctx, customer_id, mail_ids)
    bounces = await delivery.forget_soft_bounces(ctx, fingerprint_of(ctx.merchant_id, email)) if email is not None else 0
    return {"mails": mails, "mail_choices": choices, "bounces": bounces}
