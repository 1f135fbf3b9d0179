"""From another system's file to cards, and back into a file, in a browser (G8)."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.testing.background import run_due
from app.core.testing.processes import frozen
from app.modules.loyalty.tests.factories import MadeShop, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.merchant_panel import Desk, OpenContext, open_desk

pytestmark = pytest.mark.e2e

FILE = """Adresse e-mail;Prénom;Nom;Téléphone;Solde de points;Tampons;Remarque
anna@example.lu;Anna;Weber;+352 621 123 456;1 250;3;habituée
zoe@example.lu;Zoë;Müller;;40;;
sans adresse;Nobody;There;12;5;;
léa@example.lu;Léa;Klein;;7;;
"""


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> MadeShop:
    made: MadeShop = arrange(make_shop(site.database, stores=2, points_expiration_days=365))
    return made


def look_closely(desk: Desk, name: str, shots: Path) -> None:
    """Nothing is inaccessible, too wide or refused by the page's policy."""
    desk.page.wait_for_load_state("networkidle")
    desk.page.screenshot(path=shots / f"{name}.png", full_page=True)
    assert axe_violations(desk.page) == [], name
    assert desk.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    assert desk.complaints == [], name


@pytest.mark.parametrize(("locale", "width"), [("fr", 390), ("lb", 1280)])
def test_a_file_becomes_cards(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], shop: MadeShop, tmp_path: Path, locale: str, width: int
) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.manager, locale=locale, width=width)
    page, worker = desk.page, site.stack.processes["worker"].pid
    page.goto("/merchants/import")
    look_closely(desk, f"{locale}-1-start", tmp_path)
    page.locator("form[x-data=importUpload] [type=submit]").click()
    expect(page.locator("#f-file-error")).not_to_be_empty()
    page.locator("#f-file").set_input_files({"name": "Clients Été.csv", "mimeType": "text/csv", "buffer": FILE.encode("cp1252")})
    page.locator("form[x-data=importUpload] [type=submit]").click()
    page.wait_for_url("**/merchants/import/*-*")
    expect(page.locator("h1")).to_have_text("Clients Été.csv")
    expect(page.locator("#f-column-email")).to_have_value("0")
    expect(page.locator("#f-column-phone")).to_have_value("3")
    expect(page.locator("#f-delimiter")).to_have_value("semicolon")
    look_closely(desk, f"{locale}-2-columns", tmp_path)
    page.locator("#f-column-phone").select_option("")
    page.locator("#f-source").fill(f"Caisse {locale}")
    with frozen(worker):
        page.locator("#check [type=submit]").click()
        expect(page.locator("progress")).to_be_visible()
        look_closely(desk, f"{locale}-3-checking", tmp_path)
    arrange(run_due(site.database, merchant_id=shop.merchant.id))
    expect(page.locator("[data-open-modal=run-import]")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="4")).to_have_count(1)
    look_closely(desk, f"{locale}-4-checked", tmp_path)
    page.locator("[data-open-modal=run-import]").click()
    assert desk.dialog() == "#run-import"
    look_closely(desk, f"{locale}-5-sure", tmp_path)
    with frozen(worker):
        desk.send()
        expect(page.locator("progress")).to_be_visible()
    arrange(run_due(site.database, merchant_id=shop.merchant.id))
    expect(page.locator(".notice-success")).to_be_visible()
    look_closely(desk, f"{locale}-6-done", tmp_path)
    page.goto("/merchants/import")
    expect(page.get_by_role("link", name="Clients Été.csv").first).to_be_visible()
    look_closely(desk, f"{locale}-7-list", tmp_path)


def test_what_there_is_goes_out_as_a_file(open_context: OpenContext, site: Site, shop: MadeShop, tmp_path: Path) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale="de", width=390)
    desk.page.goto("/merchants/export")
    expect(desk.page.locator("nav [href='/merchants/import'][aria-current=page]").first).to_be_attached()
    look_closely(desk, "de-export", tmp_path)
    desk.page.locator("#f-cards-since").fill("2020-01-01")
    with desk.page.expect_download() as downloading:
        desk.page.locator("form[action$='/cards.csv'] [type=submit]").click()
    download = downloading.value
    assert download.suggested_filename.startswith("cards-")
    rows = list(csv.DictReader(io.StringIO(Path(download.path()).read_text(encoding="utf-8"))))
    assert "email" in (rows[0] if rows else {"email": ""})
    assert "since=2020-01-01" in download.url
    assert "until" not in download.url
