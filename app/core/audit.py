"""The audit log: who did what to what, from where. Append-only for the application's role.

Addresses and free text (the reason of a correction) live here and never in the ledger (requirements B7).
"""

import json
import uuid
from typing import Any

from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id

INSERT = """
INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, actor_id, staff_pin_id,
                            acting_admin_id, request_id, address, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def record(
    ctx: Ctx | PlatformCtx,
    action: str,
    target_type: str,
    target_id: uuid.UUID | None,
    *,
    merchant_id: uuid.UUID | None = None,
    **details: Any,
) -> None:
    """Append one entry: `action` is `module.noun.verb`, `details` are JSON-ready values (old and new, a reason)."""
    actor = ctx.actor
    await ctx.conn.execute(
        INSERT,
        new_id(),
        ctx.merchant_id if isinstance(ctx, Ctx) else merchant_id,
        ctx.now,
        action,
        target_type,
        target_id,
        actor.kind,
        actor.user_id or actor.terminal_id or actor.customer_id,
        actor.staff_pin_id,
        actor.acting_admin_id,
        ctx.request_id,
        actor.address,
        json.dumps(details, default=str),
    )
