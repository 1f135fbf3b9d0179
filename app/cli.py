"""The `orion` command. Commands import what they need when they run, so that `orion --help` is quick."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup


class OrionGroup(TyperGroup):
    """The commands of this file, and those that modules contribute."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        from app.ops.module_commands import list_module_commands

        return [*super().list_commands(ctx), *(command.name for command in list_module_commands())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command `cmd_name`, for a module's command only its name and help, or None."""
        from app.ops.module_commands import list_module_commands

        own = super().get_command(ctx, cmd_name)
        found = (TyperCommand(command.name, help=command.help) for command in list_module_commands() if command.name == cmd_name)
        return own or next(found, None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that `args` start with, loaded, and what follows it."""
        from app.ops.module_commands import list_module_commands, load_module_command

        name, command, rest = super().resolve_command(ctx, args)
        contributed = next((each for each in list_module_commands() if each.name == name), None)
        return name, command if contributed is None else load_module_command(contributed), rest


cli = typer.Typer(
    name="orion",
    cls=OrionGroup,
    help="Orion Loyalty: loyalty programs for merchants with stores.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
LOYALTY_OPENAPI = Path(__file__).parent / "modules" / "loyalty" / "docs" / "loyalty-openapi.json"
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


@cli.command()
def demo(
    port: PortOption = 8000,
    var_dir: Annotated[Path, typer.Option(help="Folder for database, keys, mails and logs.")] = Path("var"),
) -> None:
    """Run everything on this machine with sample data, on 127.0.0.1."""
    from app.ops.demo import run_demo

    run_demo(var_dir=var_dir, port=port)


@cli.command()
def web(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
) -> None:
    """Serve pages and API."""
    from app.ops.demo_environment import check_port
    from app.ops.processes import run_web

    check_settings("database_url", "platform_database_url", with_keys=True)
    check_role()
    check_port(host, port)
    run_web(host=host, port=port, workers=workers)


@cli.command()
def worker() -> None:
    """Run tasks, a few side by side; start more of these processes for more throughput."""
    from app.ops.processes import run_worker

    check_settings("database_url", "platform_database_url", "broker_url", with_keys=True)
    check_role()
    run_worker()


@cli.command()
def relay() -> None:
    """Hand what transactions asked for to the broker."""
    from app.ops.processes import run_relay

    check_settings("platform_database_url", "broker_url")
    run_relay()


@cli.command()
def beat() -> None:
    """Tick: start what is due by the clock."""
    from app.ops.processes import run_beat

    check_settings("platform_database_url", "broker_url")
    run_beat()


@cli.command()
def migrate(
    target: Annotated[str, typer.Argument(help="Revision, or `heads` for everything.")] = "heads",
    down: Annotated[bool, typer.Option("--down", help="Go back to TARGET (`module@base` takes a module's tables away).")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say what has run and what has not.")] = False,
) -> None:
    """Bring the database up to date, as orion_owner."""
    from app.core.config import get_settings
    from app.core.db import migrate as migrations

    check_settings("owner_database_url")
    url = get_settings().require_url("owner_database_url")
    if not status:
        (migrations.downgrade if down else migrations.upgrade)(url, target)
    found = migrations.read_status(url)
    state = "up to date" if found.is_at_head else "not at the newest version"
    typer.echo(f"versions: {', '.join(sorted(found.current)) or 'none'}; {state}")


@cli.command("seed-demo")
def seed_demo() -> None:
    """Write the sample merchants; running it again adds nothing."""
    from app.core.config import get_settings
    from app.ops.errors import OpsException
    from app.ops.seeding import seed_demo as seed

    check_settings("database_url", "platform_database_url")
    if get_settings().is_production:
        raise OpsException("ORION_ENV is production: sample data comes with known passwords and is not written there.")
    seed()


@cli.command("bootstrap-roles")
def bootstrap_roles(
    admin_url: Annotated[str, typer.Option(envvar="ORION_ADMIN_DATABASE_URL", help="Address of a role that may create roles.")],
    database: Annotated[str, typer.Option(help="Database to create and to grant on.")] = "orion",
) -> None:
    """Create the three database roles and the database on any PostgreSQL; passwords are those in the three database settings."""
    from app.core.config import get_settings
    from app.core.db.blocking import run_blocking
    from app.ops import bootstrap_roles as roles

    settings = get_settings()
    urls = {
        roles.APP_ROLE: settings.database_url,
        roles.OWNER_ROLE: settings.owner_database_url,
        roles.PLATFORM_ROLE: settings.platform_database_url,
    }
    passwords = roles.passwords_from_urls({role: url.get_secret_value() if url else None for role, url in urls.items()})
    run_blocking(roles.bootstrap_roles(admin_url, database=database, passwords=passwords))
    without = [role for role in roles.ROLES if role not in passwords]
    typer.echo(f"Roles and database {database} are in place." + (f" No password was set for {', '.join(without)}." if without else ""))


@cli.command()
def doctor() -> None:
    """Say what is configured, reachable and missing."""
    from app.ops.doctor import run_doctor

    if not run_doctor():
        raise typer.Exit(1)


@cli.command()
def openapi(
    output: Annotated[Path, typer.Option(help="File to write; - for standard output.", show_default=False)] = LOYALTY_OPENAPI,
    tag_prefix: Annotated[str, typer.Option(help="Only operations with a tag that starts so; empty for all.")] = "Loyalty",
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when the file says something else.")] = False,
) -> None:
    """Write the description of an API as OpenAPI: loyalty's into app/modules/loyalty/docs, unless told otherwise."""
    from app.core.config import get_settings
    from app.core.modules import load_modules
    from app.core.web import openapi as description
    from app.core.web.app import build_api

    schema = build_api(get_settings(), load_modules()).openapi()
    if tag_prefix:
        schema = description.select(schema, tag_prefix)
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if str(output) == "-":
        typer.echo(text, nl=False)
    elif not check:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    elif not output.is_file() or output.read_text(encoding="utf-8") != text:
        typer.secho(f"{output} does not say what the code does. Run `make openapi` and commit it.", fg="red", err=True)
        raise typer.Exit(1)


def check_settings(*names: Any, with_keys: bool = False) -> None:
    """Stop with one sentence when the settings do not load, a needed one is missing, or (`with_keys`) a key file is unfit."""
    from app.core.config import get_settings
    from app.ops.demo_environment import read_env_file

    read_env_file(Path(".env"))
    settings = get_settings()
    for name in names:
        settings.require_url(name)
    if with_keys:
        _ = settings.secret_key, settings.pin_pepper


def check_role() -> None:
    """Stop with one sentence when the application's database role may do too much; a database that is down stops nobody."""
    from app.core.config import get_settings
    from app.core.db.blocking import run_blocking
    from app.core.db.engine import Database
    from app.core.db.role import check_connection

    async def check() -> None:
        database = Database.from_settings(get_settings())
        try:
            await check_connection(database)
        finally:
            await database.dispose()

    run_blocking(check())


def guarded(run: Callable[[], Any]) -> int:
    """Run `run` and return the exit code; what an operator can act on is shown as one sentence instead of a traceback."""
    try:
        run()
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from app.ops.errors import explain_for_operator

        sentence = explain_for_operator(error)
        if sentence is None:
            raise
        typer.secho(f"Error: {sentence}", fg="red", err=True)
        return 1
    return 0


def main() -> None:
    """Entry point of the `orion` command."""
    sys.exit(guarded(cli))


if __name__ == "__main__":
    main()
