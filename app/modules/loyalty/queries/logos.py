"""Finding a logo for a page that anybody may open: nobody is signed in, so the function is the only way to it."""

import uuid

from app.core.context import PlatformCtx
from app.modules.loyalty.domain.logo import LogoType

FIND = "SELECT content, media_type FROM loyalty_find_logo($1, $2)"


async def find_logo(ctx: PlatformCtx, merchant_id: uuid.UUID, prefix: bytes) -> tuple[bytes, LogoType] | None:
    """Return content and media type of an active merchant's logo whose checksum begins with the 16 bytes `prefix`, or None."""
    row = await ctx.conn.fetchrow(FIND, merchant_id, prefix)
    return None if row is None else (row["content"], LogoType(row["media_type"]))
