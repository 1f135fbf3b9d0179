"""Operators' commands of loyalty."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from app.core.db.engine import Database
    from app.modules.loyalty.queries.expiry import Forecast, ForecastCard
    from app.modules.loyalty.services.expiry_service import Swept
    from app.modules.loyalty.services.replay_service import Replayed
    from app.modules.loyalty.services.verification_service import Verification

T = TypeVar("T")

STATEMENT_TIMEOUT_MS = 60_000
FIRST_CARDS = 10
UNKNOWN_MERCHANT, IS_HELD = 2, 3
"""Exit codes."""

cli = typer.Typer(name="loyalty", no_args_is_help=True, add_completion=False)


@cli.callback()
def group() -> None:
    """Loyalty's commands."""


@cli.command("verify-ledger")
def verify_ledger(
    merchant: Annotated[str | None, typer.Option(help="Only this merchant: its id, or the code of one of its stores.")] = None,
) -> None:
    """Check that every card's history leads to its balances; exit code 1 and the first broken row of each card when one does not."""
    result = _with_database("orion-verify-ledger", lambda database: _verify(database, merchant))
    if result is None:
        _refuse_merchant(str(merchant))
    for item in result.broken:
        wrong = [
            word
            for word, is_wrong in (("stamps", item.is_stamps_wrong), ("points", item.is_points_wrong), ("chain", item.is_chain_broken))
            if is_wrong
        ]
        typer.echo(f"broken: merchant {item.merchant_id} card {item.card_id} row {item.transaction_id or 'none'} ({', '.join(wrong)})")
    typer.echo(f"{result.checked} cards checked, {result.broken_count} broken.")
    if result.broken_count:
        raise typer.Exit(1)


async def _verify(database: "Database", merchant: str | None) -> "Verification | None":
    """Check the merchant named `merchant` (None: all) with a progress bar; None when nobody has that name."""
    from rich.console import Console
    from rich.progress import Progress

    from app.modules.loyalty.services import verification_service

    merchant_id = None if merchant is None else await _find_merchant(database, merchant)
    if merchant is not None and merchant_id is None:
        return None
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cards", total=await verification_service.count_cards(database, merchant_id))
        return await verification_service.verify_ledger(database, merchant_id, progress=lambda count: bar.advance(task, count))


@cli.command("expire-points")
def expire_points(
    merchant: Annotated[str, typer.Option(help="The merchant: its id, or the code of one of its stores.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen now; change nothing.")] = False,
) -> None:
    """Let due points expire and warn of what is about to, as the nightly task does; exit code 3 while another process is at it."""

    async def run(database: "Database") -> "Swept | tuple[Forecast, list[ForecastCard]] | None":
        merchant_id = await _find_merchant(database, merchant)
        if merchant_id is None:
            return None
        return await (_look_ahead if dry_run else _sweep)(database, merchant_id)

    result = _with_database("orion-expire-points", run)
    if result is None:
        _refuse_merchant(merchant)
    elif isinstance(result, tuple):
        _show_forecast(*result)
    else:
        _show_swept(result)


@cli.command("export-erasures")
def export_erasures(
    file: Annotated[Path, typer.Argument(help="File to write, one line for each erasure. Keep it beside the backups, not in them.")],
) -> None:
    """Write the log of erasures to a file: what `replay-erasures` needs after an older backup was restored. It names nobody."""
    from app.modules.loyalty.services import replay_service

    async def run(database: "Database") -> list[str]:
        return list(replay_service.write_lines([erasure async for erasure in replay_service.list_all(database)]))

    lines = _with_database("orion-export-erasures", run)
    draft = file.with_name(f"{file.name}.part")
    draft.write_text("".join(lines), encoding="utf-8")
    draft.replace(file)
    typer.echo(f"{len(lines)} erasures written.")


