"""The merchant's face: its pages, their texts in each language, and what was published."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.pagination import DEFAULT_PAGE, MAX_PAGE
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.modules.cms.domain.pages import PageText
from app.modules.cms.queries import pages, versions
from app.modules.cms.routes.api._shapes import list_answer, page_answer, version_answer, version_list
from app.modules.cms.schemas.pages import (
    Locale,
    PageAnswer,
    PageBody,
    PageList,
    PlaceBody,
    PreviewAnswer,
    PreviewBody,
    StarterAnswer,
    TextBody,
    VersionAnswer,
    VersionList,
)
from app.modules.cms.services import page_service, reading_service, starter_service

router = APIRouter(prefix="/api/v1/merchants/cms", tags=["CMS - Merchant"])
MANAGE: Any = access("merchant", "cms.page.manage")
PREVIEW: Any = access("merchant", "cms.page.manage", limit="240/minute", limit_name="cms.preview")
ONE, CHANGE = documented(404), documented(404, 409)
Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="The number of the version.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


@router.get("/pages", summary="List the pages", responses=documented(400))
async def list_pages(ctx: Ctx = MANAGE, cursor: Annotated[Cursor | None, Query()] = None, limit: Limit = DEFAULT_PAGE) -> PageList:
    """Return the merchant's pages by address: what is public, what has changed since, and which languages are missing."""
    return list_answer(await pages.list_pages(ctx, cursor=cursor, limit=limit), ctx.locale)


@router.post("/pages", summary="Begin a page", status_code=201, responses=CHANGE)
async def create_page(body: PageBody, ctx: Ctx = MANAGE) -> PageAnswer:
    """Make a draft with its text in one language, for one store or for all. Nobody sees it before it is published.

    409 when another page of the same place has the address, or when there are too many pages.
    """
    texts: dict[str, PageText] = {body.locale: PageText(body.title, body.body)}
    return page_answer(await page_service.create_page(ctx, texts=texts, slug=body.slug, store_id=body.store_id), ctx.locale)


@router.post("/starter-pages", summary="Add the starter pages", responses=documented(404, 409))
async def add_starter_pages(ctx: Ctx = MANAGE) -> StarterAnswer:
    """Add terms, a privacy notice and an accessibility statement in four languages as drafts, with the merchant's name and address.

    Those whose address is taken are left out, so that asking twice adds nothing. 409 before there is a store.
    """
    return StarterAnswer(added=await starter_service.add_starter_pages(ctx))


@router.get("/pages/{page_id}", summary="Read a page", responses=ONE)
async def read_page(page_id: uuid.UUID, ctx: Ctx = MANAGE) -> PageAnswer:
    """Return a page with its draft in every language."""
    return page_answer(await pages.get_page(ctx, page_id), ctx.locale)


@router.put("/pages/{page_id}", summary="Change where a page is found", responses=CHANGE)
async def update_page(page_id: uuid.UUID, body: PlaceBody, ctx: Ctx = MANAGE) -> PageAnswer:
    """Change the address, the store, and whether the storefront's footer leads to it.

    Once a page was published its address and store stay (409): links lead there, and customers agreed to it by this name.
    """
    page = await page_service.update_page(ctx, page_id, slug=body.slug, store_id=body.store_id, is_in_footer=body.is_in_footer)
    return page_answer(page, ctx.locale)


@router.delete("/pages/{page_id}", summary="Delete a page", status_code=204, responses=CHANGE)
async def delete_page(page_id: uuid.UUID, ctx: Ctx = MANAGE) -> Response:
    """Delete a page. 409 while the program uses it as its terms. What customers agreed to is kept as proof."""
    await page_service.delete_page(ctx, page_id)
    return Response(status_code=204)


@router.put("/pages/{page_id}/texts/{locale}", summary="Save a text", responses=CHANGE)
async def save_text(page_id: uuid.UUID, locale: Locale, body: TextBody, ctx: Ctx = MANAGE) -> PageAnswer:
    """Save what the draft says in one language; the public sees it once the page is published.

    409 when somebody saved another text since `revision` was loaded.
    """
    page = await page_service.save_text(ctx, page_id, locale, PageText(body.title, body.body), revision=body.revision)
    return page_answer(page, ctx.locale)


@router.delete("/pages/{page_id}/texts/{locale}", summary="Leave a language out", responses=ONE)
async def remove_text(page_id: uuid.UUID, locale: Locale, ctx: Ctx = MANAGE) -> PageAnswer:
    """Remove a language from the draft; also when it was not there."""
    return page_answer(await page_service.remove_text(ctx, page_id, locale), ctx.locale)


@router.post("/pages/{page_id}/preview", summary="See a text as it will look", responses=ONE)
async def preview_text(page_id: uuid.UUID, body: PreviewBody, ctx: Ctx = PREVIEW) -> PreviewAnswer:
    """Return the HTML that a text would make, as the public would see it; nothing is saved."""
    page = await pages.get_page(ctx, page_id)
    html = await reading_service.preview(ctx, page, PageText(body.title, body.body))
    return PreviewAnswer(title=body.title, html=html)


@router.post("/pages/{page_id}/publish", summary="Publish a page", responses=CHANGE)
async def publish_page(page_id: uuid.UUID, ctx: Ctx = MANAGE) -> PageAnswer:
    """Show the draft to everybody, as a new version that never changes. Languages without a title or a text are left out.

    409 when no language is ready, or nothing has changed since the version that is public.
    """
    return page_answer(await page_service.publish_page(ctx, page_id), ctx.locale)


@router.post("/pages/{page_id}/withdraw", summary="Take a page down", responses=CHANGE)
async def withdraw_page(page_id: uuid.UUID, ctx: Ctx = MANAGE) -> PageAnswer:
    """Take a page from the public; draft and versions stay. 409 while the program uses it as its terms."""
    return page_answer(await page_service.withdraw_page(ctx, page_id), ctx.locale)


@router.get("/pages/{page_id}/versions", summary="List what was published", responses=documented(400, 404))
async def list_versions(
    page_id: uuid.UUID, ctx: Ctx = MANAGE, cursor: Annotated[Cursor | None, Query()] = None, limit: Limit = DEFAULT_PAGE
) -> VersionList:
    """Return the versions of a page, newest first: when, by whom, in which languages."""
    page = await pages.get_page(ctx, page_id)
    return await version_list(ctx, await versions.list_versions(ctx, page_id, cursor=cursor, limit=limit), page)


@router.get("/pages/{page_id}/versions/{number}", summary="Read a version", responses=ONE)
async def read_version(page_id: uuid.UUID, number: Number, ctx: Ctx = MANAGE) -> VersionAnswer:
    """Return what a version said, in every language."""
    page = await pages.get_page(ctx, page_id)
    return await version_answer(ctx, await versions.get_version(ctx, page_id, number), page)


@router.post("/pages/{page_id}/versions/{number}/restore", summary="Bring a version back", responses=ONE)
async def restore_version(page_id: uuid.UUID, number: Number, ctx: Ctx = MANAGE) -> PageAnswer:
    """Let the draft say what a version said, in its languages and no others. The public sees it once the page is published."""
    return page_answer(await page_service.restore_version(ctx, page_id, number), ctx.locale)
