"""How a command of the operator does one thing on the platform."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from app.core.config import get_settings
from app.core.context import SYSTEM, PlatformCtx, Principal, platform_unit_of_work
from app.core.db.blocking import run_blocking
from app.core.db.engine import Database
from app.core.errors import Invalid, OrionException
from app.core.i18n import translate

Result = TypeVar("Result")


def run_on_platform(act: Callable[[PlatformCtx], Awaitable[Result]]) -> Result:
    """Run `act` in one unit of work and return its result; a refusal is printed as a sentence and ends the command with 1."""

    async def run() -> Result:
        database = Database.from_settings(get_settings(), application="orion-cli")
        try:
            async with platform_unit_of_work(database, Principal(SYSTEM), request_id="cli") as ctx:
                return await act(ctx)
        finally:
            await database.dispose()

    try:
        return run_blocking(run())
    except OrionException as error:
        messages = list(error.fields.values()) if isinstance(error, Invalid) and error.fields else [error.error_message]
        for message in messages:
            typer.secho(translate("en", message, error.params), fg="red", err=True)
        raise typer.Exit(1) from error
