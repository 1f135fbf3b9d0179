"""Pages: made, written, published, taken down, brought back to an older version, deleted."""

import dataclasses
import json
import uuid
from typing import Any

import asyncpg

from app.core import audit
from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.cms.domain import pages as rules
from app.modules.cms.domain.pages import PageText, Texts
from app.modules.cms.errors import (
    PageChangedException,
    PageEmptyException,
    PageInUseException,
    PageUnchangedException,
    SlugFixedException,
    SlugTakenException,
    TooManyPagesException,
)
from app.modules.cms.queries import locks, pages, versions
from app.modules.cms.queries.pages import EditedPage
from app.modules.cms.services import uses
from app.modules.tenancy import public as tenancy

INSERT = """
INSERT INTO cms_pages (merchant_id, id, store_id, slug, is_in_footer, created_at, edited_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
"""
UPDATE = "UPDATE cms_pages SET store_id = $3, slug = $4, is_in_footer = $5 WHERE merchant_id = $1 AND id = $2"
SAVE_TEXT = """
INSERT INTO cms_page_drafts AS d (merchant_id, page_id, locale, title, body, updated_at, updated_by_user_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (merchant_id, page_id, locale) DO UPDATE
SET title = excluded.title, body = excluded.body, revision = d.revision + 1, updated_at = excluded.updated_at,
    updated_by_user_id = excluded.updated_by_user_id
"""
REMOVE_TEXTS = "DELETE FROM cms_page_drafts WHERE merchant_id = $1 AND page_id = $2 AND locale = ANY($3::text[])"
TOUCH = "UPDATE cms_pages SET edited_at = $3 WHERE merchant_id = $1 AND id = $2"
INSERT_VERSION = """
INSERT INTO cms_page_versions (merchant_id, page_id, number, slug, texts, published_at, published_by_user_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
SET_PUBLISHED = "UPDATE cms_pages SET published_version = $3 WHERE merchant_id = $1 AND id = $2"
DELETE = "UPDATE cms_pages SET deleted_at = $3, published_version = NULL WHERE merchant_id = $1 AND id = $2"


async def create_page(ctx: Ctx, *, texts: Texts, slug: str | None = None, store_id: uuid.UUID | None = None) -> EditedPage:
    """Begin a page with its texts, as a draft; without `slug` its address is made from the first title.

    `store_id` None: for all the merchant's stores. Raises SlugInvalidException, SlugTakenException, TooManyPagesException,
    StoreNotFoundException.
    """
    if await pages.count_pages(ctx, up_to=rules.MAX_PAGES) >= rules.MAX_PAGES:
        raise TooManyPagesException(rules.MAX_PAGES)
    address = rules.suggest_slug(next(iter(texts.values())).title) if slug is None else slug
    rules.require_slug(address)
    if store_id is not None:
        await tenancy.get_store(ctx, store_id)
    page_id = new_id()
    try:
        await ctx.conn.execute(INSERT, ctx.merchant_id, page_id, store_id, address, True, ctx.now)
    except asyncpg.UniqueViolationError as error:
        raise SlugTakenException from error
    await _write(ctx, page_id, texts)
    await audit.record(ctx, "cms.page.created", "page", page_id, slug=address)
    return await pages.get_page(ctx, page_id)


async def update_page(ctx: Ctx, page_id: uuid.UUID, *, slug: str, store_id: uuid.UUID | None, is_in_footer: bool) -> EditedPage:
    """Change the page's address, whose it is, and whether the storefront's footer leads to it.

    Address and store stay once it was published (SlugFixedException). Otherwise as `create_page`.
    """
    await locks.lock_page(ctx, page_id)
    old = await pages.get_page(ctx, page_id)
    has_moved = (old.slug, old.store_id) != (slug, store_id)
    if has_moved:
        rules.require_slug(slug)
        if store_id is not None:
            await tenancy.get_store(ctx, store_id)
        if old.was_published:
            raise SlugFixedException
    if has_moved or old.is_in_footer != is_in_footer:
        try:
            await ctx.conn.execute(UPDATE, ctx.merchant_id, page_id, store_id, slug, is_in_footer)
        except asyncpg.UniqueViolationError as error:
            raise SlugTakenException from error
        await audit.record(ctx, "cms.page.changed", "page", page_id, slug=slug, is_in_footer=is_in_footer)
    return await pages.get_page(ctx, page_id)


async def save_text(ctx: Ctx, page_id: uuid.UUID, locale: str, text: PageText, *, revision: int) -> EditedPage:
    """Let the draft say `text` in `locale`. `revision` is the one that the caller edited, 0 for a language not begun yet.

    PageChangedException when somebody saved another text since. Saving the same again changes nothing.
    """
    await locks.lock_page(ctx, page_id)
    old = await pages.get_page(ctx, page_id)
    if old.texts.get(locale) == text:
        return old
    if old.revisions.get(locale, 0) != revision:
        raise PageChangedException
    await _write(ctx, page_id, {locale: text})
    await ctx.conn.execute(TOUCH, ctx.merchant_id, page_id, ctx.now)
    await audit.record(ctx, "cms.page.written", "page", page_id, locale=locale)
    return await pages.get_page(ctx, page_id)


async def remove_text(ctx: Ctx, page_id: uuid.UUID, locale: str) -> EditedPage:
    """Leave a language out of the draft; what is published keeps it until the page is published again."""
    await locks.lock_page(ctx, page_id)
    old = await pages.get_page(ctx, page_id)
    if locale in old.texts:
        await ctx.conn.execute(REMOVE_TEXTS, ctx.merchant_id, page_id, [locale])
        await ctx.conn.execute(TOUCH, ctx.merchant_id, page_id, ctx.now)
        await audit.record(ctx, "cms.page.language_removed", "page", page_id, locale=locale)
    return await pages.get_page(ctx, page_id)


async def publish_page(ctx: Ctx, page_id: uuid.UUID) -> EditedPage:
    """Show the draft to everybody, as a new version; a page that was taken down and not changed comes back as it was.

    Languages without title or text are left out. Raises PageEmptyException, PageUnchangedException.
    """
    slug = await locks.lock_page(ctx, page_id)
    await locks.lock_address(ctx, slug)
    page = await pages.get_page(ctx, page_id)
    texts = rules.filled_texts(page.texts)
    if not texts:
        raise PageEmptyException
    latest = await versions.find_latest(ctx, page_id)
    if latest is not None and dict(latest.texts) == texts:
        number = latest.number
        if page.published_version == number:
            raise PageUnchangedException(number)
    else:
        number = await versions.next_number(ctx, slug)
        written = json.dumps({locale: dataclasses.asdict(text) for locale, text in texts.items()})
        await ctx.conn.execute(INSERT_VERSION, ctx.merchant_id, page_id, number, slug, written, ctx.now, ctx.actor.user_id)
    await ctx.conn.execute(SET_PUBLISHED, ctx.merchant_id, page_id, number)
    await audit.record(ctx, "cms.page.published", "page", page_id, slug=slug, version=number, locales=list(texts))
    return await pages.get_page(ctx, page_id)


async def withdraw_page(ctx: Ctx, page_id: uuid.UUID) -> EditedPage:
    """Take the page from the public; draft and versions stay. PageInUseException while another module rests upon it."""
    slug = await locks.lock_page(ctx, page_id)
    page = await pages.get_page(ctx, page_id)
    if page.published_version is not None:
        await _refuse_if_used(ctx, page_id)
        await ctx.conn.execute(SET_PUBLISHED, ctx.merchant_id, page_id, None)
        await audit.record(ctx, "cms.page.withdrawn", "page", page_id, slug=slug)
    return await pages.get_page(ctx, page_id)


async def restore_version(ctx: Ctx, page_id: uuid.UUID, number: int) -> EditedPage:
    """Let the draft say what version `number` said, in its languages and no others; the public sees it once it is published."""
    await locks.lock_page(ctx, page_id)
    page = await pages.get_page(ctx, page_id)
    version = await versions.get_version(ctx, page_id, number)
    if page.texts != version.texts:
        await ctx.conn.execute(REMOVE_TEXTS, ctx.merchant_id, page_id, [locale for locale in page.texts if locale not in version.texts])
        await _write(ctx, page_id, {locale: text for locale, text in version.texts.items() if page.texts.get(locale) != text})
        await ctx.conn.execute(TOUCH, ctx.merchant_id, page_id, ctx.now)
        await audit.record(ctx, "cms.page.version_restored", "page", page_id, version=number)
    return await pages.get_page(ctx, page_id)


async def delete_page(ctx: Ctx, page_id: uuid.UUID) -> None:
    """Delete the page; its versions are kept, because people agreed to them. PageInUseException as for `withdraw_page`."""
    slug = await locks.lock_page(ctx, page_id)
    await _refuse_if_used(ctx, page_id)
    await ctx.conn.execute(DELETE, ctx.merchant_id, page_id, ctx.now)
    await audit.record(ctx, "cms.page.deleted", "page", page_id, slug=slug)


async def _refuse_if_used(ctx: Ctx, page_id: uuid.UUID) -> None:
    if await uses.is_page_used(ctx, page_id):
        raise PageInUseException


async def _write(ctx: Ctx, page_id: uuid.UUID, texts: Texts) -> None:
    rows: list[tuple[Any, ...]] = [
        (ctx.merchant_id, page_id, locale, text.title, text.body, ctx.now, ctx.actor.user_id) for locale, text in texts.items()
    ]
    await ctx.conn.executemany(SAVE_TEXT, rows)
