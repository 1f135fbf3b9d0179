"""The commands, run as an operator runs them."""

import asyncpg
import pytest
from typer.testing import CliRunner

from app.core.config import Settings
from app.core.db.engine import Database
from app.modules.customers.tests.factories import fresh_email
from app.modules.messaging.cli import cli
from app.modules.messaging.services.delivery_gate import find_obstacle
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx, platform_ctx


async def test_an_address_is_suppressed_and_released(settings: Settings, database: Database, superuser: asyncpg.Connection) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    for command, says, obstacle in (
        ("mail-suppress", "Nothing more is sent to this address.", "suppressed"),
        ("mail-release", "Mail is sent to this address again.", None),
        ("mail-release", "Nothing kept mail from this address.", None),
    ):
        result = CliRunner().invoke(cli, [command, "--email", email, "--merchant", merchant.store.code])
        assert (result.exit_code, result.output.strip()) == (0, says)
        async with merchant_ctx(database, merchant) as ctx:
            assert await find_obstacle(ctx, recipient=email, customer_id=None, category="service") == obstacle
    entries = await superuser.fetch("SELECT action, details::text FROM core_audit_log WHERE merchant_id = $1 ORDER BY at, id", merchant.id)
    mine = [row for row in entries if row["action"].startswith("messaging.")]
    assert [row["action"] for row in mine] == ["messaging.address.suppressed", "messaging.address.released"]
    assert email not in str(mine)


async def test_the_platform_has_a_list_of_its_own(settings: Settings, database: Database) -> None:
    email = fresh_email()
    assert CliRunner().invoke(cli, ["mail-suppress", "--email", email, "--platform"]).exit_code == 0
    async with platform_ctx(database) as ctx:
        assert await find_obstacle(ctx, recipient=email, customer_id=None, category="service") == "suppressed"


@pytest.mark.parametrize("options", [[], ["--merchant", "gare", "--platform"], ["--merchant", "no-such-store"]])
def test_whose_mails_must_be_clear(settings: Settings, options: list[str]) -> None:
    assert CliRunner().invoke(cli, ["mail-suppress", "--email", "a@b.lu", *options]).exit_code == 2