@cli.command("replay-erasures")
def replay_erasures(
    log: Annotated[Path | None, typer.Option(help="A file of `export-erasures`: erasures that the backup does not know of.")] = None,
) -> None:
    """Erase again everybody whom a restored backup brought back. Run it before anything else works on a restored database."""
    from app.modules.loyalty.services import replay_service

    try:
        known = list(replay_service.read_lines(log.read_text(encoding="utf-8").splitlines())) if log else []
    except (OSError, ValueError) as error:
        typer.secho(f"Error: {log} cannot be read: {error}.", fg="red", err=True)
        raise typer.Exit(1) from error

    async def run(database: "Database") -> "Replayed":
        await replay_service.merge(database, known)
        return await replay_service.replay(database)

    result = _with_database("orion-replay-erasures", run)
    typer.echo(
        f"{result.logged} erasures in the log: {result.erased_again} done again, {result.unknown} of people who are not in this database."
    )


def _with_database(application: str, run: "Callable[[Database], Awaitable[T]]") -> "T":
    """Run `run` with a connection of each role and return its result."""
    from app.core.config import get_settings
    from app.core.db.blocking import run_blocking
    from app.core.db.engine import Database

    settings = get_settings().model_copy(update={"statement_timeout_ms": STATEMENT_TIMEOUT_MS, "pool_size": 1})

    async def opened() -> "T":
        database = Database.from_settings(settings, application=application)
        try:
            return await run(database)
        finally:
            await database.dispose()

    return run_blocking(opened())


async def _look_ahead(database: "Database", merchant_id: uuid.UUID) -> "tuple[Forecast, list[ForecastCard]]":
    from app.modules.loyalty.services import expiry_service

    async with expiry_service.ByHand(database, merchant_id).unit_of_work() as ctx:
        return await expiry_service.look_ahead(ctx, limit=FIRST_CARDS)


async def _sweep(database: "Database", merchant_id: uuid.UUID) -> "Swept":
    """Sweep the merchant with a progress bar over the cards that are to change; over midnight, the new day's sweep follows."""
    from rich.console import Console
    from rich.progress import Progress

    from app.core.runs import Ending
    from app.modules.loyalty.services import expiry_service

    ahead, _ = await _look_ahead(database, merchant_id)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cards", total=ahead.cards + ahead.warnings)
        while True:
            swept = await expiry_service.sweep(
                expiry_service.ByHand(database, merchant_id), progress=lambda count: bar.advance(task, count)
            )
            if swept.ending is not Ending.GOES_ON:
                return swept


def _show_forecast(ahead: "Forecast", first: "list[ForecastCard]") -> None:
    from app.modules.loyalty.domain.card_number import format_number

    typer.echo(f"Cards to expire: {ahead.cards} ({ahead.points} points). Holders to warn: {ahead.warnings}. Nothing was changed.")
    for card in first:
        typer.echo(f"  card {format_number(card.card_number)}: {card.points} points {'expire' if card.is_due else 'to warn of'}")
    if rest := ahead.cards + ahead.warnings - len(first):
        typer.echo(f"  and {rest} more")


def _show_swept(swept: "Swept") -> None:
    from app.core.runs import Ending

    if swept.ending is Ending.HELD:
        typer.secho("Error: another process is at it, or was ended less than a minute ago; try again in a minute.", fg="red", err=True)
        raise typer.Exit(IS_HELD)
    if swept.ending is Ending.DONE_BEFORE:
        typer.echo(f"The run of {swept.day} is done already: nothing was changed.")
        return
    counts = {"expired": 0, "points": 0, "warned": 0} | dict(swept.counts)
    typer.echo(
        f"The run of {swept.day}. Cards expired: {counts['expired']} ({counts['points']} points). Holders warned: {counts['warned']}."
    )


def _refuse_merchant(merchant: str) -> NoReturn:
    typer.secho(f"Error: no merchant has the id or a store with the code {merchant}.", fg="red", err=True)
    raise typer.Exit(UNKNOWN_MERCHANT)


async def _find_merchant(database: "Database", merchant: str) -> uuid.UUID | None:
    """Return the merchant with this id or a store of this code, or None."""
    from app.core.context import SYSTEM, Principal, platform_unit_of_work
    from app.modules.tenancy import public as tenancy

    async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
        return await tenancy.find_merchant_id(ctx, merchant)
