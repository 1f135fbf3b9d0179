"""Signing in and out of the panels, and what belongs to the signed-in person."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.credentials import USER_COOKIE
from app.core.web import security
from app.core.web.credentials import LANGUAGE_COOKIE
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.tenancy.routes.api._answers import account_answer, sign_in_answer
from app.modules.tenancy.schemas.account import (
    AccountAnswer,
    ChooseMerchantBody,
    CodeBody,
    LanguageBody,
    LinkPasswordBody,
    LinkRequestBody,
    LoginBody,
    NameBody,
    PasswordBody,
    SignInAnswer,
)
from app.modules.tenancy.services import auth_service, password_service
from app.modules.tenancy.services.session_service import NewSession

router = APIRouter(prefix="/api/v1/auth", tags=["Tenancy - Account"])
PROBLEMS = documented(429)
LANGUAGE_SECONDS = 31_536_000


def keep_session(request: Request, response: Response, session: NewSession) -> None:
    """Hand the session to the browser; it ends with the browser or on the server, whichever is first."""
    security.set_cookie(response, session.cookie, session.token, request.app.state.settings, max_age=None)


@router.post("/login", summary="Sign in", responses=PROBLEMS)
async def sign_in(
    request: Request,
    response: Response,
    body: LoginBody,
    ctx: PlatformCtx = access("account", "tenancy.account.sign_in", limit="20/minute"),
) -> SignInAnswer:
    """Check e-mail address and password. Unknown address and wrong password get the same answer after the same time.

    Ten wrong tries lock the address for 15 minutes; the right password is then refused alike.
    """
    result = await auth_service.sign_in(ctx, email=body.email, password=body.password)
    keep_session(request, response, result.session)
    return sign_in_answer(result)


@router.post("/totp", summary="Sign in: the second step", responses=PROBLEMS)
async def pass_second_factor(
    request: Request,
    response: Response,
    body: CodeBody,
    ctx: PlatformCtx = access("account", "tenancy.account.sign_in", limit="20/minute", limit_name="tenancy.account.code"),
) -> SignInAnswer:
    """Check the code of the authenticator app, within ten minutes after the password. A code works once; five wrong ones lock."""
    result = await auth_service.pass_second_factor(ctx, code=body.code)
    keep_session(request, response, result.session)
    return sign_in_answer(result)


@router.post("/logout", summary="Sign out", status_code=204, responses=PROBLEMS)
async def sign_out(request: Request, ctx: PlatformCtx = access("account", "tenancy.account.sign_in")) -> Response:
    """End the session on the server and in the browser. Signing out twice is no error."""
    await auth_service.sign_out(ctx)
    response = Response(status_code=204)
    security.delete_cookie(response, USER_COOKIE, request.app.state.settings)
    return response


@router.get("/me", summary="Who is signed in", responses=documented())
async def read_account(ctx: PlatformCtx = access("account", "tenancy.account.use")) -> AccountAnswer:
    """Return the signed-in person, what they are, and the merchants they work for."""
    return account_answer(await auth_service.get_account(ctx))


@router.post("/merchant", summary="Choose the merchant to work for", responses=documented(404))
async def choose_merchant(
    request: Request, response: Response, body: ChooseMerchantBody, ctx: PlatformCtx = access("account", "tenancy.account.use")
) -> SignInAnswer:
    """Go to work at another merchant; the session gets a new token."""
    result = await auth_service.choose_merchant(ctx, body.merchant_id)
    keep_session(request, response, result.session)
    return sign_in_answer(result)


@router.put("/language", summary="Choose the language", status_code=204, responses=documented())
async def choose_language(request: Request, body: LanguageBody, ctx: PlatformCtx = access("account", "tenancy.account.use")) -> Response:
    """Remember the language in which the person reads, on every device."""
    await auth_service.set_language(ctx, body.locale)
    response = Response(status_code=204)
    security.set_cookie(response, LANGUAGE_COOKIE, body.locale, request.app.state.settings, max_age=LANGUAGE_SECONDS)
    return response


@router.put("/name", summary="Change one's own name", responses=documented())
async def change_name(body: NameBody, ctx: PlatformCtx = access("account", "tenancy.account.use")) -> AccountAnswer:
    """Change the name by which colleagues know the person, here and at the merchant they work for at present."""
    return account_answer(await auth_service.rename(ctx, body.display_name))


@router.post("/password", summary="Change the password", status_code=204, responses=PROBLEMS)
async def change_password(
    request: Request, body: PasswordBody, ctx: PlatformCtx = access("account", "tenancy.account.use", limit="10/minute")
) -> Response:
    """Change the password. Every session of the person ends; this device gets a new one."""
    session = await password_service.change_password(ctx, current=body.current_password, new=body.password)
    response = Response(status_code=204)
    keep_session(request, response, session)
    return response


@router.post("/password/link", summary="Ask for a link to set a new password", status_code=204, responses=PROBLEMS)
async def request_password_link(
    body: LinkRequestBody,
    ctx: PlatformCtx = access("account", "tenancy.account.sign_in", limit="5/minute", limit_name="tenancy.account.link"),
) -> Response:
    """Mail a link to the address if somebody signs in with it. The answer is always the same."""
    await password_service.request_link(ctx, email=body.email)
    return Response(status_code=204)


@router.post("/password/set", summary="Set a password through a mailed link", status_code=204, responses=documented(410, 429))
async def set_password(
    body: LinkPasswordBody,
    ctx: PlatformCtx = access("account", "tenancy.account.sign_in", limit="10/minute", limit_name="tenancy.account.set_password"),
) -> Response:
    """Set the password. The link works once; every session of the person ends. Then sign in."""
    await password_service.set_password_by_link(ctx, token=body.token, password=body.password)
    return Response(status_code=204)
