"""Every page of the product in a browser (E2, WCAG 2.2 AA): in four languages, on a phone and on a desk, light and dark.

For each look at a page: axe-core finds nothing, nothing is wider than the screen (also at 320 px), text at 200 % loses nothing,
nothing moves for who asked for stillness, every stop of the keyboard is seen, and every dialog behaves. `every_page.py` has the list.
"""

import dataclasses
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect
from playwright.sync_api import Page as Window

from app.core import mailbox
from app.core.credentials import USER_COOKIE
from app.core.i18n import LOCALES
from app.core.testing.extent import times
from app.modules.messaging.services import links
from app.modules.tenancy.tests.factories import make_admin, make_merchant, merchant_ctx, sign_in_cookie
from tests.e2e.conftest import Arrange, Site
from tests.e2e.every_page import NOT_PAGES, PAGES, Caller, Visit, page_routes, visits
from tests.e2e.kit_browser import axe_violations, watch
from tests.e2e.merchant_panel import FRAMES
from tests.security.conftest import Party, make_party

pytestmark = pytest.mark.e2e
CHECKS = Path(__file__).with_name("page_checks.js").read_text()
DESK, PHONE, NARROW = (ViewportSize(width=width, height=900) for width in (1280, 360, 320))
MAIL = (
    b"From: shop@example.lu\r\nTo: lea@example.lu\r\nSubject: Moien\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<!DOCTYPE html><html lang='lb'><title>Moien</title><p>Moien</p></html>"
)
SETTLED = f"""async () => {{
  await ({FRAMES})();
  const passing = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < 1000);
  await Promise.allSettled(passing.map((each) => each.finished));
  await ({FRAMES})();
}}"""
"""Whatever a new size or scheme sets in motion, be it for a hundredth of a millisecond, has come to its end."""
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """Who looks, and what the parameters of paths are."""

    party: Party
    cookies: dict[Caller, dict[str, str]]
    values: dict[str, str]


