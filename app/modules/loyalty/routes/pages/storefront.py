"""The storefront's pages: read by a customer's phone, in words of the server, also without a script (A8)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.context import Ctx
from app.core.errors import Unauthenticated
from app.core.web import pages
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.errors import CardNotFoundException, ProgramNotFoundException
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.routes.pages import _my_data
from app.modules.loyalty.routes.pages import _storefront_views as views
from app.modules.loyalty.routes.pages._qr import qr_image
from app.modules.loyalty.routes.pages._storefront_frame import base_of, show
from app.modules.loyalty.services import storefront_service, terms_service
from app.modules.loyalty.services.storefront_service import Offer
from app.modules.messaging import public as messaging
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/s/{store_code}", tags=["Loyalty - Storefront pages"], include_in_schema=False)
READ: Any = access("storefront", "loyalty.storefront.read")
OWN: Any = access("storefront", "loyalty.own_card.read")
HISTORY_ROWS = 20


async def find_offer(ctx: Ctx) -> Offer | None:
    """Return the program at this store, or None while the merchant has none."""
    try:
        return await storefront_service.get_offer(ctx)
    except ProgramNotFoundException:
        return None


async def terms_values(ctx: Ctx, offer: Offer) -> dict[str, Any]:
    """Return the terms to show: the page of the merchant and which text it is, or the program's own text in paragraphs."""
    page = await terms_service.find_terms_page(ctx, offer.program, ctx.locale, first_heading=3)
    return {
        "terms_page": page,
        "terms_seen": terms_service.seen_of(offer.program, page),
        "paragraphs": views.paragraphs(offer.program.terms_text),
    }


async def find_own_card(ctx: Ctx) -> Card | None:
    """Return the signed-in customer's card for this store, or None."""
    try:
        return await storefront_service.get_own_card(ctx)
    except CardNotFoundException:
        return None


async def show_closed(request: Request, ctx: Ctx) -> Response:
    """Return the page of a store without a program."""
    merchant = await tenancy.get_merchant(ctx)
    return pages.render(request, "loyalty/storefront/closed.html", ctx=ctx, status=404, merchant_name=merchant.name)


@router.get("", summary="A store's front door")
async def front_door(store_code: str, ctx: Ctx = READ) -> Response:
    """Lead to the program; a poster's code can so stay short."""
    return RedirectResponse(f"{base_of(store_code)}/join", 303)


@router.get("/loyalty/join", summary="Enroll")
async def join(request: Request, ctx: Ctx = READ) -> Response:
    """Show who runs the program, what one gets, and the form."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    is_known = ctx.actor.customer_id is not None
    return await show(
        request,
        ctx,
        "enroll",
        offer,
        picture=views.card_picture(offer, None),
        rate=views.program_rate(offer),
        rewards=views.list_rewards(offer, None),
        card=await find_own_card(ctx) if is_known else None,
        customer=(await storefront_service.get_profile(ctx))[0] if is_known else None,
        **await terms_values(ctx, offer),
    )


@router.get("/loyalty/success", summary="After enrolling")
async def success(request: Request, ctx: Ctx = READ, known: bool = False) -> Response:
    """Show the new card to the session that made it; to anybody else only that a mail was sent (G9)."""
    if not known and ctx.actor.customer_id is None:
        raise Unauthenticated
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    card = None if known else await find_own_card(ctx)
    if card is None and not known:
        return RedirectResponse(f"{base_of(offer.store.code)}/join", 303)
    outlook = None if card is None else await storefront_service.get_outlook(ctx, card, offer)
    picture = None if card is None else views.card_picture(offer, card, outlook)
    return await show(request, ctx, "enroll-success", offer, card=card, picture=picture)


@router.get("/loyalty/sign-in", summary="Ask for a link")
async def sign_in(request: Request, ctx: Ctx = READ, sent: bool = False) -> Response:
    """Show the form that mails a link; afterwards the same words for every address."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    return await show(request, ctx, "sign-in", offer, sent=sent)


