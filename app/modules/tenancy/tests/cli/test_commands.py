"""The commands, run as an operator runs them."""

import datetime as dt
import re
import uuid
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from typer.testing import CliRunner

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.modules.tenancy import seeds
from app.modules.tenancy.cli import cli
from app.modules.tenancy.config import DEMO_ADMIN_TOTP_SECRET
from app.modules.tenancy.services import auth_service, password_service, totp_service
from app.modules.tenancy.tests.factories import PASSWORD, account_ctx, make_member, make_merchant

NEW_PASSWORD = "seven-lamps-over-the-river"


async def test_an_admin_is_made_and_can_sign_in(settings: Settings, database: Database) -> None:
    email = f"Ops-{uuid.uuid4().hex[:12]}@example.lu"
    result = CliRunner().invoke(cli, ["create-admin", "--email", email, "--generate"])
    assert result.exit_code == 0, result.output
    password = re.search(r"^Password: (\S+)$", result.output, re.MULTILINE)
    uri = re.search(r"otpauth://\S+", result.output)
    assert password
    assert uri
    secret = parse_qs(urlsplit(uri[0]).query)["secret"][0]
    assert f"by hand: {secret}" in result.output
    now = clock.now()
    async with account_ctx(database, now=now) as ctx:
        waiting = await auth_service.sign_in(ctx, email=email.lower(), password=password[1])
    async with account_ctx(database, token=waiting.session.token, now=now) as ctx:
        assert (await auth_service.pass_second_factor(ctx, code=totp_service.code_at(secret, now))).next == "/admin"


def test_a_typed_password_is_asked_twice_and_checked(settings: Settings) -> None:
    email = f"ops-{uuid.uuid4().hex[:12]}@example.lu"
    runner = CliRunner()
    weak = runner.invoke(cli, ["create-admin", "--email", email], input="short\nshort\n")
    assert weak.exit_code == 1
    assert "This password is too short." in weak.output
    good = runner.invoke(cli, ["create-admin", "--email", email], input="other\nwords\nquiet keys\nquiet keys\n")
    assert good.exit_code == 0
    assert "quiet keys" not in good.output
    again = runner.invoke(cli, ["create-admin", "--email", email, "--generate"])
    assert (again.exit_code, "Somebody already uses this e-mail address" in again.output) == (1, True)


@pytest.mark.parametrize("email", ["nobody", "a@b", "a b@example.lu"])
def test_an_unfit_address_is_refused(settings: Settings, email: str) -> None:
    result = CliRunner().invoke(cli, ["create-admin", "--email", email, "--generate"])
    assert (result.exit_code, result.output) == (1, "Please enter a valid e-mail address.\n")


async def test_a_link_from_the_command_line_sets_a_password(settings: Settings, database: Database, superuser: asyncpg.Connection) -> None:
    user = await make_member(database, await make_merchant(database), password=PASSWORD)
    result = CliRunner().invoke(cli, ["password-link", "--email", user.email])
    assert result.exit_code == 0, result.output
    address, _, token = result.output.strip().partition("#")
    assert address == f"{settings.base_url}/account/password"
    async with account_ctx(database) as ctx:
        await password_service.set_password_by_link(ctx, token=token, password=NEW_PASSWORD)
    link = "SELECT expires_at - created_at FROM tenancy_password_links WHERE user_id = $1"
    assert await superuser.fetchval(link, user.id) == dt.timedelta(minutes=30)
    unknown = CliRunner().invoke(cli, ["password-link", "--email", "nobody@example.lu"])
    assert unknown.exit_code == 1


def test_the_demo_code_is_the_present_one(settings: Settings) -> None:
    before = totp_service.code_at(DEMO_ADMIN_TOTP_SECRET, clock.now())
    result = CliRunner().invoke(cli, ["demo-code"])
    after = totp_service.code_at(DEMO_ADMIN_TOTP_SECRET, clock.now())
    assert result.output.strip() in (before, after)
    assert any("orion demo-code" in login.password for login in seeds.DEMO_LOGINS)