@pytest.fixture(scope="module")
def world(site: Site, arrange: Arrange[Any]) -> World:
    async def prepare() -> World:
        party = await make_party(site.database)
        async with merchant_ctx(site.database, party.shop.merchant) as ctx:
            customer_id = uuid.UUID(party.ids["customer_id"])
            mail_links = {
                "preferences_token": links.preferences_link(ctx, customer_id),
                "unsubscribe_token": links.unsubscribe_link(ctx, customer_id, "marketing"),
            }
        newcomer = await make_merchant(site.database)
        admin = await make_admin(site.database)
        cookies: dict[Caller, dict[str, str]] = {
            "nobody": {},
            "owner": party.cookies["owner"],
            "terminal": party.cookies["terminal"],
            "customer": party.cookies["customer"],
            "newcomer": sign_in_cookie(newcomer.owner),
            "admin": {USER_COOKIE: admin.token},
        }
        return World(
            party,
            cookies,
            party.ids | {"user_id": str(admin.id)} | {name: link.rpartition("/")[2] for name, link in mail_links.items()},
        )

    made: World = arrange(prepare())
    # Something in the log of mails: the owner asks for a link.
    answer = httpx.post(
        f"{site.url}/api/v1/auth/password/link",
        json={"email": made.party.shop.merchant.owner.email},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 204
    site.wait_for_mail(made.party.shop.merchant.owner.email)
    folder = Path(site.stack.environment["ORION_MAILBOX_DIR"])
    made.values["mail_id"] = mailbox.store_mail(MAIL, sender="shop@example.lu", recipients=["lea@example.lu"], directory=folder)
    return made


class Faces:
    """One window for each person, kept open from page to page."""

    def __init__(self, browser: Browser, site: Site, world: World) -> None:
        self._browser, self._site, self._world = browser, site, world
        self._windows: dict[Caller, tuple[BrowserContext, Window, list[str]]] = {}

    def of(self, caller: Caller, locale: str) -> tuple[Window, list[str]]:
        """Return the window of `caller`, who reads `locale`, and what it complains about."""
        if caller not in self._windows:
            context = self._browser.new_context(base_url=self._site.url, locale="en-GB", reduced_motion="reduce", viewport=DESK)
            context.set_default_timeout(10_000)
            self._add(context, self._world.cookies[caller])
            complaints: list[str] = []
            window = context.new_page()
            watch(window, complaints)
            self._windows[caller] = context, window, complaints
        context, window, complaints = self._windows[caller]
        self._add(context, {"orion_lang": locale})
        complaints.clear()
        return window, complaints

    def _add(self, context: BrowserContext, cookies: dict[str, str]) -> None:
        context.add_cookies([{"name": name, "value": value, "url": self._site.url} for name, value in cookies.items()])

    def close(self) -> None:
        """Close all windows."""
        for context, _window, _complaints in self._windows.values():
            context.close()


@pytest.fixture(scope="module")
def faces(browser: Browser, site: Site, world: World) -> Iterator[Faces]:
    opened = Faces(browser, site, world)
    yield opened
    opened.close()


def look(window: Window, check: str) -> list[str]:
    """Run one of the checks of page_checks.js."""
    found: list[str] = window.evaluate(f"{CHECKS}.{check}()")
    return found


def resize(window: Window, size: ViewportSize) -> None:
    """Give the window another size, and the page the time to settle in it."""
    window.set_viewport_size(size)
    window.evaluate(SETTLED)


def show(window: Window, visit: Visit, world: World, locale: str) -> None:
    """Open the page as `visit` says, wide and unscrolled."""
    window.set_viewport_size(DESK)
    known = world.values | {"locale": locale}
    address = visit.path.format(**known | {name: value.format(**known) for name, value in visit.values.items()})
    if "#" in address:
        window.goto("about:blank")  # else nothing is loaded when only the fragment is new
    answer = window.goto(address, wait_until="load")
    assert answer is not None
    assert answer.status == visit.status, f"{visit.name} answered {answer.status}"
    policy = answer.headers.get("content-security-policy", "")
    assert "sandbox" not in policy, f"{visit.name} forbids scripts and cannot be looked at: into NOT_PAGES"
    assert urlsplit(window.url).path == urlsplit(address).path, f"{visit.name} led to {window.url}"


def test_every_page_has_an_entry() -> None:
    """A page that nobody listed is a page that nobody looked at."""
    known = PAGES.keys() | NOT_PAGES.keys()
    missing = sorted(page_routes() - known)
    assert missing == [], (
        'add each to PAGES in tests/e2e/every_page.py, as `"/its/path": Page("owner")` with who looks at it '
        "(or, when it is no HTML page, to NOT_PAGES with the reason)"
    )
    assert sorted(known - page_routes()) == [], "these are no pages of the application any more: take them out of every_page.py"


VISITS = list(visits())


def languages_of(visit: Visit) -> list[tuple[int, str]]:
    """The turns of a page: its languages, each with a number that says which scheme goes with which size.

    All four with ORION_TEST_FULL=1 (`make accessibility`); else one, which changes from page to page.
    """
    first = VISITS.index(visit)
    return [(first + step, LOCALES[(first + step) % len(LOCALES)]) for step in range(times(short=1, full=len(LOCALES)))]


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
def test_a_page_is_accessible_in_every_language_size_and_scheme(faces: Faces, world: World, visit: Visit) -> None:
    wrong: dict[str, list[str]] = {}
    for turn, locale in languages_of(visit):
        window, complaints = faces.of(visit.as_, locale)
        show(window, visit, world, locale)
        found: list[str] = []
        for size, scheme in ((DESK, SCHEMES[turn % 2]), (PHONE, SCHEMES[(turn + 1) % 2])):
            window.emulate_media(color_scheme=scheme)
            resize(window, size)
            found += [f"{size['width']} {scheme}: {each}" for each in (*axe_violations(window), *look(window, "sideways"))]
        resize(window, NARROW)
        found += look(window, "sideways")
        resize(window, DESK)
        found += [*look(window, "largeText"), *look(window, "structure"), *look(window, "motion"), *complaints]
        if window.locator("html").get_attribute("lang") != locale:
            found.append("speaks another language")
        if found:
            wrong[locale] = found
    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
def test_every_stop_of_the_keyboard_is_seen_and_every_dialog_behaves(faces: Faces, world: World, visit: Visit) -> None:
    turn = VISITS.index(visit)
    locale = LOCALES[turn % len(LOCALES)]
    window, complaints = faces.of(visit.as_, locale)
    show(window, visit, world, locale)
    window.emulate_media(color_scheme=SCHEMES[turn % 2])
    wrong = look(window, "focus")
    resize(window, PHONE)
    wrong += [f"at 360: {each}" for each in look(window, "focus")]
    for name in look(window, "dialogs"):
        wrong += [f"dialog {name}: {each}" for each in try_dialog(window, name)]
    assert wrong + complaints == []


def try_dialog(window: Window, name: str) -> Iterator[str]:
    """Open a dialog by its button, look at it wide and narrow, leave it by Escape; yields what is wrong."""
    openers = window.locator(f'[data-open-modal="{name}"]')
    seen = openers.locator("visible=true")
    if seen.count():
        seen.first.focus()
        window.keyboard.press("Enter")
    else:  # inside a menu
        openers.first.dispatch_event("click")
    dialog = window.locator(f"dialog#{name}")
    expect(dialog).to_be_visible()
    for size in (PHONE, DESK):
        resize(window, size)
        yield from axe_violations(window)
        yield from look(window, "sideways")
    if not dialog.evaluate("dialog => dialog.contains(document.activeElement)"):
        yield "the focus is not inside"
    for key in ("Tab", "Shift+Tab", "Shift+Tab"):
        window.keyboard.press(key)
        if not dialog.evaluate("dialog => dialog.contains(document.activeElement)"):
            yield f"{key} leaves it"
    window.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    resize(window, PHONE)
    if seen.count() and not seen.first.evaluate("opener => opener === document.activeElement"):
        yield "Escape does not give the focus back"
