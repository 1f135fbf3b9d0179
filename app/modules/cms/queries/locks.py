"""The only row locks of the module. A page is locked before anything that belongs to it."""

import uuid

from app.core.context import Ctx
from app.modules.cms.errors import PageNotFoundException

LOCK_PAGE = "SELECT slug FROM cms_pages WHERE merchant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE"
LOCK_ADDRESS = "SELECT id FROM cms_pages WHERE merchant_id = $1 AND slug = $2 ORDER BY id FOR UPDATE"
KEEP_PUBLISHED = """
SELECT id FROM cms_pages
WHERE merchant_id = $1 AND slug = $2 AND (store_id = $3 OR store_id IS NULL) AND deleted_at IS NULL AND published_version IS NOT NULL
ORDER BY store_id NULLS LAST FOR SHARE
"""


async def lock_page(ctx: Ctx, page_id: uuid.UUID) -> str:
    """Lock a page against every other change and return its address; PageNotFoundException."""
    slug: str | None = await ctx.conn.fetchval(LOCK_PAGE, ctx.merchant_id, page_id)
    if slug is None:
        raise PageNotFoundException
    return slug


async def lock_address(ctx: Ctx, slug: str) -> None:
    """Lock all pages that have, or had, the address: the numbers of their versions run together."""
    await ctx.conn.execute(LOCK_ADDRESS, ctx.merchant_id, slug)


async def keep_published(ctx: Ctx, store_id: uuid.UUID, slug: str) -> bool:
    """Return whether the store shows a page under `slug`, and hold it as it is until the caller's transaction ends."""
    return bool(await ctx.conn.fetch(KEEP_PUBLISHED, ctx.merchant_id, slug, store_id))
