"""Pages as the public reads them: which text, in which language, rendered."""

import asyncio
import dataclasses
import datetime as dt
import uuid

from markupsafe import Markup

from app.core.context import Ctx
from app.modules.cms.domain.markdown import render_markdown
from app.modules.cms.domain.pages import PageText, choose_locale, is_slug, plain_words
from app.modules.cms.queries import versions
from app.modules.cms.queries.pages import EditedPage
from app.modules.cms.queries.versions import Version
from app.modules.tenancy import public as tenancy


@dataclasses.dataclass(frozen=True, slots=True)
class PageRef:
    """A published page in a list: its address, and its title in the reader's language."""

    slug: str
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class PublishedPage:
    """A page as the public reads it: `html` is safe to show, `locale` the language it is in, `locales` all it can be read in."""

    page_id: uuid.UUID
    slug: str
    title: str
    html: Markup
    version: int
    locale: str
    locales: tuple[str, ...]
    published_at: dt.datetime


def pages_path(store_code: str) -> str:
    """Return the path below which a store's pages are, with a slash at its end."""
    return f"/s/{store_code}/pages/"


async def render(text: PageText, *, store_code: str, first_heading: int = 2) -> Markup:
    """Return the body of `text` as safe HTML for readers at the store, worked out beside the event loop."""
    html = await asyncio.to_thread(render_markdown, text.body, first_heading=first_heading, folder=pages_path(store_code))
    return Markup(html)  # noqa: S704 - render_markdown lets nothing but harmless tags through


async def show_at(ctx: Ctx, page: EditedPage) -> tenancy.StoreView | None:
    """Return the store at which a page is previewed: its own, else the merchant's first open one; None when all are closed."""
    if page.store_id is not None:
        return await tenancy.get_store(ctx, page.store_id)
    return min(await tenancy.list_stores(ctx), key=lambda store: (store.created_at, store.id), default=None)


async def preview(ctx: Ctx, page: EditedPage, text: PageText) -> Markup:
    """Return the body of `text` as it will look on `page`, as safe HTML."""
    store = await show_at(ctx, page)
    return await render(text, store_code=store.code if store else "")


async def find_published(ctx: Ctx, store_id: uuid.UUID, slug: str, locale: str, *, first_heading: int = 2) -> PublishedPage | None:
    """Return what the public sees at the store under `slug`, or None: a page of the store, else the one for all stores.

    In `locale`, else the store's language, else any that there is. `first_heading` is the level of the highest headings.
    """
    version = await versions.find_published(ctx, store_id, slug) if is_slug(slug) else None
    if version is None:
        return None
    store = await tenancy.get_store(ctx, store_id)
    chosen = choose_locale(version.texts, locale, store.locale)
    if chosen is None:
        return None
    return await _shown(version, chosen, store, first_heading)


async def find_version(
    ctx: Ctx, slug: str, number: int, locale: str, store: tenancy.StoreView | None, *, first_heading: int = 2
) -> PublishedPage | None:
    """Return what the merchant published as version `number` of `slug` in `locale`, of a page that is gone too, or None.

    Links to neighbouring pages lead to those of `store`.
    """
    version = await versions.find_by_name(ctx, slug, number)
    return None if version is None or locale not in version.texts else await _shown(version, locale, store, first_heading)


async def _shown(version: Version, locale: str, store: tenancy.StoreView | None, first_heading: int) -> PublishedPage:
    text = version.texts[locale]
    return PublishedPage(
        page_id=version.page_id,
        slug=version.slug,
        title=text.title,
        html=await render(text, store_code=store.code if store else "", first_heading=first_heading),
        version=version.number,
        locale=locale,
        locales=tuple(version.texts),
        published_at=version.published_at,
    )


async def list_pages(ctx: Ctx, store: tenancy.StoreView, *, only_footer: bool = False) -> list[PageRef]:
    """Return the pages that the public sees at the store, by title in the caller's language.

    `only_footer`: those that the merchant put into the storefront's footer.
    """
    found = []
    for item in await versions.list_published(ctx, store.id):
        if only_footer and not item.is_in_footer:
            continue
        title = next((item.titles[code] for code in (ctx.locale, store.locale, *item.titles) if code in item.titles), item.slug)
        found.append(PageRef(item.slug, title))
    return sorted(found, key=lambda page: (plain_words(page.title), page.slug))


async def find_published_id(ctx: Ctx, store_id: uuid.UUID, slug: str) -> uuid.UUID | None:
    """Return which page the public sees at the store under `slug`, or None."""
    version = await versions.find_published(ctx, store_id, slug)
    return None if version is None else version.page_id


async def has_version(ctx: Ctx, slug: str, number: int, locale: str) -> bool:
    """Return whether the merchant ever published a version `number` of `slug` in `locale`."""
    version = await versions.find_by_name(ctx, slug, number)
    return version is not None and locale in version.texts
