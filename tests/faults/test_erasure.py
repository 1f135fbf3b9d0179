"""After an erasure nothing of the person is left wherever the platform keeps or writes something (G3)."""

import asyncio
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.core.testing.application import BROWSER_HEADERS
from app.modules.loyalty.tests.privacy.person import make_person
from app.modules.loyalty.tests.privacy.traces import find_traces, readable
from app.modules.tenancy.tests.factories import make_admin, sign_in_cookie
from tests.faults.mail_shop import MailShop
from tests.faults.mail_sink import Mood

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def written(folder: Path) -> dict[str, str]:
    """Return what all files of the platform say, but for the database's own: broker, logs, whatever else was put down."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "postgres" not in path.relative_to(folder).parts]
    return {str(path.relative_to(folder)): readable(path.read_bytes()).casefold() for path in files}


async def test_database_broker_and_logs_hold_no_word_of_somebody_erased(mail_shop: MailShop) -> None:
    """Enrolled over HTTP, written to at the second try, with a download made by a worker; erased by the platform's admin."""
    stack, shop = mail_shop.stack, mail_shop.shop
    mail_shop.open_shop.start_web()
    await mail_shop.sink.change(Mood.RECIPIENT_LATER)
    stack.start("relay")
    stack.start("worker")
    conn = await asyncpg.connect(stack.urls.superuser)
    try:
        async with httpx.AsyncClient(base_url=stack.base_url, headers=BROWSER_HEADERS, timeout=20) as client:
            person = await make_person(mail_shop.database, conn, client, shop=shop)
            cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in person.cookies.items())}
            mine = f"/api/v1/storefront/{shop.merchant.store.code}/loyalty/my-data"
            assert (await client.post(f"{mine}/downloads", headers=cookie)).status_code == 202
            await mail_shop.wait("count(*) FILTER (WHERE error IS NOT NULL) > 0")
            await mail_shop.sink.change(Mood.TAKES)
            await mail_shop.wait_settled()
            assert mail_shop.sink.recipients[person.email] >= 1
            before = await find_traces(conn, shop.id, person.words)
            assert {"public.customers.email", "public.email_logs.recipient", "public.core_file_parts.data"} <= before.keys()
            client.cookies.update(sign_in_cookie(await make_admin(mail_shop.database)))
            erased = await client.delete(f"/api/v1/admin/loyalty/cards/customer/{person.customer_id}")
            assert erased.status_code == 200, erased.text
        await mail_shop.wait_settled()  # also what follows an erasure after three minutes
        assert await find_traces(conn, shop.id, person.words) == {}
    finally:
        await conn.close()
    for name in list(stack.processes):
        stack.stop(name)
    await asyncio.to_thread(stack.stop_valkey)
    kept = written(stack.folder)
    told = {name: hits for name, text in kept.items() if (hits := [word for word in person.words if word.casefold() in text])}
    assert told == {}
    assert "orion.run_messages" in "".join(text for name, text in kept.items() if name.startswith("valkey/")), "the broker kept its hints"
    assert "task_failed" in kept["worker.log"], "the worker wrote about the mail that was refused at first"
