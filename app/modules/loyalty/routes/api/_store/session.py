"""What a terminal knows before there is a card; the page and the API answer it alike."""

from app.core.context import Ctx
from app.core.errors import NotFound
from app.modules.loyalty.queries import pins as pin_queries
from app.modules.loyalty.queries import programs, rewards
from app.modules.loyalty.queries.pins import PinRules
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.routes.api._shapes import staff_name, terminal_program
from app.modules.loyalty.schemas.store import StaffList, TerminalProgram, TerminalSession
from app.modules.tenancy import public as tenancy


async def read_team(ctx: Ctx) -> tuple[StaffList, PinRules]:
    """Return who works at the caller's store, and the merchant's PIN settings."""
    found = await pin_queries.list_pins(ctx, ctx.actor.store_id)
    rules = await pin_queries.get_pin_settings(ctx)
    items = [staff_name(pin, ctx.now) for pin in found]
    return StaffList(items=items, pin_policy=rules.pin_policy, pin_length=rules.pin_length), rules


async def read_terminal_program(ctx: Ctx, program: Program) -> TerminalProgram:
    """Return the program with the rewards on offer."""
    offered = await rewards.list_rewards(ctx, program.id, only_active=True)
    return terminal_program(program, await programs.get_settings(ctx), offered)


async def read_terminal_session(ctx: Ctx) -> TerminalSession:
    """Return the terminal's store, team, program, and who opened it until when. NotFound for a caller without a store."""
    actor = ctx.actor
    if actor.store_id is None:
        raise NotFound
    store = await tenancy.get_store(ctx, actor.store_id)
    merchant = await tenancy.get_merchant(ctx)
    team, rules = await read_team(ctx)
    program = await programs.find_program(ctx)
    is_open = actor.unlocked_until is not None and actor.unlocked_until > ctx.now
    return TerminalSession(
        merchant_name=merchant.name,
        store_id=store.id,
        store_name=store.name,
        store_locale=store.locale,
        team=team,
        staff=next((person for person in team.items if is_open and person.id == actor.staff_pin_id), None),
        unlocked_until=actor.unlocked_until if is_open else None,
        unlock_minutes=rules.unlock_minutes,
        now=ctx.now,
        program=None if program is None else await read_terminal_program(ctx, program),
    )
