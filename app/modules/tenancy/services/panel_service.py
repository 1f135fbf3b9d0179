"""What every page of a merchant's panel shows around its content: whose business it is, and who is signed in."""

import dataclasses
from typing import Any

from app.core.context import Ctx
from app.modules.tenancy.queries import merchants as merchant_queries
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.queries.merchants import MerchantView


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """The merchant, and the name of the signed-in person as the merchant calls them (empty for a key of a script)."""

    merchant: MerchantView
    user_name: str

    def values(self) -> dict[str, Any]:
        """Return what the panel's layout and its dates need; `zone` is the merchant's."""
        merchant = self.merchant
        return {"merchant": merchant, "merchant_name": merchant.name, "user_name": self.user_name, "zone": merchant.time_zone}


async def get_panel(ctx: Ctx) -> Panel:
    """Return the frame of the panel's pages for the caller."""
    merchant = await merchant_queries.get_merchant(ctx.conn, ctx.merchant_id)
    user_id = ctx.actor.user_id
    names = await user_queries.find_names(ctx.conn, ctx.merchant_id, {user_id}) if user_id else {}
    return Panel(merchant, names.get(user_id, "") if user_id else "")
