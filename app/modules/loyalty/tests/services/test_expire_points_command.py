"""`orion expire-points`: what it would do, what it does, and what it says when it cannot."""

import datetime as dt
import uuid

import asyncpg
from typer.testing import CliRunner

from app.core import clock
from app.core.db.engine import Database
from app.modules.loyalty.cli import cli
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.services import expiry_service
from app.modules.loyalty.services.expiry_service import ByHand
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_shop
from app.modules.loyalty.tests.sweeps import assert_ledger_is_whole, expired_of, make_cards

NOW = clock.now()
TODAY = expiry.local_day(NOW, LUXEMBOURG)


def orion(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it wrote."""
    result = CliRunner().invoke(cli, ["expire-points", *arguments])
    return result.exit_code, result.stdout, result.stderr.strip()  # a progress bar that nobody sees leaves an empty line


async def shop_of(database: Database) -> MadeShop:
    return await make_shop(database, now=NOW - dt.timedelta(days=1_000), points_expiration_days=365)


async def test_a_dry_run_names_cards_and_changes_nothing(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    cards = [
        await make_card(database, shop.merchant, amount_cents=points * 100, now=NOW - dt.timedelta(days=days))
        for points, days in ((7, 400), (30, 500), (11, 360), (50, 10))
    ]
    code, out, _ = orion("--merchant", shop.merchant.store.code, "--dry-run")
    head, *lines = out.splitlines()
    assert (code, head) == (0, "Cards to expire: 2 (37 points). Holders to warn: 1. Nothing was changed.")
    told = zip(cards, ("7 points expire", "30 points expire", "11 points to warn of"), strict=False)
    assert lines == sorted(f"  card {format_number(card.number)}: {text}" for card, text in told)
    assert [await expired_of(superuser, card.id) for card in cards] == [[]] * 4
    assert await superuser.fetchval("SELECT count(*) FROM core_job_runs WHERE merchant_id = $1", shop.merchant.id) == 0


async def test_a_run_by_hand_is_the_days_run(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    points = await make_cards(superuser, shop, 600, at=NOW - dt.timedelta(days=400))
    code, out, _ = orion("--merchant", str(shop.merchant.id), "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "  and 590 more")
    assert orion("--merchant", str(shop.merchant.id)) == (
        0, f"The run of {TODAY}. Cards expired: 600 ({points} points). Holders warned: 0.\n", "",
    )  # fmt: skip
    assert orion("--merchant", str(shop.merchant.id)) == (0, f"The run of {TODAY} is done already: nothing was changed.\n", "")
    await assert_ledger_is_whole(database, shop.merchant.id)
    row = await superuser.fetchrow("SELECT kind, period, status FROM core_job_runs WHERE merchant_id = $1", shop.merchant.id)
    assert row is not None
    assert tuple(row) == (expiry_service.KIND, str(TODAY), "done")


async def test_it_says_in_a_sentence_why_it_cannot(database: Database, superuser: asyncpg.Connection) -> None:
    nobody = str(uuid.uuid4())
    for more in ((), ("--dry-run",)):
        assert orion("--merchant", nobody, *more) == (2, "", f"Error: no merchant has the id or a store with the code {nobody}.")
    shop = await shop_of(database)
    await expiry_service.sweep(ByHand(database, shop.merchant.id))
    await superuser.execute("UPDATE core_job_runs SET status = 'running' WHERE merchant_id = $1", shop.merchant.id)
    code, out, said = orion("--merchant", str(shop.merchant.id))
    assert (code, out) == (3, "")
    assert said == "Error: another process is at it, or was ended less than a minute ago; try again in a minute."
