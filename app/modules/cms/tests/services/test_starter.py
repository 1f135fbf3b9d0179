"""The pages to begin with: complete in every language, filled with the merchant's details, made once."""

import re
from itertools import product

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.core.ids import new_id
from app.core.testing.background import run_due
from app.modules.cms.domain.markdown import render_markdown
from app.modules.cms.domain.pages import MAX_BODY_LENGTH, MAX_TITLE_LENGTH
from app.modules.cms.domain.starter import PLACEHOLDERS, SLUGS
from app.modules.cms.queries import pages
from app.modules.cms.services import starter_service
from app.modules.cms.tasks.starter_tasks import greet_new_merchant
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx, sign_in_cookie


async def add(database: Database, merchant: MadeMerchant, **details: str) -> dict[str, pages.EditedPage]:
    """Add the pages and return them by address."""
    async with merchant_ctx(database, merchant) as ctx:
        for column, value in details.items():
            await ctx.conn.execute(f"UPDATE tenancy_merchants SET {column} = $2 WHERE id = $1", merchant.id, value)
        await starter_service.add_starter_pages(ctx)
        return {page.slug: page for page in (await pages.list_pages(ctx)).items}


@pytest.mark.parametrize(("slug", "locale"), list(product(SLUGS, LOCALES)))
def test_every_text_is_there_and_uses_placeholders_we_know(slug: str, locale: str) -> None:
    text = starter_service.read_template(slug, locale)
    used = set(re.findall(r"\{\{(.*?)\}\}", text))
    assert used == set(re.findall(r"\{\{(.*?)\}\}", starter_service.read_template(slug, "en")))
    assert used <= PLACEHOLDERS
    assert text.startswith("# ")
    assert len(text) < MAX_BODY_LENGTH
    assert len(text.partition("\n")[0]) < MAX_TITLE_LENGTH
    assert text.count("\n## ") == starter_service.read_template(slug, "en").count("\n## "), "the same sections in every language"
    assert text.count("\n- ") == starter_service.read_template(slug, "en").count("\n- ")


def test_french_and_german_quotation_marks() -> None:
    for slug in SLUGS:
        assert not re.search(r" [;:!?»]", starter_service.read_template(slug, "fr")), "French takes a no-break space there"
        assert "'" not in "".join(starter_service.read_template(slug, locale) for locale in LOCALES)


async def test_the_merchants_details_are_filled_in(database: Database) -> None:
    merchant = await make_merchant(database, name="Bäckerei *Weber* & Fils")
    made = await add(database, merchant, contact_email="bonjour@weber.example")
    assert sorted(made) == ["accessibility", "privacy", "terms"]
    for page in made.values():
        assert (page.store_id, page.is_published, page.is_in_footer, page.locales) == (None, False, True, list(LOCALES))
        for text in page.texts.values():
            html = render_markdown(text.body)
            assert "{{" not in text.title + text.body
            assert "Bäckerei *Weber* &amp; Fils" in html
            assert '<a href="mailto:bonjour@weber.example"' in html
    assert "1, rue du Fort, L-1234 Luxembourg" in render_markdown(made["terms"].texts["fr"].body)
    for locale in LOCALES:
        assert '<a href="https://cnpd.public.lu"' in render_markdown(made["privacy"].texts[locale].body)
        assert "OSAPS" in made["accessibility"].texts[locale].body
    assert made["terms"].texts["fr"].title == "Conditions du programme de fidélité"


async def test_what_is_not_known_is_said(database: Database) -> None:
    made = await add(database, await make_merchant(database))
    assert "[Please add your e-mail address here]" in made["terms"].texts["en"].body
    assert "[Bitte" in made["terms"].texts["de"].body


async def test_elsewhere_the_authority_is_the_countrys(database: Database) -> None:
    merchant = await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        await ctx.conn.execute("UPDATE tenancy_stores SET country = 'BE' WHERE merchant_id = $1", merchant.id)
    made = await add(database, merchant)
    assert made["privacy"].texts["en"].body.endswith("where we are. It is the data protection authority of your country.")
    assert "OSAPS" not in made["accessibility"].texts["en"].body


async def test_a_merchant_that_opens_its_first_store_gets_them_once(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database, stores=2)
    for store in (merchant.stores[0], merchant.stores[1], merchant.stores[0]):
        async with merchant_ctx(database, merchant) as ctx:
            await greet_new_merchant(ctx, message_id=new_id(), store_id=store.id)
    found = await superuser.fetch("SELECT slug, published_version FROM cms_pages WHERE merchant_id = $1 ORDER BY slug", merchant.id)
    assert [tuple(row) for row in found] == [("accessibility", None), ("privacy", None), ("terms", None)]
    await superuser.execute("UPDATE cms_pages SET deleted_at = now() WHERE merchant_id = $1", merchant.id)
    async with merchant_ctx(database, merchant) as ctx:
        store_view = await tenancy.get_store(ctx, merchant.stores[1].id)
        assert await starter_service.greet_new_merchant(ctx, store_view) == [], "who deleted them does not want them"


async def test_a_store_that_is_opened_brings_them(database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    body = {"name": "Neu", "address_line": "1, Grand-Rue", "postal_code": "L-1661", "city": "Esch", "time_zone": "Europe/Luxembourg"}
    opened = await client.post("/api/v1/merchants/tenancy/stores", json=body | {"locale": "fr", "code": new_id().hex[:20]})
    assert opened.status_code == 201, opened.text
    await run_due(database, merchant_id=merchant.id)
    found = await superuser.fetch("SELECT slug FROM cms_pages WHERE merchant_id = $1 ORDER BY slug", merchant.id)
    assert [row["slug"] for row in found] == ["accessibility", "privacy", "terms"]
