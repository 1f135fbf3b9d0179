"""Pages of signing in and of passwords, for the merchant's and the platform's panel alike. They only read."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.context import PlatformCtx
from app.core.web import pages
from app.core.web.deps import access
from app.modules.tenancy.services import auth_service

router = APIRouter(tags=["Account pages"], include_in_schema=False)
ANYBODY: Any = access("account", "tenancy.account.sign_in")
SIGNED_IN: Any = access("account", "tenancy.account.use")
Wanted = Annotated[str, Query(alias="next", max_length=2000, description="The page to go to after signing in.")]
Step = Annotated[str, Query(max_length=20)]
_OWN_PAGE = re.compile(r"/(?:merchants|admin|store)(?:[/?][\x21-\x7e]*)?")


def own_page(wanted: str) -> str:
    """Return `wanted` when it is a page of one of the panels, else nothing: a link never leads to somebody else's site."""
    return wanted if _OWN_PAGE.fullmatch(wanted) and "/sign-in" not in wanted and "\\" not in wanted else ""


@router.get("/merchants/sign-in", summary="Sign in to a merchant's panel")
@router.get("/admin/sign-in", summary="Sign in to the platform's panel")
async def sign_in(request: Request, ctx: PlatformCtx = ANYBODY, wanted: Wanted = "", step: Step = "") -> Response:
    """Show the form, the second step while it is due, or who is signed in already."""
    is_code_due = ctx.actor.kind == "anonymous" and ctx.actor.session_id is not None
    if step == "code" and not is_code_due:
        return RedirectResponse(request.url.path, 303)
    return pages.render(
        request,
        "tenancy/sign-in.html",
        ctx=ctx,
        is_admin=request.url.path.startswith("/admin"),
        is_code_step=step == "code",
        wanted=own_page(wanted),
        account=await auth_service.get_account(ctx) if ctx.actor.user_id else None,
    )


@router.get("/merchants/choose", summary="Choose the merchant to work for")
async def choose_merchant(request: Request, ctx: PlatformCtx = SIGNED_IN) -> Response:
    """Show the merchants that the person works for."""
    return pages.render(request, "tenancy/choose.html", ctx=ctx, account=await auth_service.get_account(ctx))


@router.get("/account/forgot", summary="Ask for a link to set a new password")
async def forgot_password(request: Request, ctx: PlatformCtx = ANYBODY, sent: bool = False) -> Response:
    """Show the form; afterwards the same words for every address."""
    return pages.render(request, "tenancy/forgot.html", ctx=ctx, sent=sent)


@router.get("/account/password", summary="Set a password through a mailed link")
async def set_password(request: Request, ctx: PlatformCtx = ANYBODY) -> Response:
    """Show the form. The secret is in the address's fragment, which no server and no log sees."""
    return pages.render(request, "tenancy/set-password.html", ctx=ctx)
