"""Every alert fires and clears, on a real database with the clock moved, and the operator is told once each; Prometheus' file agrees."""

import asyncio
import dataclasses
import datetime as dt
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import yaml  # type: ignore[import-untyped]  # the library has no types
from pydantic import SecretStr

from app.core import alerts, jobs
from app.core.config import Settings
from app.core.context import SYSTEM, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import GiveUp
from app.core.modules import load_modules
from app.core.outbox import admin
from app.core.schedules import note_starts
from app.core.tasks import watch
from app.core.tasks.runner import Runner
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.core.web.measuring import RefusalCounter
from app.modules.loyalty.services.watch_service import EXPIRY_KIND
from app.modules.loyalty.tests.factories import make_program
from app.modules.messaging.tests.smtp_server import MailServer, chosen_mail_server
from app.modules.tenancy.tests.factories import make_merchant

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "prometheus" / "alerts.yml"
OUTSIDE_ALONE = {"OrionNotWatching"}
"""What only somebody outside can see."""

START = dt.datetime(2026, 10, 24, 12, 0, tzinfo=dt.UTC)  # the night after it, Luxembourg's clocks go back
SECOND, MINUTE, HOUR = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1)
DEFINITIONS = load_modules()
RULES = {rule.name: rule for rule in watch.watch_of(DEFINITIONS, Settings(env="test")).rules}
MAIL = """
INSERT INTO email_logs (id, outbox_id, template, locale, recipient, state, attempts, created_at, sent_at)
SELECT gen_random_uuid(), gen_random_uuid(), 'password_changed', 'en', 'x@y.lu',
       $1, $2, $3::timestamptz, CASE WHEN $1 = 'sent' THEN $3 END
FROM generate_series(1, $4::int)
"""


def test_prometheus_has_the_same_rules() -> None:
    groups = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    written = {entry["alert"]: entry for group in groups for entry in group["rules"] if entry["alert"] not in OUTSIDE_ALONE}
    assert {
        name: (entry["labels"]["rule"], entry["expr"], entry["for"], entry["labels"]["severity"], entry["annotations"])
        for name, entry in written.items()
    } == {
        "Orion" + "".join(word.capitalize() for word in rule.name.split("_")): (
            rule.name,
            f"{rule.expression} > {rule.threshold:g}",
            "0m",
            rule.severity,
            {"summary": rule.title, "description": rule.advice},
        )
        for rule in RULES.values()
    }
    assert {"expiry_overdue", "mail_failures", "store_refusals", "outbox_late", "outbox_dead", "ledger_mismatch"} <= set(RULES)
    assert (RULES["expiry_overdue"].threshold, RULES["expiry_overdue"].severity) == (26, "page")
    assert (RULES["mail_failures"].threshold, RULES["mail_failures"].severity) == (0.01, "warn")
    assert (RULES["store_refusals"].threshold, RULES["store_refusals"].severity) == (100, "investigate")
    assert RULES["outbox_late"].threshold == 15 * 60
    assert RULES["ledger_mismatch"].severity == "page"


@pytest.fixture(scope="module")
def own_urls(postgres_socket_dir: str, worker_id: str) -> Iterator[DatabaseUrls]:
    """A database of this file alone: alerts see all merchants."""
    name = f"alerts_{worker_id}"
    yield create_database(postgres_socket_dir, name)
    drop_database(postgres_socket_dir, name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(own_urls: DatabaseUrls, settings: Settings) -> AsyncIterator[Database]:
    """Its pools."""
    urls = {"database_url": SecretStr(own_urls.app), "platform_database_url": SecretStr(own_urls.platform)}
    database = Database.from_settings(settings.model_copy(update=urls))
    yield database
    await database.dispose()


class Operator:
    """What reached the operator: mails, and documents at the webhook, which refuses as often as told."""

    def __init__(self, mails: MailServer) -> None:
        self.mails = mails
        self.documents: list[dict[str, Any]] = []
        self.refusals: list[int] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
        document = json.loads(await reader.readexactly(length))
        status = self.refusals.pop(0) if self.refusals else 204
        if status == 204:
            self.documents.append(document)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    def told(self) -> list[tuple[str, str]]:
        """Event and rule of each document, in order."""
        return [(document["event"], document["rule"]) for document in self.documents]

    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.mails.messages]


