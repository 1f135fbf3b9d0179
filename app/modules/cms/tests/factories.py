"""Pages for tests of every module, made by the real services. Rows are committed.

page = await make_page(database, merchant, slug="terms")     # published, in French and German
"""

import uuid
from collections.abc import Mapping

from app.core.db.engine import Database
from app.modules.cms.domain.pages import PageText
from app.modules.cms.queries.pages import EditedPage
from app.modules.cms.services import page_service
from app.modules.tenancy.tests.factories import MadeMerchant, merchant_ctx

__all__ = ["TEXTS", "PageText", "delete_page", "make_page", "publish_text"]

TEXTS = {
    "fr": PageText("Conditions", "## Votre carte\n\nElle est **gratuite**."),
    "de": PageText("Bedingungen", "## Ihre Karte\n\nSie ist **kostenlos**."),
}


async def make_page(
    database: Database,
    merchant: MadeMerchant,
    *,
    slug: str = "terms",
    texts: Mapping[str, PageText] = TEXTS,
    store_id: uuid.UUID | None = None,
    is_published: bool = True,
) -> EditedPage:
    """Make a page of the merchant, for all stores unless `store_id` names one."""
    async with merchant_ctx(database, merchant) as ctx:
        page = await page_service.create_page(ctx, texts=texts, slug=slug, store_id=store_id)
        return await page_service.publish_page(ctx, page.id) if is_published else page


async def publish_text(database: Database, merchant: MadeMerchant, page: EditedPage, locale: str, text: PageText) -> EditedPage:
    """Change a page's text in one language and publish it."""
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.save_text(ctx, page.id, locale, text, revision=page.revisions.get(locale, 0))
        return await page_service.publish_page(ctx, page.id)


async def delete_page(database: Database, merchant: MadeMerchant, page: EditedPage) -> None:
    """Delete a page; PageInUseException when the program uses it."""
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.delete_page(ctx, page.id)
