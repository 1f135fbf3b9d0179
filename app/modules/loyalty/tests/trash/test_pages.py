"""The trash in the merchant's panel: tabs, rows with who, when and why, and who may do what."""

import re
from collections.abc import Callable

import httpx
import pytest

from app.core.db.engine import Database
from app.core.i18n import LOCALES, translate
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.services import trash_service
from app.modules.loyalty.tests.factories import make_card, make_shop
from app.modules.tenancy.tests.factories import MadeUser, make_admin, make_member, merchant_ctx, sign_in_cookie

Clients = Callable[..., httpx.AsyncClient]
PAGES = ("/merchants/cards", "/merchants/stores", "/merchants/program")


async def see(client: httpx.AsyncClient, path: str, user: MadeUser, *, locale: str = "en", **params: str) -> httpx.Response:
    client.cookies.update(sign_in_cookie(user) | {"orion_lang": locale})
    return await client.get(path, params=params, headers={"Accept": "text/html"})


@pytest.mark.parametrize("locale", LOCALES)
async def test_each_trash_shows_what_lies_there_and_how_it_came(make_client: Clients, database: Database, locale: str) -> None:
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop.merchant, first_name="Léa", last_name="Zimmer")
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.trash_card(ctx, card.id, reason="Enrolled twice")
        await trash_service.trash_program(ctx, shop.program.id, reason="Season is over")
    owner = make_client()
    owner.cookies.update(sign_in_cookie(shop.merchant.owner))
    address = f"/api/v1/merchants/tenancy/stores/{shop.merchant.stores[1].id}/trash"
    assert (await owner.post(address, json={"reason": "Never opened"})).status_code == 200
    wanted = {
        "/merchants/cards": (
            "Enrolled twice",
            "Léa Zimmer",
            format_number(card.number),
            f"cards/{card.id}/restore",
            f"cards/{card.id}/purge",
        ),
        "/merchants/stores": ("Never opened", shop.merchant.stores[1].name, f"stores/{shop.merchant.stores[1].id}/restore"),
        "/merchants/program": ("Season is over", "Treueprogramm", f"programs/{shop.program.id}/restore"),
    }
    for path, texts in wanted.items():
        answer = await see(make_client(), path, shop.merchant.owner, locale=locale, only_deleted="true")
        assert answer.status_code == 200
        for text in (*texts, translate(locale, "Restore"), translate(locale, "Delete for good"), translate(locale, "Trash")):
            assert text in answer.text, (path, text)
        live = await see(make_client(), path, shop.merchant.owner, locale=locale)
        assert texts[0] not in live.text
        assert "only_deleted=true" in live.text, "the tab leads there"


async def test_an_empty_trash_says_so_and_a_search_in_it_too(make_client: Clients, database: Database) -> None:
    shop = await make_shop(database)
    for path in PAGES:
        answer = await see(make_client(), path, shop.merchant.owner, only_deleted="true")
        assert "The trash is empty" in answer.text, path
    nothing = await see(make_client(), "/merchants/cards", shop.merchant.owner, only_deleted="true", q="nobody")
    assert "The trash is empty" not in nothing.text
    assert 'href="/merchants/cards?only_deleted=true"' in nothing.text


async def test_managers_see_the_cards_trash_only_and_delete_nothing_for_good(make_client: Clients, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.trash_card(ctx, card.id, reason="Enrolled twice")
    statuses = {path: (await see(make_client(), path, shop.merchant.manager, only_deleted="true")).status_code for path in PAGES}
    assert statuses == {"/merchants/cards": 200, "/merchants/stores": 403, "/merchants/program": 403}
    answer = await see(make_client(), "/merchants/cards", shop.merchant.manager, only_deleted="true")
    assert f"cards/{card.id}/restore" in answer.text
    assert f"cards/{card.id}/purge" not in answer.text
    staff = await make_member(database, shop.merchant, role="staff")
    assert (await see(make_client(), "/merchants/cards", staff, only_deleted="true")).status_code == 403
    assert "only_deleted" not in (await see(make_client(), "/merchants/cards", staff)).text


async def test_what_can_be_moved_to_the_trash_has_its_dialog(make_client: Clients, database: Database) -> None:
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop.merchant)
    opens = re.compile(r'data-open-modal="trash-one"')
    for path in (f"/merchants/cards/{card.id}", "/merchants/stores", "/merchants/program"):
        assert opens.search((await see(make_client(), path, shop.merchant.owner)).text), path
    for path in ("/merchants/stores", "/merchants/program"):
        assert not opens.search((await see(make_client(), path, shop.merchant.manager)).text), path
    alone = await make_shop(database)
    assert not opens.search((await see(make_client(), "/merchants/stores", alone.merchant.owner)).text), "the only store stays"


async def test_the_platform_takes_several_stores_of_one_merchant_back_at_once(make_client: Clients, database: Database) -> None:
    shops = [await make_shop(database, stores=3) for _ in range(2)]
    admin = await make_admin(database)
    client = make_client()
    client.cookies.update(sign_in_cookie(admin))
    for shop in shops:
        for store in shop.merchant.stores[1:]:
            path = f"/api/v1/admin/tenancy/merchants/{shop.merchant.id}/stores/{store.id}/trash"
            assert (await client.post(path, json={"reason": "Never opened"})).status_code == 200
    code = shops[0].merchant.stores[1].code
    several = 'id="restore-many-form"'
    assert several not in (await see(make_client(), "/admin/stores", admin, only_deleted="true")).text, "of two merchants"
    found = (await see(make_client(), "/admin/stores", admin, only_deleted="true", q=code)).text
    address = f"/api/v1/admin/tenancy/merchants/{shops[0].merchant.id}/stores/restore"
    assert several in found
    assert f'data-action="{address}"' in found
    assert f'value="{shops[0].merchant.stores[1].id}"' in found
    ids = [str(store.id) for store in shops[0].merchant.stores[1:]]
    answer = await client.post(address, json={"ids": ids})
    assert [item["outcome"] for item in answer.json()["items"]] == ["ok", "ok"]
