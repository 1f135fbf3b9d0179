"""What was published: for the public, and for the merchant who looks back."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import asyncpg

from app.core import pagination
from app.core.context import Ctx
from app.core.i18n.locale import LOCALES
from app.core.pagination import Page
from app.modules.cms.domain.pages import PageText
from app.modules.cms.errors import VersionNotFoundException

COLUMNS = "v.page_id, v.slug, v.number, v.texts, v.published_at, v.published_by_user_id"
CURRENT = "JOIN cms_page_versions v ON v.merchant_id = p.merchant_id AND v.page_id = p.id AND v.number = p.published_version"
# A page of the store itself comes before the one for all stores.
FIND_PUBLISHED = f"""
SELECT {COLUMNS} FROM cms_pages p {CURRENT}
WHERE p.merchant_id = $1 AND p.slug = $2 AND (p.store_id = $3 OR p.store_id IS NULL) AND p.deleted_at IS NULL
ORDER BY p.store_id NULLS LAST LIMIT 1
"""
LIST_PUBLISHED = f"""
SELECT DISTINCT ON (p.slug) p.slug, p.is_in_footer,
       (SELECT jsonb_object_agg(key, value ->> 'title') FROM jsonb_each(v.texts)) AS titles
FROM cms_pages p {CURRENT}
WHERE p.merchant_id = $1 AND (p.store_id = $2 OR p.store_id IS NULL) AND p.deleted_at IS NULL
ORDER BY p.slug, p.store_id NULLS LAST
"""
LIST = f"""
SELECT {COLUMNS} FROM cms_page_versions v
WHERE v.merchant_id = $1 AND v.page_id = $2 AND ($3::int IS NULL OR v.number < $3) ORDER BY v.number DESC LIMIT $4
"""
GET = f"SELECT {COLUMNS} FROM cms_page_versions v WHERE v.merchant_id = $1 AND v.page_id = $2 AND v.number = $3"
LATEST = f"SELECT {COLUMNS} FROM cms_page_versions v WHERE v.merchant_id = $1 AND v.page_id = $2 ORDER BY v.number DESC LIMIT 1"
NEXT_NUMBER = "SELECT coalesce(max(number), 0) + 1 FROM cms_page_versions WHERE merchant_id = $1 AND slug = $2"
FIND_BY_NAME = f"SELECT {COLUMNS} FROM cms_page_versions v WHERE v.merchant_id = $1 AND v.slug = $2 AND v.number = $3"


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """A text that was published, in all its languages."""

    page_id: uuid.UUID
    slug: str
    number: int
    texts: Mapping[str, PageText]
    published_at: dt.datetime
    published_by_user_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class PublishedTitles:
    """A published page in a list: its address, and its title by language."""

    slug: str
    is_in_footer: bool
    titles: Mapping[str, str]


async def find_published(ctx: Ctx, store_id: uuid.UUID, slug: str) -> Version | None:
    """Return what the public sees at the store under `slug`, or None."""
    return _find(await ctx.conn.fetchrow(FIND_PUBLISHED, ctx.merchant_id, slug, store_id))


async def list_published(ctx: Ctx, store_id: uuid.UUID) -> list[PublishedTitles]:
    """Return the pages that the public sees at the store, by address."""
    rows = await ctx.conn.fetch(LIST_PUBLISHED, ctx.merchant_id, store_id)
    return [
        PublishedTitles(row["slug"], row["is_in_footer"], {locale: row["titles"][locale] for locale in LOCALES if locale in row["titles"]})
        for row in rows
    ]


async def list_versions(ctx: Ctx, page_id: uuid.UUID, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE) -> Page[Version]:
    """Return a page of what was published of a page, newest first. BadCursor."""
    (before,) = (None,) if cursor is None else pagination.read_cursor(cursor, int)
    rows = await ctx.conn.fetch(LIST, ctx.merchant_id, page_id, before, limit + 1)
    return pagination.page_of([_version(row) for row in rows], limit, lambda version: (version.number,))


async def get_version(ctx: Ctx, page_id: uuid.UUID, number: int) -> Version:
    """Return one version of a page; VersionNotFoundException."""
    version = _find(await ctx.conn.fetchrow(GET, ctx.merchant_id, page_id, number))
    if version is None:
        raise VersionNotFoundException
    return version


async def find_latest(ctx: Ctx, page_id: uuid.UUID) -> Version | None:
    """Return the newest version of a page, public or not; None before the first."""
    return _find(await ctx.conn.fetchrow(LATEST, ctx.merchant_id, page_id))


async def find_by_name(ctx: Ctx, slug: str, number: int) -> Version | None:
    """Return the version that is called `number` of `slug` at this merchant, of a deleted page too, or None."""
    return _find(await ctx.conn.fetchrow(FIND_BY_NAME, ctx.merchant_id, slug, number))


async def next_number(ctx: Ctx, slug: str) -> int:
    """Return the number of the next version under `slug`; the caller holds the lock on the pages of that address."""
    return int(await ctx.conn.fetchval(NEXT_NUMBER, ctx.merchant_id, slug))


def _find(row: asyncpg.Record | None) -> Version | None:
    return None if row is None else _version(row)


def _version(row: asyncpg.Record) -> Version:
    values: dict[str, Any] = dict(row)
    texts = values.pop("texts")
    return Version(
        **values, texts={locale: PageText(texts[locale]["title"], texts[locale]["body"]) for locale in LOCALES if locale in texts}
    )
