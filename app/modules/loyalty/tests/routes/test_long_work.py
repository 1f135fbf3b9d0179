"""The list of jobs holds all long work of a merchant: bulks, imports, merges of everybody's cards, in one order, page by page."""

import datetime as dt
import html
import re

import httpx
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.modules.loyalty.services import bulk_service, import_service, merge_service, program_service
from app.modules.loyalty.tests.factories import make_card, make_shop
from app.modules.loyalty.tests.import_files import bring_in, upload
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx, sign_in_cookie

ROW = re.compile(r'<tr role="row">\s*<th [^>]*scope="row"[^>]*>(.*?)</tr>', re.DOTALL)
FILE = "email,first_name,last_name,points\nanna@example.lu,Anna,Weber,120\n"


def rows_of(page: str) -> list[tuple[str, str]]:
    """Address and words of each line of the table."""
    found = []
    for row in ROW.findall(page):
        href = re.search(r'href="([^"]+)"', row)
        assert href is not None
        found.append((href[1], " ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split())))
    return found


async def test_imports_and_merges_stand_among_the_jobs(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.modules.tenancy.routes.pages.jobs.PAGE", 2)
    shop = await make_shop(database, stores=2, cross_location=False)
    imported = await bring_in(database, shop, FILE)
    card, _ = [await make_card(database, shop.merchant, store=store, email="ben@example.lu") for store in shop.merchant.stores]
    async with merchant_ctx(database, shop.merchant, role="owner") as ctx:
        await program_service.set_cross_location(ctx, is_on=True)
    soon = clock.now() + dt.timedelta(seconds=1)
    async with merchant_ctx(database, shop.merchant, role="owner", now=soon) as ctx:
        job_id = await bulk_service.start_deactivation(ctx, [card.id], reason="Test")
    async with merchant_ctx(database, shop.merchant, role="owner", now=soon + dt.timedelta(seconds=1)) as ctx:
        merge = await merge_service.start_merge_of_all(ctx)
    waiting = await upload(database, shop, FILE)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.begin_upload(ctx, file_name="never-sent.csv")
    client.cookies.update(sign_in_cookie(shop.merchant.owner) | {"orion_lang": "en"})

    found: list[tuple[str, str]] = []
    address: str | None = "/merchants/jobs"
    while address is not None:
        page = await client.get(address)
        assert page.status_code == 200
        assert len(rows_of(page.text)) <= 2
        found += rows_of(page.text)
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = html.unescape(following[1]) if following else None

    hrefs = [href for href, _ in found]
    assert hrefs == [
        f"/merchants/settings/merges/{merge.id}", f"/merchants/jobs/{job_id}", f"/merchants/import/{waiting.id}",
        f"/merchants/import/{imported.id}",
    ]  # fmt: skip
    words = [text for _, text in found]
    assert words[0].startswith("Merge cards")
    assert words[2].startswith("Import old.csv")
    assert words[2].endswith("Waits for you")
    assert words[3].startswith("Import old.csv")
    assert words[3].endswith("1 of 1 Done")
    for href in hrefs:
        assert (await client.get(href)).status_code == 200
    client.cookies.update(sign_in_cookie((await make_merchant(database)).owner))
    assert rows_of((await client.get("/merchants/jobs")).text) == []
