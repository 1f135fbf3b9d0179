"""Commands of tenancy: admins, and a way in for somebody who lost theirs."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from app.core import clock
from app.core.config import ConfigurationError, get_settings
from app.core.context import SYSTEM, PlatformCtx, Principal, platform_unit_of_work
from app.core.db.blocking import run_blocking
from app.core.db.engine import Database
from app.core.errors import Invalid, OrionException
from app.core.i18n import translate
from app.modules.tenancy.config import DEMO_ADMIN_TOTP_SECRET
from app.modules.tenancy.domain.email_address import normalize_email
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.services import admin_service, password_service, totp_service

cli = typer.Typer(add_completion=False)
Result = TypeVar("Result")
EmailOption = Annotated[str, typer.Option(help="E-mail address to sign in with.")]


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


@cli.command("create-admin")
def create_admin(
    email: EmailOption,
    name: Annotated[str, typer.Option(help="Name to show.")] = "Admin",
    generate: Annotated[bool, typer.Option("--generate", help="Make a password instead of asking for one.")] = False,
) -> None:
    """Make an admin of the platform; prints the secret for the authenticator app this once."""
    password = secrets.token_urlsafe(18) if generate else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    admin = run_on_platform(lambda ctx: admin_service.create_admin(ctx, email=email, password=password, display_name=name))
    typer.echo(f"{admin.email} is an admin now.")
    if generate:
        typer.echo(f"Password: {password}")
    typer.echo(f"Add this to an authenticator app, it is not shown again:\n  {admin.totp_uri}\nor by hand: {admin.totp_secret}")


@cli.command("password-link")
def password_link(email: EmailOption) -> None:
    """Print a link with which somebody can set a new password once, within 30 minutes; it is mailed to them as well."""

    async def make(ctx: PlatformCtx) -> str | None:
        user = await user_queries.find_for_sign_in(ctx.conn, normalize_email(email))
        return password_service.link_path(await password_service.make_link(ctx, user["id"])) if user else None

    path = run_on_platform(make)
    if path is None:
        typer.secho("Nobody signs in with this e-mail address.", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo(get_settings().base_url + path)


@cli.command("demo-code")
def demo_code() -> None:
    """Print the present authenticator code of the demo's admin."""
    if get_settings().is_production:
        raise ConfigurationError("ORION_ENV is production: there is no demo admin.")
    typer.echo(totp_service.code_at(DEMO_ADMIN_TOTP_SECRET, clock.now()))
