"""The terminal's pages: pair a device, the counter itself, and a card for the customer to take along."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx, PlatformCtx
from app.core.web import pages
from app.core.web.credentials import TERMINAL_COOKIE, cookie_name
from app.core.web.deps import access
from app.modules.loyalty.domain.enums import PinPolicy
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.api._shapes import card_detail
from app.modules.loyalty.routes.api._store.session import read_terminal_session
from app.modules.loyalty.routes.pages._qr import qr_image
from app.modules.loyalty.services import card_service, terms_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/store/terminal", tags=["Loyalty - Terminal pages"], include_in_schema=False)
READ_CARD: Any = access("store", "loyalty.card.read")


@router.get("/pair", summary="Pair this device")
async def pair(request: Request, ctx: PlatformCtx = access("public", "loyalty.terminal.pair")) -> Response:
    """Show the form for a pairing code; a device that was a terminal before hears why it is asked again."""
    was_paired = cookie_name(TERMINAL_COOKIE, request.app.state.settings) in request.cookies
    return pages.render(request, "loyalty/store/pair.html", ctx=ctx, was_paired=was_paired, accent=None, store_name=None)


@router.get("/store", summary="Choose the store")
async def choose_store(request: Request, ctx: Ctx = access("merchant", "tenancy.session.choose_store")) -> Response:
    """Ask a signed-in person who works at several stores at which one they are now."""
    stores = [store for store in await tenancy.list_stores(ctx) if store.is_open and ctx.actor.store_id in (None, store.id)]
    merchant = await tenancy.get_merchant(ctx)
    return pages.render(request, "loyalty/store/store.html", ctx=ctx, stores=stores, accent=None, store_name=merchant.name)


@router.get("", summary="The terminal")
async def terminal(
    request: Request,
    ctx: Ctx = access("store", "loyalty.terminal.use"),
    card: Annotated[uuid.UUID | None, Query(description="The card to open, when coming back from its print.")] = None,
) -> Response:
    """Show the counter: who is working, find a card, what to do with it."""
    session = await read_terminal_session(ctx)
    if session.program is None:
        return pages.render(request, "loyalty/store/closed.html", ctx=ctx, store_name=session.store_name, accent=None)
    is_locked = session.team.pin_policy is PinPolicy.REQUIRED and session.unlock_minutes > 0 and session.staff is None
    program = await programs.get_program(ctx)
    terms_page = await terms_service.find_terms_page(ctx, program, ctx.locale, first_heading=3)
    return pages.render(
        request,
        "loyalty/store/terminal.html",
        ctx=ctx,
        session=session,
        team=session.team.items,
        data=session.model_dump(mode="json") | {"card_id": str(card) if card else None},
        is_locked=is_locked,
        terms_text=program.terms_text,
        terms_page=terms_page,
        terms_seen=terms_service.seen_of(program, terms_page),
        is_device=ctx.actor.terminal_id is not None,
        accent=program.colour,
        logo_url=program.logo_path,
        store_name=session.store_name,
    )


@router.get("/cards/{card_id}/qr.svg", summary="A card's QR code")
async def card_qr(card_id: uuid.UUID, ctx: Ctx = READ_CARD) -> Response:
    """Return the code that a terminal's camera reads; nobody keeps the picture."""
    found = await card_service.get_card_for_store(ctx, card_id)
    return qr_image(found.card.qr_token)


@router.get("/cards/{card_id}/print", summary="A card on paper")
async def print_card(request: Request, card_id: uuid.UUID, ctx: Ctx = READ_CARD) -> Response:
    """Show a page to print: whose card, its number and code, and how it is used. No balance: paper gets old."""
    found = await card_service.get_card_for_store(ctx, card_id)
    merchant = await tenancy.get_merchant(ctx)
    program = await programs.get_program(ctx)
    settings = await programs.get_settings(ctx)
    store = await tenancy.get_store(ctx, found.card.enrolled_at_store_id)
    card = card_detail(found)
    names = [] if card.holder is None else [card.holder.first_name, card.holder.last_name]
    return pages.render(
        request,
        "loyalty/store/card_print.html",
        ctx=ctx,
        card=card,
        holder=" ".join(name for name in names if name),
        program=program,
        merchant_name=merchant.name,
        store=store,
        works_everywhere=settings.allow_cross_location_redemption,
        qr_url=f"/store/terminal/cards/{card_id}/qr.svg",
        back_href=f"/store/terminal?card={card_id}",
        accent=program.colour,
    )
