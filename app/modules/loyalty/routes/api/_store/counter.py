"""The store's face: who stands at the counter, which card it is, and new customers."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.errors import NotFound
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.problems import documented
from app.modules.customers import public as customers
from app.modules.loyalty.domain.voids import VOIDABLE
from app.modules.loyalty.queries import programs, transactions
from app.modules.loyalty.routes.api._shapes import applicant, card_detail, history_entry, staff_name
from app.modules.loyalty.routes.api._store.session import read_team, read_terminal_program, read_terminal_session
from app.modules.loyalty.schemas.cards import CardDetail, CardList, HistoryPage
from app.modules.loyalty.schemas.store import (
    EnrollAtStore,
    EnrollmentAnswer,
    StaffList,
    StaffName,
    StaffSession,
    TerminalProgram,
    TerminalSession,
    TypedPin,
    UnlockPin,
)
from app.modules.loyalty.services import card_service, pin_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/store/loyalty", tags=["Loyalty - Store"])
PROBLEMS = documented(404, 429)
Search = Annotated[OptionalLine, Query(alias="q", description="Card number, QR content, e-mail, phone number or name.")]


def store_of(ctx: Ctx) -> uuid.UUID:
    """Return the store at whose counter the caller stands; the store's opener always sets one."""
    if ctx.actor.store_id is None:
        raise NotFound
    return ctx.actor.store_id


@router.get("/session", summary="The terminal: store, staff, program", responses=PROBLEMS)
async def read_session(ctx: Ctx = access("store", "loyalty.terminal.use")) -> TerminalSession:
    """Return in one call what a terminal needs before there is a card: store, team, who opened it until when, the program."""
    return await read_terminal_session(ctx)


@router.get("/program", summary="The program, for the terminal", responses=PROBLEMS)
async def read_program(ctx: Ctx = access("store", "loyalty.program.read")) -> TerminalProgram:
    """Return what the terminal shows and previews with: type, targets, rates, rewards."""
    return await read_terminal_program(ctx, await programs.get_program(ctx))


@router.get("/staff", summary="Who works here", responses=PROBLEMS)
async def list_staff(ctx: Ctx = access("store", "loyalty.pin.use")) -> StaffList:
    """Return the staff of this store to choose from before typing a PIN."""
    return (await read_team(ctx))[0]


@router.post("/staff/session", summary="Open the terminal with a PIN", responses=PROBLEMS)
async def open_terminal(body: TypedPin, ctx: Ctx = access("store", "loyalty.pin.use", limit="30/minute")) -> StaffSession:
    """Open the terminal for a staff member. Five wrong tries lock the PIN for a while; the right one is then refused alike."""
    pin, until = await pin_service.sign_in(ctx, body.proof())
    return StaffSession(staff=staff_name(pin, ctx.now), unlocked_until=until)


@router.delete("/staff/session", summary="Lock the terminal", status_code=204, responses=PROBLEMS)
async def lock_terminal(ctx: Ctx = access("store", "loyalty.pin.use")) -> Response:
    """Lock the terminal again."""
    await pin_service.sign_out(ctx)
    return Response(status_code=204)


@router.post("/pins/{pin_id}/unlock", summary="Unlock a PIN", responses=PROBLEMS)
async def unlock_pin(pin_id: uuid.UUID, body: UnlockPin, ctx: Ctx = access("store", "loyalty.pin.unlock", limit="10/minute")) -> StaffName:
    """Lift the lock of a colleague's PIN, with a manager's PIN."""
    return staff_name(await pin_service.unlock_pin(ctx, pin_id, proof=body.proof()), ctx.now)


@router.get("/cards", summary="Find cards", responses=PROBLEMS)
async def search_cards(q: Search, ctx: Ctx = access("store", "loyalty.card.read", limit="120/minute")) -> CardList:
    """Find cards by number, QR content, e-mail, phone number or name, at most 20."""
    found = await card_service.search_card_for_store(ctx, text=q, store_id=ctx.actor.store_id)
    return CardList(items=[card_detail(item) for item in found])


@router.get("/cards/{card_id}", summary="Read a card", responses=PROBLEMS)
async def read_card(card_id: uuid.UUID, ctx: Ctx = access("store", "loyalty.card.read")) -> CardDetail:
    """Return one card with its holder."""
    return card_detail(await card_service.get_card_for_store(ctx, card_id))


@router.get("/cards/{card_id}/history", summary="Read a card's history", responses=documented(400, 404))
async def read_history(
    card_id: Annotated[uuid.UUID, Path()],
    ctx: Ctx = access("store", "loyalty.card.read"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> HistoryPage:
    """Return the card's rows, newest first; `can_void` marks those that a void would be accepted for."""
    await card_service.get_card_for_store(ctx, card_id)
    page = await transactions.list_history(ctx, card_id, cursor=cursor, limit=limit)
    names = await tenancy.find_store_names(ctx, {row.store_id for row in page.items if row.store_id})
    return HistoryPage(items=[history_entry(row, names, voidable=VOIDABLE) for row in page.items], next_cursor=page.next_cursor)


@router.post(
    "/enroll",
    summary="Enroll a customer at the counter",
    status_code=201,
    response_model=EnrollmentAnswer,
    responses=documented(400, 404, 409, 429),
)
async def enroll_customer(
    body: EnrollAtStore, mutation: Mutation = idempotent("store", "loyalty.card.enroll", limit="30/minute")
) -> Response:
    """Make a card for somebody who stands here. A person who already holds one gets 409; find them by e-mail instead."""

    async def act(ctx: Ctx) -> EnrollmentAnswer:
        staffed = await pin_service.identify_for_enrollment(ctx, body.proof())
        enrollment = await card_service.enroll_customer(
            staffed, store_id=store_of(ctx), applicant=applicant(body, customers.ConsentSource.TERMINAL)
        )
        (found,) = await card_service.with_customers(ctx, [enrollment.card])
        return EnrollmentAnswer(card=card_detail(found), welcome_points=enrollment.welcome_points)

    return await mutation.run(act, status=201)
