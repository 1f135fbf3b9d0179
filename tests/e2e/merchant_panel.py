"""What the tests of the merchant's panel share: a signed-in browser that notes every complaint, and how to pick from a menu."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page, expect

from app.modules.tenancy.tests.factories import MadeUser, sign_in_cookie
from tests.e2e.kit_browser import watch

OpenContext = Callable[..., BrowserContext]
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
LOCALES = {"en": "en-GB", "fr": "fr-FR", "de": "de-DE", "lb": "lb-LU"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A page of the panel, and what it complained about."""

    page: Page
    complaints: list[str]

    def expect_status(self, status: int) -> None:
        """Take out the one complaint that a refused request leaves on the console."""
        assert len(self.complaints) == 1, self.complaints
        assert str(status) in self.complaints.pop()

    def pick(self, row: str, action: str) -> None:
        """Choose an action from the menu of the table's row that contains `row`."""
        line = self.page.get_by_role("row").filter(has_text=row)
        trigger = line.locator("[aria-haspopup=menu]")
        trigger.scroll_into_view_if_needed()
        self.page.evaluate(FRAMES)  # a menu closes when the page scrolls: let the scrolling end
        trigger.click()
        line.get_by_role("menuitem", name=action, exact=True).click()

    def dialog(self) -> str:
        """The id of the open dialog; waits for one."""
        opened = self.page.locator("dialog[open]")
        expect(opened).to_have_count(1)
        return f"#{opened.get_attribute('id')}"

    def send(self) -> None:
        """Send the form of the open dialog."""
        self.page.locator(f"{self.dialog()} [type=submit]").click()

    def expect_toast(self, text: str) -> None:
        """The message at the edge of the screen."""
        expect(self.page.locator(".toast").filter(has_text=text)).to_be_visible()


def open_desk(open_context: OpenContext, site_url: str, user: MadeUser | None = None, *, locale: str = "en", width: int = 1280) -> Desk:
    """Open a window of the panel, signed in as `user`."""
    context = open_context(locale=LOCALES[locale], viewport={"width": width, "height": 900})
    if user is not None:
        context.add_cookies([{"name": name, "value": value, "url": site_url} for name, value in sign_in_cookie(user).items()])
    context.add_cookies([{"name": "orion_lang", "value": locale, "url": site_url}])
    page = context.new_page()
    complaints: list[str] = []
    watch(page, complaints)
    return Desk(page, complaints)


def whole(text: str) -> re.Pattern[str]:
    """`text` with any kind of space between its words."""
    return re.compile(r"\s+".join(re.escape(word) for word in text.split()))
