"""The audit log: who did what to what, from where. Append-only for the application's role.

Addresses and free text (the reason of a correction) live here and never in the ledger (requirements B7).
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id

INSERT = """
INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, actor_id, staff_pin_id,
                            acting_admin_id, request_id, address, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

INSERT_MANY = """
INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, actor_id, staff_pin_id,
                            acting_admin_id, request_id, address, details)
SELECT t.id, $2, $3, $4, $5, t.target_id, $7, $8, $9, $10, $11, $12, $13 FROM unnest($1::uuid[], $6::uuid[]) AS t (id, target_id)
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
    await ctx.conn.execute(
        INSERT,
        new_id(),
        ctx.merchant_id if isinstance(ctx, Ctx) else merchant_id,
        ctx.now,
        action,
        target_type,
        target_id,
        *_who(ctx),
        json.dumps(details, default=str),
    )


async def record_many(ctx: Ctx, action: str, target_type: str, target_ids: Sequence[uuid.UUID], **details: Any) -> None:
    """Append an entry for each of `target_ids`, in one statement; otherwise like `record`."""
    await ctx.conn.execute(
        INSERT_MANY,
        [new_id() for _ in target_ids],
        ctx.merchant_id,
        ctx.now,
        action,
        target_type,
        list(target_ids),
        *_who(ctx),
        json.dumps(details, default=str),
    )


def _who(ctx: Ctx | PlatformCtx) -> tuple[Any, ...]:
    actor = ctx.actor
    acting_id = actor.user_id or actor.terminal_id or actor.customer_id
    return actor.kind, acting_id, actor.staff_pin_id, actor.acting_admin_id, ctx.request_id, actor.address
