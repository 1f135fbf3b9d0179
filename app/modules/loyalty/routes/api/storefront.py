"""The storefront's face: what a customer's phone does. No account is needed to read and to enroll."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web import security
from app.core.web.credentials import LANGUAGE_COOKIE, customer_cookie
from app.core.web.deps import Mutation, access, idempotent, is_replay
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.core.web.site import YEAR_SECONDS
from app.modules.customers import public as customers
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.routes.api import _shapes
from app.modules.loyalty.schemas import storefront as shapes
from app.modules.loyalty.services import storefront_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/storefront/{store_code}/loyalty", tags=["Loyalty - Storefront"])
PROBLEMS = documented(404, 429)


def speak(request: Request, response: Response, locale: str, *, is_choice: bool = False) -> None:
    """Let the pages speak the customer's language from now on, unless another one was chosen on the page before.

    `is_choice`: the customer has just chosen it, which counts more than anything before (design.md, Words).
    """
    if is_choice or request.scope.get("orion.language_choice") is None:
        security.set_cookie(response, LANGUAGE_COOKIE, locale, request.app.state.settings, max_age=YEAR_SECONDS)


@router.get("/program", summary="The program of a store", response_model=shapes.StorefrontProgram, responses=PROBLEMS)
async def read_program(store_code: str, ctx: Ctx = access("storefront", "loyalty.storefront.read")) -> shapes.StorefrontProgram:
    """Return who runs the program, what one gets, and where the card works."""
    return await _shapes.storefront_program(ctx, await storefront_service.get_offer(ctx))


@router.post("/enroll", summary="Enroll", status_code=201, response_model=shapes.EnrollAnswer, responses=documented(400, 404, 409, 429))
async def enroll(
    store_code: str,
    request: Request,
    body: shapes.Enroll,
    mutation: Mutation = idempotent("storefront", "loyalty.storefront.enroll", limit="20/minute"),
) -> Response:
    """Give somebody a card. A known e-mail is answered with `already_enrolled` and a mail to that address, never with the card."""
    session: tenancy.NewSession | None = None

    async def act(ctx: Ctx) -> shapes.EnrollAnswer:
        nonlocal session
        session = None  # a run that was rolled back took its session with it
        applicant = _shapes.applicant(body, customers.ConsentSource.STOREFRONT)
        outcome = await storefront_service.enroll(ctx, applicant=applicant)
        if outcome.customer_id is not None:
            session = await storefront_service.open_session(ctx, outcome.customer_id)
        return _shapes.enroll_answer(outcome, await storefront_service.get_offer(ctx))

    response = await mutation.run(act, status=201)
    if session is not None and not is_replay(response):
        security.set_cookie(response, session.cookie, session.token, request.app.state.settings, max_age=session.max_age)
        speak(request, response, body.locale)
    return response


@router.post("/sign-in", summary="Ask for a sign-in link", status_code=202, response_model=shapes.Accepted, responses=PROBLEMS)
async def request_sign_in(
    store_code: str, body: shapes.RequestSignIn, ctx: Ctx = access("storefront", "loyalty.storefront.sign_in", limit="10/minute")
) -> shapes.Accepted:
    """Mail a link to the address if somebody with a card has it. The answer is the same either way."""
    await storefront_service.request_sign_in(ctx, email=body.email)
    return shapes.Accepted()


@router.post("/session", summary="Use a mailed link", response_model=shapes.SignedIn, responses=documented(404, 410, 429))
async def use_link(
    store_code: str,
    request: Request,
    body: shapes.UseLink,
    response: Response,
    ctx: Ctx = access("storefront", "loyalty.storefront.sign_in", limit="30/minute"),
) -> shapes.SignedIn:
    """Sign in with a mailed link: once, within 15 minutes."""
    session, locale = await storefront_service.sign_in(ctx, token=body.token)
    security.set_cookie(response, session.cookie, session.token, request.app.state.settings, max_age=session.max_age)
    speak(request, response, locale)
    return shapes.SignedIn(next=f"/s/{store_code}/loyalty/dashboard")


@router.delete("/session", summary="Sign out", status_code=204, responses=PROBLEMS)
async def sign_out(store_code: str, request: Request, ctx: Ctx = access("storefront", "loyalty.own_card.read")) -> Response:
    """End the customer's session."""
    if ctx.actor.session_id is not None:
        await tenancy.revoke(ctx, ctx.actor.session_id)
    response = Response(status_code=204)
    security.delete_cookie(response, customer_cookie(ctx.merchant_id), request.app.state.settings)
    return response


@router.get("/card", summary="One's own card", response_model=shapes.OwnCard, responses=PROBLEMS)
async def read_own_card(store_code: str, ctx: Ctx = access("storefront", "loyalty.own_card.read")) -> shapes.OwnCard:
    """Return the signed-in customer's card at this store, with what is missing to the next reward."""
    card = await storefront_service.get_own_card(ctx)
    offer = await storefront_service.get_offer(ctx)
    outlook = await storefront_service.get_outlook(ctx, card, offer)
    return shapes.OwnCard(
        card=_shapes.card_balance(card.id, card.card_number, card.state),
        program=await _shapes.storefront_program(ctx, offer),
        points_to_next_reward=outlook.points_to_next_reward,
        expires_on=outlook.expires_on,
    )


@router.get("/history", summary="One's own history", response_model=shapes.OwnHistory, responses=documented(400, 404))
async def read_own_history(
    store_code: str,
    ctx: Ctx = access("storefront", "loyalty.own_card.read"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> shapes.OwnHistory:
    """Return the rows of one's own card, newest first: what, where, when, by which rule."""
    card = await storefront_service.get_own_card(ctx)
    page = await transactions.list_history(ctx, card.id, cursor=cursor, limit=limit)
    names = await tenancy.find_store_names(ctx, {row.store_id for row in page.items if row.store_id})
    return shapes.OwnHistory(items=[_shapes.own_history_entry(row, names) for row in page.items], next_cursor=page.next_cursor)


@router.get("/profile", summary="One's own data", response_model=shapes.Profile, responses=PROBLEMS)
async def read_profile(store_code: str, ctx: Ctx = access("storefront", "loyalty.own_card.read")) -> shapes.Profile:
    """Return what the merchant keeps of the signed-in customer, and whether they want marketing mail."""
    return _shapes.profile(*await storefront_service.get_profile(ctx))


@router.patch("/profile", summary="Change one's own data", response_model=shapes.Profile, responses=PROBLEMS)
async def update_profile(
    store_code: str,
    request: Request,
    response: Response,
    body: shapes.UpdateProfile,
    ctx: Ctx = access("storefront", "loyalty.own_profile.edit", limit="30/minute"),
) -> shapes.Profile:
    """Change what is named in the body and leave the rest. The e-mail address stays: it is how the card is found."""
    changes = body.model_dump(exclude_unset=True)
    if body.locale is not None:
        speak(request, response, body.locale, is_choice=True)
    wants_marketing = changes.pop("wants_marketing", None)
    return _shapes.profile(*await storefront_service.update_profile(ctx, changes=changes, wants_marketing=wants_marketing))