@router.get("/loyalty/link", summary="Open a mailed link")
async def open_link(request: Request, ctx: Ctx = READ) -> Response:
    """Ask for one click. The secret is in the address's fragment: no server sees it, and a mail scanner that calls uses nothing up."""
    offer = await find_offer(ctx)
    return await show_closed(request, ctx) if offer is None else await show(request, ctx, "link", offer)


@router.get("/loyalty/terms", summary="Terms and privacy")
async def terms(request: Request, ctx: Ctx = READ) -> Response:
    """Show the program's terms, who runs it, and what happens with data."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    return await show(request, ctx, "terms", offer, rate=views.program_rate(offer), **await terms_values(ctx, offer))


@router.get("/loyalty/dashboard", summary="One's own card")
async def dashboard(request: Request, ctx: Ctx = OWN) -> Response:
    """Show balance, code, rewards and what is missing, and where the card works."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    card = await find_own_card(ctx)
    others = [item for item in await storefront_service.list_own_cards(ctx) if card is None or item.id != card.id]
    stores = {store.id: store for store in await tenancy.list_stores(ctx)}
    outlook = None if card is None else await storefront_service.get_outlook(ctx, card, offer)
    customer, _wants = await storefront_service.get_profile(ctx)
    return await show(
        request,
        ctx,
        "dashboard",
        offer,
        card=card,
        customer=customer,
        outlook=outlook,
        picture=None if card is None else views.card_picture(offer, card, outlook),
        rewards=views.list_rewards(offer, card),
        others=[(item, format_number(item.card_number), stores.get(item.enrolled_at_store_id)) for item in others],
    )


@router.get("/loyalty/history", summary="One's own history")
async def history(request: Request, ctx: Ctx = OWN, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
    """Show why each number is as it is, newest first."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    card = await find_own_card(ctx)
    if card is None:
        return RedirectResponse(f"{base_of(offer.store.code)}/dashboard", 303)
    page = await transactions.list_history(ctx, card.id, cursor=cursor, limit=HISTORY_ROWS)
    names = await tenancy.find_store_names(ctx, {row.store_id for row in page.items if row.store_id})
    entries = views.list_entries(page.items, names)
    return await show(request, ctx, "history", offer, card=card, entries=entries, next_cursor=page.next_cursor, is_first=cursor is None)


@router.get("/loyalty/profile", summary="One's own data")
async def profile(request: Request, ctx: Ctx = OWN) -> Response:
    """Show what the merchant keeps, to correct it."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    customer, wants_marketing = await storefront_service.get_profile(ctx)
    mails = messaging.preferences_path(ctx)
    return await show(request, ctx, "profile", offer, customer=customer, wants_marketing=wants_marketing, mails=mails)


@router.get("/loyalty/card/qr.svg", summary="The code of one's own card")
async def own_code(ctx: Ctx = OWN) -> Response:
    """Return the card's code as an image."""
    return qr_image((await storefront_service.get_own_card(ctx)).qr_token)


@router.get("/loyalty/card/print", summary="One's own card for paper")
async def print_card(request: Request, ctx: Ctx = OWN) -> Response:
    """Show the card in its real size, to print and cut out."""
    offer = await find_offer(ctx)
    if offer is None:
        return await show_closed(request, ctx)
    card = await find_own_card(ctx)
    if card is None:
        return RedirectResponse(f"{base_of(offer.store.code)}/dashboard", 303)
    customer, _wants = await storefront_service.get_profile(ctx)
    picture = {**views.card_picture(offer, None), "number": format_number(card.card_number), "holder": customer.full_name}
    for balance in ("stamps", "stamps_target", "points"):
        picture.pop(balance, None)  # paper does not follow the balance
    return await show(request, ctx, "card-print", offer, picture=picture, back_href=f"{base_of(offer.store.code)}/dashboard")


router.include_router(_my_data.router)
