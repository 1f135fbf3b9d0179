"""Pages to begin with: terms, privacy notice and accessibility statement, in every language, with the merchant's own details."""

import functools
from collections.abc import Mapping
from pathlib import Path

from app.core.context import Ctx
from app.core.i18n import LOCALES, formatting, translate
from app.modules.cms.domain import starter
from app.modules.cms.domain.pages import PageText
from app.modules.cms.domain.starter import Business
from app.modules.cms.errors import NoStoreException
from app.modules.cms.queries import pages
from app.modules.cms.services import page_service
from app.modules.tenancy import public as tenancy

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "starter"


@functools.cache
def read_template(slug: str, locale: str) -> str:
    """Return the text of a page to begin with: a line with the title, then Markdown with {{placeholders}}."""
    return (FOLDER / f"{slug}.{locale}.md").read_text(encoding="utf-8")


async def make_starter_pages(ctx: Ctx, store: tenancy.StoreView, *, is_published: bool = False) -> list[str]:
    """Make those of the pages to begin with that the merchant has none for, for all its stores; return their addresses.

    They name the merchant and the address of `store`. As drafts, because they speak in the merchant's name: it reads them first.
    """
    merchant = await tenancy.get_merchant(ctx)
    business = Business(merchant.name, store.address, merchant.contact_email, store.country)
    taken = await pages.list_slugs(ctx)
    added = []
    for slug in starter.SLUGS:
        if slug in taken:
            continue
        days = {locale: formatting.local_date(ctx.now, merchant.time_zone, locale, width="long") for locale in LOCALES}
        page = await page_service.create_page(
            ctx, texts={locale: _text(business, slug, locale, days[locale]) for locale in LOCALES}, slug=slug
        )
        if is_published:
            await page_service.publish_page(ctx, page.id)
        added.append(slug)
    return added


async def add_starter_pages(ctx: Ctx) -> list[str]:
    """Make the pages to begin with as drafts when somebody asks for them, with the address of the merchant's first store.

    Return the addresses of those that were missing. NoStoreException before there is a store.
    """
    stores = await tenancy.list_stores(ctx, include_closed=True)
    if not stores:
        raise NoStoreException
    return await make_starter_pages(ctx, min(stores, key=lambda store: (store.created_at, store.id)))


async def greet_new_merchant(ctx: Ctx, store: tenancy.StoreView) -> list[str]:
    """Make the pages to begin with for a merchant that opens its first store: one that never had a page. Safe to run twice."""
    if await pages.list_slugs(ctx, include_deleted=True):
        return []
    return await make_starter_pages(ctx, store)


def _text(business: Business, slug: str, locale: str, day: str) -> PageText:
    contact = {"merchant_contact": translate(locale, starter.NO_CONTACT)}
    values: Mapping[str, str] = contact | _authorities(business.country, locale) | {"date": day} | starter.fill_details(business)
    return starter.fill_template(read_template(slug, locale), values)


def _authorities(country: str, locale: str) -> dict[str, str]:
    """Return whom people turn to when the merchant does not help, by placeholder: by name where we know it."""
    known = starter.AUTHORITIES.get(country)
    if known is None:
        return {name: translate(locale, sentence) for name, sentence in starter.OTHER_AUTHORITIES.items()}
    return {name: translate(locale, starter.IN_COUNTRY[country], {"authority": authority}) for name, authority in known.items()}
