"""From what the services know of pages to the answers of the API."""

import uuid
from collections.abc import Mapping
from typing import Any

from app.core.context import Ctx
from app.core.pagination import Page
from app.modules.cms.queries.pages import EditedPage
from app.modules.cms.queries.versions import Version
from app.modules.cms.schemas.pages import PageAnswer, PageList, PageRow, Text, VersionAnswer, VersionList, VersionRow, VersionText
from app.modules.tenancy import public as tenancy


def _row(page: EditedPage, locale: str) -> dict[str, Any]:
    return {
        "id": page.id,
        "store_id": page.store_id,
        "slug": page.slug,
        "title": page.title(locale),
        "is_in_footer": page.is_in_footer,
        "published_version": page.published_version,
        "published_at": page.published_at,
        "has_changes": page.has_changes,
        "edited_at": page.edited_at,
        "locales": page.locales,
        "missing": page.missing,
    }


def list_answer(found: Page[EditedPage], locale: str) -> PageList:
    """Return some pages, with titles in `locale` where there are any."""
    return PageList(items=[PageRow(**_row(page, locale)) for page in found.items], next_cursor=found.next_cursor)


def page_answer(page: EditedPage, locale: str) -> PageAnswer:
    """Return a page with its draft."""
    texts = {code: Text(title=text.title, body=text.body, revision=page.revisions[code]) for code, text in page.texts.items()}
    return PageAnswer(**_row(page, locale), texts=texts)


def _version_row(version: Version, page: EditedPage, names: Mapping[uuid.UUID, str]) -> dict[str, Any]:
    by = version.published_by_user_id
    return {
        "number": version.number,
        "published_at": version.published_at,
        "published_by": names.get(by) if by else None,
        "locales": list(version.texts),
        "is_public": version.number == page.published_version,
    }


async def _publishers(ctx: Ctx, versions: list[Version]) -> dict[uuid.UUID, str]:
    return await tenancy.find_user_names(ctx, {version.published_by_user_id for version in versions if version.published_by_user_id})


async def version_list(ctx: Ctx, found: Page[Version], page: EditedPage) -> VersionList:
    """Return some versions of a page with who published them."""
    names = await _publishers(ctx, found.items)
    items = [VersionRow(**_version_row(version, page, names)) for version in found.items]
    return VersionList(items=items, next_cursor=found.next_cursor)


async def version_answer(ctx: Ctx, version: Version, page: EditedPage) -> VersionAnswer:
    """Return a version with its texts."""
    texts = {code: VersionText(title=text.title, body=text.body) for code, text in version.texts.items()}
    return VersionAnswer(**_version_row(version, page, await _publishers(ctx, [version])), texts=texts)
