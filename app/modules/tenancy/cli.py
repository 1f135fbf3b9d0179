"""Commands of tenancy: admins, and a way in for somebody who lost theirs."""

import secrets
from typing import Annotated

import typer

from app.core import clock
from app.core.commands import run_on_platform
from app.core.config import ConfigurationError, get_settings
from app.core.context import PlatformCtx
from app.modules.tenancy.config import DEMO_ADMIN_TOTP_SECRET
from app.modules.tenancy.domain.email_address import normalize_email
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.services import admin_service, password_service, totp_service

cli = typer.Typer(add_completion=False)
EmailOption = Annotated[str, typer.Option(help="E-mail address to sign in with.")]


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
