"""Operators' commands of loyalty."""

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.core.db.engine import Database
    from app.modules.loyalty.services.verification_service import Verification

STATEMENT_TIMEOUT_MS = 60_000

cli = typer.Typer(name="loyalty", no_args_is_help=True, add_completion=False)


@cli.callback()
def group() -> None:
    """Loyalty's commands."""


@cli.command("verify-ledger")
def verify_ledger(
    merchant: Annotated[str | None, typer.Option(help="Only this merchant: its id, or the code of one of its stores.")] = None,
) -> None:
    """Check that every card's history leads to its balances; exit code 1 and the first broken row of each card when one does not."""
    from app.core.config import get_settings
    from app.core.db.blocking import run_blocking
    from app.core.db.engine import Database

    settings = get_settings().model_copy(update={"statement_timeout_ms": STATEMENT_TIMEOUT_MS, "pool_size": 1})

    async def run() -> "Verification | None":
        database = Database.from_settings(settings, application="orion-verify-ledger")
        try:
            return await _verify(database, merchant)
        finally:
            await database.dispose()

    result = run_blocking(run())
    if result is None:
        typer.secho(f"Error: no merchant has the id or a store with the code {merchant}.", fg="red", err=True)
        raise typer.Exit(2)
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

    from app.core.context import SYSTEM, Principal, platform_unit_of_work
    from app.modules.loyalty.services import verification_service
    from app.modules.tenancy import public as tenancy

    merchant_id: uuid.UUID | None = None
    if merchant is not None:
        async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
            merchant_id = await tenancy.find_merchant_id(ctx, merchant)
        if merchant_id is None:
            return None
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cards", total=await verification_service.count_cards(database, merchant_id))
        return await verification_service.verify_ledger(database, merchant_id, progress=lambda count: bar.advance(task, count))
