"""The merchant's face: staff with their PINs, and terminals. Who is bound to one store manages that store's."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.queries import pins
from app.modules.loyalty.queries.pins import StaffPin
from app.modules.loyalty.routes.api._merchant.shapes import pin_answer, terminal_answer
from app.modules.loyalty.schemas.merchant import (
    NewPinBody,
    PairingCodeAnswer,
    PairingCodeBody,
    PinAnswer,
    PinBody,
    PinList,
    TerminalAnswer,
    TerminalBody,
    TerminalList,
)
from app.modules.loyalty.services import pin_service, store_scope, terminal_service
from app.modules.loyalty.services.terminal_service import SeenTerminal
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/merchants/loyalty", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404)
StoreFilter = Annotated[uuid.UUID | None, Query(description="Only this store.")]


async def show_pin(ctx: Ctx, pin: StaffPin) -> PinAnswer:
    """Return a staff member with their store's name."""
    return pin_answer(pin, await tenancy.find_store_names(ctx, {pin.store_id}))


async def show_terminal(ctx: Ctx, seen: SeenTerminal) -> TerminalAnswer:
    """Return a terminal with its store's name."""
    return terminal_answer(seen, await tenancy.find_store_names(ctx, {seen.terminal.store_id}))


@router.get("/pins", summary="Staff with a PIN", responses=PROBLEMS)
async def list_pins(ctx: Ctx = access("merchant", "loyalty.pin.manage"), store_id: StoreFilter = None) -> PinList:
    """Return who can open terminals, by name."""
    if store_id is not None:
        await store_scope.require_store(ctx, store_id)
    found = await pins.list_pins(ctx, store_id or ctx.actor.store_id)
    names = await tenancy.find_store_names(ctx, {pin.store_id for pin in found})
    return PinList(items=[pin_answer(pin, names) for pin in found])


@router.post("/pins", summary="Give somebody a PIN", status_code=201, responses=PROBLEMS)
async def create_pin(body: NewPinBody, ctx: Ctx = access("merchant", "loyalty.pin.manage")) -> PinAnswer:
    """Give a staff member of a store a PIN. Weak ones are refused."""
    pin_id = await pin_service.create_pin(
        ctx, store_id=body.store_id, display_name=body.display_name, role=body.role, pin=body.pin, email=body.email or None
    )
    return await show_pin(ctx, await pins.get_pin(ctx, pin_id))


@router.put("/pins/{pin_id}", summary="Change a staff member", responses=PROBLEMS)
async def update_pin(pin_id: uuid.UUID, body: PinBody, ctx: Ctx = access("merchant", "loyalty.pin.manage")) -> PinAnswer:
    """Change name, role and e-mail, and the PIN where a new one is given, which also lifts a lock. Open terminals lock again."""
    await pin_service.update_pin(
        ctx, pin_id, display_name=body.display_name, role=body.role, email=body.email or None, pin=body.pin
    )  # fmt: skip
    return await show_pin(ctx, await pins.get_pin(ctx, pin_id))


@router.delete("/pins/{pin_id}", summary="Take a PIN away", status_code=204, responses=PROBLEMS)
async def disable_pin(pin_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.pin.manage")) -> Response:
    """Take somebody off the terminals for good; the history keeps their name."""
    await pin_service.disable_pin(ctx, pin_id)
    return Response(status_code=204)


@router.post("/pins/{pin_id}/unlock", summary="Unlock a PIN", responses=PROBLEMS)
async def unlock_pin(pin_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.pin.manage")) -> PinAnswer:
    """Lift the lock after too many wrong tries."""
    return await show_pin(ctx, await pin_service.unlock_pin(ctx, pin_id))


@router.get("/terminals", summary="The paired terminals", responses=documented())
async def list_terminals(ctx: Ctx = access("merchant", "loyalty.terminal.manage")) -> TerminalList:
    """Return the paired terminals, by name, and when each was last seen."""
    found = await terminal_service.list_terminals(ctx)
    names = await tenancy.find_store_names(ctx, {seen.terminal.store_id for seen in found})
    return TerminalList(items=[terminal_answer(seen, names) for seen in found])


@router.post("/terminals/pairing-codes", summary="Create a pairing code", status_code=201, responses=documented(404, 429))
async def create_pairing_code(
    body: PairingCodeBody, ctx: Ctx = access("merchant", "loyalty.terminal.manage", limit="20/minute", limit_name="loyalty.pairing_code")
) -> PairingCodeAnswer:
    """Return a code to type at the device that shall become the store's terminal: once, within ten minutes. It is shown this once."""
    made = await terminal_service.create_pairing_code(ctx, store_id=body.store_id, name=body.name)
    return PairingCodeAnswer(code=made.code, store_id=made.store_id, name=made.name, expires_at=made.expires_at)


@router.patch("/terminals/{terminal_id}", summary="Rename a terminal", responses=PROBLEMS)
async def rename_terminal(
    terminal_id: uuid.UUID, body: TerminalBody, ctx: Ctx = access("merchant", "loyalty.terminal.manage")
) -> TerminalAnswer:
    """Give a terminal another name."""
    return await show_terminal(ctx, await terminal_service.rename_terminal(ctx, terminal_id, name=body.name))


@router.delete("/terminals/{terminal_id}", summary="Revoke a terminal", status_code=204, responses=PROBLEMS)
async def revoke_terminal(terminal_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.terminal.manage")) -> Response:
    """End a terminal's pairing at once; it needs a new code to come back."""
    await terminal_service.revoke_terminal(ctx, terminal_id)
    return Response(status_code=204)
