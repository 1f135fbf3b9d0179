"""Pages as their merchant edits them."""

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
from app.modules.cms.domain.pages import PageText, filled_texts, missing_locales
from app.modules.cms.errors import PageNotFoundException

COLUMNS = """p.id, p.store_id, p.slug, p.is_in_footer, p.published_version, p.created_at, p.edited_at,
(SELECT v.published_at FROM cms_page_versions v
 WHERE v.merchant_id = p.merchant_id AND v.page_id = p.id AND v.number = p.published_version) AS published_at,
EXISTS (SELECT 1 FROM cms_page_versions v WHERE v.merchant_id = p.merchant_id AND v.page_id = p.id) AS was_published,
coalesce((SELECT jsonb_object_agg(d.locale, jsonb_build_object('title', d.title, 'body', d.body, 'revision', d.revision))
          FROM cms_page_drafts d WHERE d.merchant_id = p.merchant_id AND d.page_id = p.id), '{}') AS drafts,
coalesce((SELECT v.texts <> (SELECT coalesce(jsonb_object_agg(d.locale, jsonb_build_object('title', d.title, 'body', d.body)), '{}')
                             FROM cms_page_drafts d WHERE d.merchant_id = p.merchant_id AND d.page_id = p.id
                             AND d.title <> '' AND d.body <> '')
          FROM cms_page_versions v
          WHERE v.merchant_id = p.merchant_id AND v.page_id = p.id AND v.number = p.published_version), false) AS has_changes"""
GET = f"SELECT {COLUMNS} FROM cms_pages p WHERE p.merchant_id = $1 AND p.id = $2 AND p.deleted_at IS NULL"
LIST = f"""
SELECT {COLUMNS} FROM cms_pages p
WHERE p.merchant_id = $1 AND p.deleted_at IS NULL AND ($2::text IS NULL OR (p.slug, p.id) > ($2, $3::uuid))
ORDER BY p.slug, p.id LIMIT $4
"""
COUNT = "SELECT count(*) FROM (SELECT 1 FROM cms_pages WHERE merchant_id = $1 AND deleted_at IS NULL LIMIT $2) counted"
SLUGS = "SELECT DISTINCT slug FROM cms_pages WHERE merchant_id = $1 AND ($2 OR deleted_at IS NULL)"


@dataclasses.dataclass(frozen=True, slots=True)
class EditedPage:
    """A page with its draft. `revisions` says by language how often the text was saved; `published_at` is None for a draft.

    `was_published`: it has versions, so its address stays. `has_changes`: the draft says something else than what is public.
    """

    id: uuid.UUID
    store_id: uuid.UUID | None
    slug: str
    is_in_footer: bool
    published_version: int | None
    published_at: dt.datetime | None
    was_published: bool
    has_changes: bool
    created_at: dt.datetime
    edited_at: dt.datetime
    texts: Mapping[str, PageText]
    revisions: Mapping[str, int]

    @property
    def is_published(self) -> bool:
        """Whether the public sees it."""
        return self.published_at is not None

    @property
    def locales(self) -> list[str]:
        """The languages in which the draft is ready."""
        return list(filled_texts(self.texts))

    @property
    def missing(self) -> list[str]:
        """The languages in which the draft is not ready."""
        return missing_locales(self.texts)

    def title(self, locale: str) -> str:
        """Return the draft's title in `locale`, in another language when there is none, else the address."""
        titles = [self.texts[code].title for code in (locale, *self.texts) if code in self.texts]
        return next((title for title in titles if title.strip()), self.slug)


async def get_page(ctx: Ctx, page_id: uuid.UUID) -> EditedPage:
    """Return one of the merchant's pages; PageNotFoundException."""
    row = await ctx.conn.fetchrow(GET, ctx.merchant_id, page_id)
    if row is None:
        raise PageNotFoundException
    return _page(row)


async def list_pages(ctx: Ctx, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE) -> Page[EditedPage]:
    """Return a page of the merchant's pages by address. BadCursor."""
    slug, page_id = (None, None) if cursor is None else pagination.read_cursor(cursor, str, uuid.UUID)
    rows = await ctx.conn.fetch(LIST, ctx.merchant_id, slug, page_id, limit + 1)
    return pagination.page_of([_page(row) for row in rows], limit, lambda page: (page.slug, str(page.id)))


async def count_pages(ctx: Ctx, *, up_to: int) -> int:
    """Return how many pages the merchant has; counting ends at `up_to`."""
    return int(await ctx.conn.fetchval(COUNT, ctx.merchant_id, up_to))


async def list_slugs(ctx: Ctx, *, include_deleted: bool = False) -> set[str]:
    """Return the addresses of all the merchant's pages."""
    return {row["slug"] for row in await ctx.conn.fetch(SLUGS, ctx.merchant_id, include_deleted)}


def _page(row: asyncpg.Record) -> EditedPage:
    values: dict[str, Any] = dict(row)
    drafts = values.pop("drafts")
    return EditedPage(
        **values,
        texts={locale: PageText(drafts[locale]["title"], drafts[locale]["body"]) for locale in LOCALES if locale in drafts},
        revisions={locale: draft["revision"] for locale, draft in drafts.items()},
    )
