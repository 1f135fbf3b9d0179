"""Whom a backup brings back is erased again (docs/operations.md, Backups)."""

import asyncio
import datetime as dt
import json
import uuid
from pathlib import Path

import asyncpg
import httpx
import pytest
from typer.testing import CliRunner

from app.core.config import Settings
from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.loyalty.cli import cli
from app.modules.loyalty.services import privacy_service, replay_service
from app.modules.loyalty.tests.privacy.person import Person, make_neighbour, make_person
from app.modules.loyalty.tests.privacy.traces import find_traces
from app.modules.tenancy.tests.factories import merchant_ctx

ERASURE = customers.Erasure(uuid.UUID(int=1), uuid.UUID(int=2), dt.datetime(2026, 11, 23, 10, 15, tzinfo=dt.UTC), "admin", None)
TABLES = {
    "customers": "id = $1", "customer_consents": "customer_id = $1", "customer_login_links": "customer_id = $1",
    "email_logs": "customer_id = $1", "email_opt_outs": "customer_id = $1", "loyalty_cards": "customer_id = $1",
    "loyalty_birthday_greetings": "customer_id = $1",
}  # fmt: skip


GENERATED = ["phone_reversed", "email_key"]


async def back_up(superuser: asyncpg.Connection, person: Person) -> dict[str, list[dict[str, str]]]:
    """Return the person's rows as a backup would hold them, generated columns aside."""
    return {
        table: [
            row[0]
            for row in await superuser.fetch(
                f"SELECT to_jsonb(t) - 'phone_reversed' - 'email_key' FROM {table} t WHERE {where}", person.customer_id
            )
        ]
        for table, where in TABLES.items()
    }


async def restore(superuser: asyncpg.Connection, rows: dict[str, list[dict[str, str]]], *, with_log: bool) -> None:
    """Put the rows back over what has become of them, as of the day of the backup."""
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = replica")
        for table, found in rows.items():
            for row in found:
                names = list(row)
                if "id" in row:
                    await superuser.execute(f"DELETE FROM {table} WHERE id = $1", uuid.UUID(row["id"]))
                listed = ", ".join(names)
                await superuser.execute(
                    f"INSERT INTO {table} ({listed}) SELECT {listed} FROM jsonb_populate_record(NULL::{table}, $1)", row
                )
        if not with_log:
            await superuser.execute("DELETE FROM erasure_log WHERE customer_id = $1", uuid.UUID(rows["customers"][0]["id"]))


async def erase(database: Database, person: Person) -> None:
    """Erase the person, after whatever other tests left to be erased again."""
    await replay_service.replay(database)
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        await privacy_service.erase_customer(ctx, person.customer_id)


async def test_a_person_who_came_back_with_a_backup_is_erased_again(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    neighbour = await make_neighbour(database, person.shop)
    rows = await back_up(superuser, person)
    await erase(database, person)
    await restore(superuser, rows, with_log=True)
    assert await find_traces(superuser, person.shop.id, person.words) != {}
    before = await superuser.fetchval("SELECT t::text FROM customers t WHERE id = $1", neighbour)
    result = await replay_service.replay(database)
    assert result.erased_again == 1
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    assert await superuser.fetchval("SELECT t::text FROM customers t WHERE id = $1", neighbour) == before
    entries = "SELECT count(*) FROM core_audit_log WHERE action = 'loyalty.customer.erased' AND target_id = $1"
    assert await superuser.fetchval(entries, person.customer_id) == 2
    assert (await replay_service.replay(database)).erased_again == 0
    assert await superuser.fetchval(entries, person.customer_id) == 2


async def test_a_part_that_came_back_goes_as_well(database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient) -> None:
    person = await make_person(database, superuser, client)
    rows = await back_up(superuser, person)
    await erase(database, person)
    await restore(superuser, {"customers": [], "email_logs": rows["email_logs"], "loyalty_cards": rows["loyalty_cards"]}, with_log=True)
    assert set(await find_traces(superuser, person.shop.id, person.words)) >= {"public.email_logs.recipient", "public.loyalty_cards.notes"}
    assert (await replay_service.replay(database)).erased_again == 1
    assert await find_traces(superuser, person.shop.id, person.words) == {}


async def test_the_exported_log_reaches_a_backup_from_before_the_erasure(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    person = await make_person(database, superuser, client)
    rows = await back_up(superuser, person)
    await erase(database, person)
    file = tmp_path / "erasures.jsonl"
    written = await asyncio.to_thread(CliRunner().invoke, cli, ["export-erasures", str(file)])
    assert written.exit_code == 0, written.output
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["actor_kind"] for line in lines if line["customer_id"] == str(person.customer_id)] == ["owner"]
    assert [word for word in person.words if word.casefold() in file.read_text().casefold()] == []

    await restore(superuser, rows, with_log=False)
    without = await asyncio.to_thread(CliRunner().invoke, cli, ["replay-erasures"])
    assert without.exit_code == 0, without.output
    assert await superuser.fetchval("SELECT email FROM customers WHERE id = $1", person.customer_id) == person.email
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["replay-erasures", "--log", str(file)])
    assert done.exit_code == 0, done.output
    assert "1 done again" in done.output
    assert await find_traces(superuser, person.shop.id, person.words) == {}


@pytest.mark.parametrize("text", ["no json", '{"merchant_id": "1"}', "[]", '{"merchant_id": 5, "customer_id": 6, "at": 7}'])
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "erasures.jsonl"
    file.write_text(f"\n{text}\n")
    result = CliRunner().invoke(cli, ["replay-erasures", "--log", str(file)])
    assert result.exit_code == 1
    assert "line 2 is no erasure" in result.output


def test_lines_are_read_as_they_were_written() -> None:
    (line,) = replay_service.write_lines([ERASURE])
    assert list(replay_service.read_lines([line])) == [ERASURE]