@pytest_asyncio.fixture(loop_scope="session")
async def operator(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    """An operator with a mailbox and a webhook, and no alert from another test."""
    async with chosen_mail_server(settings, monkeypatch) as mails:
        found = Operator(mails)
        server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
        found.port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(settings, "alert_email", "operator@orion.example")
        monkeypatch.setattr(settings, "alert_webhook_url", SecretStr(f"http://127.0.0.1:{found.port}/hook?token=secret"))
        yield found
        server.close()


@pytest_asyncio.fixture(loop_scope="session")
async def clean(own_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection beyond all policies, to a database in which nothing is wrong."""
    conn = await asyncpg.connect(own_urls.superuser)
    await conn.execute(
        "TRUNCATE core_alerts, core_alert_notices, core_outbox, core_job_runs, core_schedule_runs, core_store_refusals, email_logs CASCADE"
    )
    await conn.execute("UPDATE loyalty_programs SET points_expiration_days = NULL")
    yield conn
    await conn.close()


async def open_rules(conn: asyncpg.Connection) -> set[str]:
    return {row["rule"] for row in await conn.fetch("SELECT rule FROM core_alerts WHERE cleared_at IS NULL")}


Steps = AsyncIterator[tuple[dt.datetime, bool]]
Scenario = Callable[[Database, asyncpg.Connection], Steps]
"""Brings something about, and stops at each instant at which the alert is to be looked at, to say whether it is open then."""


async def late_outbox(own: Database, _conn: asyncpg.Connection) -> Steps:
    message_id = await enqueue(own, "test.waits")
    yield START + 15 * MINUTE, False
    yield START + 15 * MINUTE + SECOND, True
    yield START + HOUR, True
    assert await Runner(own, {"test.waits": do_nothing}).run(message_id, START + HOUR) == "done"
    yield START + HOUR + MINUTE, False


async def dead_rows(own: Database, _conn: asyncpg.Connection) -> Steps:
    message_id = await enqueue(own, "test.refused")
    assert await Runner(own, {"test.refused": give_up}).run(message_id, START) == "dead"
    yield START + MINUTE, True
    yield START + 2 * MINUTE, True
    async with raw_connection(own.platform) as platform:
        assert await admin.retry_dead(platform, message_id, START + 2 * MINUTE) is not None
    assert await Runner(own, {"test.refused": do_nothing}).run(message_id, START + 2 * MINUTE) == "done"
    yield START + 3 * MINUTE, False


async def refused_store(own: Database, conn: asyncpg.Connection) -> Steps:
    processes = one, two = RefusalCounter(), RefusalCounter()
    store, other = uuid.uuid4(), uuid.uuid4()
    for counter, count in ((one, 60), (two, 40)):
        for _ in range(count):
            counter.note(store, START + 10 * SECOND)
            counter.note(other, START - MINUTE)
            counter.note(other, START)  # as many, but spread over two minutes
    for _ in range(2):  # nothing is added twice
        await asyncio.gather(*(counter.flush(own) for counter in processes))
    assert await conn.fetchval("SELECT count FROM core_store_refusals WHERE store_id = $1", store) == 100
    yield START + 30 * SECOND, False
    two.note(store, START + 59 * SECOND)
    await two.flush(own)
    yield START + MINUTE, True
    yield START + 4 * MINUTE, True
    yield START + 5 * MINUTE, False


async def failing_mails(_own: Database, conn: asyncpg.Connection) -> Steps:
    for state, attempts, count in (("sent", 1, 395), ("failed", 1, 2), ("queued", 3, 2), ("queued", 1, 50), ("suppressed", 1, 50)):
        await conn.execute(MAIL, state, attempts, START, count)
    yield START + MINUTE, False  # four of 399: too few to mean anything
    await conn.execute(MAIL, "failed", 1, START + MINUTE, 1)
    yield START + 2 * MINUTE, True  # five of 400
    await conn.execute(MAIL, "sent", 1, START + 3 * MINUTE, 100)
    yield START + 4 * MINUTE, False  # five of 500 are one per cent, and not more
    await conn.execute(MAIL, "failed", 1, START + 2 * HOUR, 5)
    yield START + 2 * HOUR + MINUTE, True  # all of five: the hour before no longer counts
    yield START + 3 * HOUR + MINUTE, False


async def overdue_expiry(own: Database, conn: asyncpg.Connection) -> Steps:
    merchants = [await make_merchant(own, now=START) for _ in range(3)]  # the last one's points never expire
    for merchant in merchants[:2]:
        await make_program(own, merchant, now=START, points_expiration_days=365)
    await conn.execute("UPDATE tenancy_merchants SET status = 'suspended' WHERE id = $1", merchants[1].id)
    await conn.execute("UPDATE loyalty_programs SET created_at = $2 WHERE merchant_id = $1", merchants[0].id, START - dt.timedelta(days=90))
    async with platform_unit_of_work(own, Principal(SYSTEM), now=START) as ctx:
        assert await note_starts(ctx, EXPIRY_KIND, [(merchants[0].id, "2026-10-24")]) == [merchants[0].id]
    yield START + 2 * HOUR, False  # the program is older than this platform
    await succeed(own, merchants[0].id, START + 2 * HOUR)
    yield START + 28 * HOUR, False
    yield START + 28 * HOUR + SECOND, True
    yield START + 30 * HOUR, True
    await succeed(own, merchants[0].id, START + 30 * HOUR)
    yield START + 31 * HOUR, False


async def wrong_ledger(own: Database, _conn: asyncpg.Connection) -> Steps:
    merchant = await make_merchant(own, now=START)
    for _ in range(2):  # two nights find it
        async with unit_of_work(own, Principal(SYSTEM, merchant.id), now=START) as ctx:
            await alerts.open_alert(ctx, "ledger_mismatch", subject="ledger", details={"card_id": "0199f1a0"})
    yield START + MINUTE, True
    yield START + 2 * MINUTE, True
    async with unit_of_work(own, Principal(SYSTEM, merchant.id), now=START + 3 * MINUTE) as ctx:
        assert await alerts.clear_alert(ctx, "ledger_mismatch", subject="ledger")
    yield START + 3 * MINUTE, False


async def do_nothing(_ctx: Any) -> None:
    """A task that succeeds."""


async def give_up(_ctx: Any) -> None:
    raise GiveUp(code="refused")


async def enqueue(own: Database, task: str) -> uuid.UUID:
    """Write a message of the platform that is due at the start; return its id."""
    async with platform_unit_of_work(own, Principal(SYSTEM), now=START) as ctx:
        ctx.enqueue(task)
        return ctx.pending[0].id


async def succeed(own: Database, merchant_id: uuid.UUID, at: dt.datetime) -> None:
    """Let the nightly expiry of a merchant succeed at `at`."""
    async with unit_of_work(own, Principal(SYSTEM, merchant_id), now=at) as ctx:
        run = await jobs.begin_run(ctx, EXPIRY_KIND, at.isoformat())
        assert run is not None
        await jobs.finish(ctx, run)


SCENARIOS: dict[str, Scenario] = {
    "outbox_late": late_outbox,
    "outbox_dead": dead_rows,
    "store_refusals": refused_store,
    "mail_failures": failing_mails,
    "expiry_overdue": overdue_expiry,
    "ledger_mismatch": wrong_ledger,
}


async def test_every_rule_has_a_scenario() -> None:
    assert set(SCENARIOS) == set(RULES)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_an_alert_fires_and_clears_and_the_operator_is_told_once_each(
    name: str, own: Database, clean: asyncpg.Connection, operator: Operator, settings: Settings
) -> None:
    rule, looked = RULES[name], []
    await look(own, settings, START - HOUR)
    assert await open_rules(clean) == set()
    async for at, is_open in SCENARIOS[name](own, clean):
        await look(own, settings, at)
        assert await open_rules(clean) == ({name} if is_open else set()), at
        looked.append(is_open)
    await look(own, settings, at + HOUR)  # nothing more is told

    times = sum(is_open and not before for before, is_open in itertools.pairwise([False, *looked]))
    assert operator.told() == [("alert.opened", name), ("alert.cleared", name)] * times
    opened, cleared = operator.documents[-2:]
    assert opened["id"] == cleared["id"]
    assert (opened["severity"], opened["title"], opened["cleared_at"]) == (rule.severity, rule.title, None)
    assert cleared["cleared_at"] == at.isoformat()
    assert not {"%(", "–"} & set(opened["sentence"])
    word = {"page": "urgent", "warn": "warning", "investigate": "to investigate"}[rule.severity]
    assert operator.subjects() == [f"[{word}] {rule.title} – Orion Loyalty", f"[over] {rule.title} – Orion Loyalty"] * times
    assert set(operator.mails.recipients) == {"operator@orion.example"}
    body = operator.mails.messages[-2].get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert opened["sentence"] in text
    assert "http://testserver/admin/health" in text
    rows = await clean.fetch("SELECT rule, severity, cleared_at IS NULL AS is_open FROM core_alerts")
    assert [tuple(row) for row in rows] == [(name, rule.severity, False)] * times


async def look(own: Database, settings: Settings, at: dt.datetime) -> None:
    """Evaluate and tell at `at`, as two beats do that run at once."""
    watched = watch.watch_of(DEFINITIONS, settings)
    await asyncio.gather(*(watch.watch_once(own, watched, now=at) for _ in range(2)))


async def test_a_notice_that_is_refused_is_tried_again_and_the_end_waits_for_the_beginning(
    own: Database, clean: asyncpg.Connection, operator: Operator, settings: Settings
) -> None:
    message_id = await enqueue(own, "test.refused")
    assert await Runner(own, {"test.refused": give_up}).run(message_id, START) == "dead"
    operator.refusals += [500, 503]
    operator.mails.content_answers += ["451 4.3.0 later"]
    await look(own, settings, START)
    assert (operator.told(), operator.subjects()) == ([], [])
    trouble = await clean.fetch("SELECT channel, attempts, error, due_at FROM core_alert_notices ORDER BY channel")
    assert [tuple(row) for row in trouble] == [
        ("mail", 1, "smtp_451_4.3.0", START + 30 * SECOND),
        ("webhook", 1, "webhook_500", START + 30 * SECOND),
    ]
    await clean.execute("DELETE FROM core_outbox")
    await look(own, settings, START + 29 * SECOND)  # it is over before anybody could be told
    assert (operator.told(), operator.subjects(), await open_rules(clean)) == ([], [], set())
    await look(own, settings, START + MINUTE)
    assert (operator.told(), operator.subjects()) == ([], ["[warning] Tasks have given up – Orion Loyalty"])
    await look(own, settings, START + MINUTE + 59 * SECOND)
    assert (operator.told(), operator.subjects()[1:]) == ([], ["[over] Tasks have given up – Orion Loyalty"])
    await look(own, settings, START + 2 * MINUTE)
    await look(own, settings, START + 3 * MINUTE)
    assert operator.told() == [("alert.opened", "outbox_dead"), ("alert.cleared", "outbox_dead")]
    assert await clean.fetchval("SELECT count(*) FROM core_alert_notices WHERE due_at IS NOT NULL OR sent_at IS NULL") == 0


async def test_a_flood_is_listed_and_not_told(own: Database, clean: asyncpg.Connection, operator: Operator, settings: Settings) -> None:
    counter = RefusalCounter()
    for _ in range(25):
        store = uuid.uuid4()
        for _ in range(101):
            counter.note(store, START)
    await counter.flush(own)
    await look(own, settings, START)
    assert await clean.fetchval("SELECT count(*) FROM core_alerts") == 25
    assert len(operator.documents) == len(operator.mails.messages) == 20


async def test_a_rule_that_fails_stops_no_other_and_changes_nothing(own: Database, clean: asyncpg.Connection) -> None:
    message_id = await enqueue(own, "test.refused")
    assert await Runner(own, {"test.refused": give_up}).run(message_id, START) == "dead"
    broken = dataclasses.replace(RULES["store_refusals"], measure="tests.ops.test_alerts:fail")
    async with platform_unit_of_work(own, Principal(SYSTEM), now=START) as ctx:
        await alerts.open_alert(ctx, broken, subject="a store", details={"count": 200})
    await watch.evaluate(own, [broken, RULES["outbox_dead"]], now=START)
    assert await open_rules(clean) == {"store_refusals", "outbox_dead"}


async def fail(_ctx: Any) -> None:
    raise RuntimeError


async def test_the_operators_language_is_theirs(
    own: Database, clean: asyncpg.Connection, operator: Operator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "alert_locale", "fr")
    message_id = await enqueue(own, "test.refused")
    assert await Runner(own, {"test.refused": give_up}).run(message_id, START) == "dead"
    await look(own, settings, START)
    assert operator.subjects() == ["[avertissement] Tâches abandonnées – Orion Loyalty"]
    assert operator.documents[0]["title"] == "Tâches abandonnées"


async def test_without_an_operator_nobody_is_told(own: Database, clean: asyncpg.Connection, settings: Settings) -> None:
    assert dict(watch.watch_of(DEFINITIONS, settings).channels) == {}
    message_id = await enqueue(own, "test.refused")
    assert await Runner(own, {"test.refused": give_up}).run(message_id, START) == "dead"
    await look(own, settings, START)
    assert await open_rules(clean) == {"outbox_dead"}
    assert await clean.fetchval("SELECT count(*) FROM core_alert_notices") == 0


async def test_a_merchants_task_cannot_open_anothers_alert(own: Database) -> None:
    async with unit_of_work(own, Principal(SYSTEM, uuid.uuid4())) as ctx:
        with pytest.raises(ValueError, match="another merchant"):
            await alerts.open_alert(ctx, "ledger_mismatch", subject="x", merchant_id=uuid.uuid4(), details={})
        with pytest.raises(KeyError):
            await alerts.open_alert(ctx, "nobody_declared_this", subject="x", details={})
