"""A shop with a terminal for browser tests, and the steps that people take at it."""

import uuid
from pathlib import Path
from typing import Any

import asyncpg
import segno
from playwright.sync_api import BrowserContext, Page, expect

from app.core.db.engine import Database
from app.modules.loyalty.services import terminal_service
from app.modules.loyalty.tests.counter import MANAGER_PIN, STAFF_PIN, Shop
from app.modules.tenancy.tests.factories import merchant_ctx
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import watch

LANDSCAPE = {"width": 1180, "height": 820}
PORTRAIT = {"width": 820, "height": 1180}
STAFF, MANAGER = ("Anouk", STAFF_PIN), ("Marc", MANAGER_PIN)
CAMERA_FLAGS = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_SIDE = (640, 480)


def write_film(path: Path, text: str) -> None:
    """Write a film of one still picture, a QR code on grey, as Chromium's fake camera plays it."""
    (width, height), scale = _SIDE, 7
    code = segno.make(text, micro=False, error="m")
    side = int(code.symbol_size(scale, border=4)[0])
    left, top = (width - side) // 2, (height - side) // 2
    luma = bytearray(b"\x80" * (width * height))
    for row, line in enumerate(code.matrix_iter(scale, border=4)):
        start = (top + row) * width + left
        luma[start : start + side] = bytes(16 if dark else 235 for dark in line)
    frame = b"FRAME\n" + bytes(luma) + b"\x80" * (width * height // 2)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 5)


async def make_code(database: Database, shop: Shop, name: str = "Kasse 2") -> str:
    """Make a pairing code for the first of the shop's counters."""
    async with merchant_ctx(database, shop.merchant, store=shop.counter.store) as ctx:
        return (await terminal_service.create_pairing_code(ctx, store_id=shop.counter.store.id, name=name)).code


async def read_rows(url: str, card_id: uuid.UUID) -> list[tuple[str, int, int]]:
    """Return a card's ledger rows as (type, stamps, points), oldest first, read beyond all policies."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "SELECT type, stamps_delta, points_delta FROM loyalty_transactions WHERE card_id = $1 ORDER BY created_at, id", card_id
        )
    finally:
        await connection.close()
    return [(row["type"], row["stamps_delta"], row["points_delta"]) for row in found]


class Till:
    """One browser window at a shop's counter."""

    def __init__(self, site: Site, arrange: Arrange[Any], context: BrowserContext, shop: Shop) -> None:
        self.site, self.arrange, self.shop = site, arrange, shop
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        watch(self.page, self.complaints)

    def pair(self) -> None:
        """Type a fresh pairing code, as on a new device."""
        self.page.goto("/store/terminal/pair")
        self.page.get_by_label("Code").fill(self.arrange(make_code(self.site.database, self.shop)))
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/store/terminal")

    def open(self, person: tuple[str, str] = STAFF) -> None:
        """Pair, choose a name and type the PIN."""
        self.pair()
        self.page.locator(".terminal-lock").get_by_role("button", name=person[0]).click()
        self.type_pin(person[1])
        expect(self.page.get_by_role("searchbox")).to_be_visible()

    def type_pin(self, pin: str) -> None:
        """Type a PIN into the dialog that asks for it."""
        field = self.page.get_by_label("PIN", exact=True)
        expect(field).to_be_focused()
        self.page.keyboard.type(pin)

    def choose(self, name: str) -> None:
        """Choose whose PIN it will be."""
        self.page.get_by_role("dialog").get_by_role("button", name=name).click()

    def find(self, text: str, *, name: str = "Léa Weber") -> None:
        """Type what was given into the search and wait for the card."""
        field = self.page.get_by_role("searchbox")
        field.fill(text)
        field.press("Enter")
        self.expect_card(name)

    def expect_card(self, name: str = "Léa Weber") -> None:
        """The card of `name` is open."""
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    def expect_result(self, text: str) -> None:
        """The line that says what just happened."""
        expect(self.page.locator(".result-line")).to_contain_text(text)

    def expect_find(self) -> None:
        """The terminal is ready for the next customer, at once or by itself after eight seconds."""
        expect(self.page.locator(".card-view")).to_be_hidden(timeout=15_000)
        expect(self.page.get_by_role("searchbox")).to_be_visible()

    def stamp(self, count: int = 1) -> None:
        """Give stamps."""
        self.page.get_by_label("Number of stamps", exact=True).fill(str(count))
        self.page.get_by_role("button", name=f"Give {count} stamp").click()

    def rows(self, card_id: uuid.UUID) -> list[tuple[str, int, int]]:
        """The card's ledger."""
        found: list[tuple[str, int, int]] = self.arrange(read_rows(self.site.stack.urls.superuser, card_id))
        return found

    def expect_status(self, *statuses: int) -> None:
        """Take the failed requests that a test provoked out of the complaints; Chromium notes them on its console."""
        for status in statuses:
            assert str(status) in self.complaints.pop(0)
