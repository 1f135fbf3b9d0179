"""The merchant's audit log: in words, filtered, confined to the business and to who may read it, downloaded whole."""

import csv
import datetime as dt
import io
import re

import httpx
import pytest

from app.core import audit, clock
from app.core.db.engine import Database
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.services import audit_service
from app.modules.loyalty.tests.factories import make_card, make_shop
from app.modules.tenancy.tests.factories import MadeMerchant, make_member, make_merchant, merchant_ctx, sign_in_cookie

URL = "/api/v1/merchants/loyalty/audit"
CARDS = "/api/v1/merchants/loyalty/cards"


async def note(database: Database, merchant: MadeMerchant, *actions: str, at: dt.datetime | None = None) -> None:
    """Write an entry for each action, a second apart, as the owner."""
    for number, action in enumerate(actions):
        async with merchant_ctx(database, merchant, role="owner", now=(at or clock.now()) + dt.timedelta(seconds=number)) as ctx:
            await audit.record(ctx, action, "thing", None, reason=f"Reason {number}")


async def actions(client: httpx.AsyncClient, **params: str | int) -> list[str]:
    answer = await client.get(URL, params=params)
    assert answer.status_code == 200, answer.text
    return [item["action"] for item in answer.json()["items"]]


async def test_an_entry_says_in_words_who_did_what_to_which_card(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    client.cookies.update(sign_in_cookie(shop.merchant.manager) | {"orion_lang": "de"})
    await client.post(f"{CARDS}/{card.id}/deactivate", json={"reason": "Verloren"})
    [entry] = (await client.get(URL, params={"target": str(card.id), "limit": 1})).json()["items"]
    assert {name: entry[name] for name in ("action", "text", "target", "actor_kind", "is_by_platform", "details")} == {
        "action": "loyalty.card.deactivated", "text": "Hat eine Karte ausgeschaltet", "target": format_number(card.number),
        "actor_kind": "user", "is_by_platform": False, "details": {"reason": "Verloren"},
    }  # fmt: skip
    assert entry["actor_id"] == str(shop.merchant.manager.id)
    assert "address" not in entry


async def test_the_log_is_filtered_and_paged_both_ways(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database)
    day = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    await note(database, merchant, "loyalty.card.activated", "loyalty.pin.created", "cms.page.made", at=day)
    await note(database, merchant, "customers.customer.update", "probe.thing.done", at=day + dt.timedelta(days=1))
    client.cookies.update(sign_in_cookie(merchant.owner))
    march = {"since": "2026-03-01", "until": "2026-03-02"}
    everything = ["probe.thing.done", "customers.customer.update", "cms.page.made", "loyalty.pin.created", "loyalty.card.activated"]
    assert await actions(client, **march) == everything
    assert await actions(client, since="2026-03-02", until="2026-03-02") == everything[:2]
    assert await actions(client, family="counter", **march) == ["loyalty.pin.created"]
    assert await actions(client, family="texts", **march) == ["cms.page.made"]
    assert await actions(client, person=str(merchant.owner.id), **march) == everything
    assert await actions(client, person=str(merchant.staff.id), **march) == []
    first = (await client.get(URL, params=march | {"limit": 3})).json()
    second = (await client.get(URL, params=march | {"limit": 3, "cursor": first["next_cursor"]})).json()
    back = (await client.get(URL, params=march | {"limit": 3, "cursor": second["previous_cursor"]})).json()
    assert [item["action"] for item in (*first["items"], *second["items"])] == everything
    assert (back["items"], second["next_cursor"], back["previous_cursor"]) == (first["items"], None, None)
    for wrong in ({"family": "x"}, {"since": "31.12.2026"}, {"until": "9999-12-31"}, {"person": "1"}):
        assert (await client.get(URL, params=wrong)).status_code == 422, wrong


async def test_another_merchants_entries_and_bound_managers_stay_outside(client: httpx.AsyncClient, database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    await note(database, other, "loyalty.card.activated")
    bound = await make_member(database, merchant, role="manager", bound=True)
    client.cookies.update(sign_in_cookie(merchant.owner))
    assert await actions(client, person=str(other.owner.id)) == []
    assert (await client.get(f"{URL}.csv", params={"person": str(other.owner.id)})).text.count("\r\n") == 1
    for user in (merchant.staff, bound):
        client.cookies.update(sign_in_cookie(user))
        for path in (URL, f"{URL}.csv", "/merchants/audit"):
            assert (await client.get(path)).status_code == 403


async def test_the_download_is_whole_and_runs_nothing(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_service, "PIECE", 2)
    merchant = await make_merchant(database)
    await note(database, merchant, *(f"probe.thing.number_{number}" for number in range(5)))
    client.cookies.update(sign_in_cookie(merchant.owner))
    answer = await client.get(f"{URL}.csv", params={"person": str(merchant.owner.id)})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="audit-[0-9-]{10}\.csv".*', answer.headers["content-disposition"])
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["action"] for row in rows] == [f"probe.thing.number_{number}" for number in (4, 3, 2, 1, 0)]
    assert (rows[0]["text"], rows[0]["details"]) == ("probe · thing · number 4", '{"reason": "Reason 4"}')
