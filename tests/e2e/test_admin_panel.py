"""The platform's panel in a browser: signing in with both steps, merchants, stores, health."""

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pyotp
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.core import clock
from app.core.credentials import USER_COOKIE
from app.core.db import heartbeats
from app.core.testing.processes import wait_for
from app.modules.tenancy.tests.factories import PASSWORD, MadeMerchant, MadeUser, make_admin, make_merchant
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations, watch

pytestmark = pytest.mark.e2e
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
DEAD = """
INSERT INTO core_outbox (id, merchant_id, task, payload, created_at, available_at, attempts, dead_at, error)
VALUES ($1, $2, $3, '{}', $4, $4, 14, $4, 'mail_refused')
"""
OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def admin(site: Site, arrange: Arrange[Any]) -> MadeUser:
    """An admin with a password and an authenticator, who reads no language yet but French."""
    made: MadeUser = arrange(make_admin(site.database, password=PASSWORD))
    return made


@pytest.fixture(scope="module")
def merchant(site: Site, arrange: Arrange[Any]) -> MadeMerchant:
    made: MadeMerchant = arrange(make_merchant(site.database, stores=2, name="Boulangerie du Nord & Fils, Maison fondée en 1898"))
    return made


@pytest.fixture
def run_sql(site: Site, arrange: Arrange[Any]) -> Callable[..., Any]:
    """Run a statement beyond all policies; the first value of the first row."""

    async def run(statement: str, *values: Any) -> Any:
        connection = await asyncpg.connect(site.stack.urls.superuser)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    return lambda statement, *values: arrange(run(statement, *values))


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What pages complained about; a test takes out what it provoked."""
    found: list[str] = []
    yield found
    assert found == []


def expect_status(complaints: list[str], status: int) -> None:
    """Chromium notes a failed request on its console: take out the one with `status`."""
    assert str(status) in complaints.pop()


def open_panel(
    open_context: OpenContext, site: Site, admin: MadeUser, complaints: list[str], *, locale: str = "en-GB", **choices: Any
) -> Page:
    """A window in which the admin is signed in; the panel speaks the language of `locale`."""
    context = open_context(**{"viewport": DESK, "locale": locale} | choices)
    cookies = {USER_COOKIE: admin.token, "orion_lang": locale[:2]}
    context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in cookies.items()])
    page = context.new_page()
    watch(page, complaints)
    return page


def add_dead(run_sql: Callable[..., Any], merchant: MadeMerchant, task: str) -> uuid.UUID:
    message_id = uuid.uuid4()
    run_sql(DEAD, message_id, merchant.id, task, clock.now() - dt.timedelta(hours=3))
    return message_id


def test_password_and_code_open_the_panel_and_signing_out_closes_it(
    open_context: OpenContext, admin: MadeUser, complaints: list[str]
) -> None:
    page = open_context(viewport=PHONE).new_page()
    watch(page, complaints)
    page.goto("/admin/health")
    expect(page).to_have_url(re.compile(r"/admin/sign-in\?next=%2Fadmin%2Fhealth$"))
    assert axe_violations(page) == []
    page.get_by_label("E-mail").fill(admin.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(r"/admin/sign-in\?step=code"))
    assert axe_violations(page) == []
    assert admin.totp_secret is not None
    code = pyotp.TOTP(admin.totp_secret).now()
    page.get_by_label("Code", exact=True).fill(str((int(code) + 1) % 1_000_000).zfill(6))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect_status(complaints, 401)
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(admin.totp_secret).now())
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/admin/health$"))
    page.locator(".panel-top").get_by_role("button").last.click()
    expect(page).to_have_url(re.compile(r"/admin/sign-in$"))
    page.goto("/admin/merchants")
    expect(page).to_have_url(re.compile(r"/admin/sign-in\?next="))


def test_a_merchant_is_created_deactivated_and_opened_again(
    open_context: OpenContext, site: Site, admin: MadeUser, complaints: list[str], run_sql: Callable[..., Any]
) -> None:
    page, tag = open_panel(open_context, site, admin, complaints), uuid.uuid4().hex[:8]
    page.goto("/admin")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New merchant")).to_be_visible()
    page.get_by_role("button", name="Create merchant").click()
    expect(page.get_by_label("Name of the business")).to_be_focused()
    expect_status(complaints, 422)
    for label in ("Name of the business", "Name of the store", "Street and number", "Postal code", "Town"):
        assert page.get_by_label(label).get_attribute("aria-invalid") == "true", label
    fill = {"Name of the business": f"Café {tag}", "Name of the store": "Gare", "Street and number": "1, place de la Gare"}
    fill |= {"Postal code": "L-1616", "Town": "Luxembourg", "Code in the address": f"cafe-{tag}"}
    for label, text in fill.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("combobox", name="Language").select_option("lb")
    page.get_by_label("Name", exact=True).fill("Anna Weber")
    page.get_by_label("E-mail", exact=True).fill(f"anna@{tag}.example")
    page.get_by_role("button", name="Create merchant").click()
    expect(page.get_by_role("heading", name=f"Café {tag}", level=1)).to_be_visible()
    expect(page.get_by_text("Merchant created, the owner is invited")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Anna Weber Owner All stores"))).to_be_visible()
    assert f"anna@{tag}.example" not in page.content()
    assert run_sql("SELECT time_zone || ' ' || locale FROM tenancy_stores WHERE code = $1", f"cafe-{tag}") == "Europe/Luxembourg lb"

    assert "/account/password#" in site.wait_for_mail(f"anna@{tag}.example").text

    page.get_by_role("link", name="New store").click()
    for label, text in (fill | {"Name of the store": "Esch", "Code in the address": ""}).items():
        if label != "Name of the business":
            page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Open store").click()
    expect(page.get_by_role("row", name=re.compile("Esch Luxembourg esch-luxembourg"))).to_be_visible()

    address = f"/s/cafe-{tag}/loyalty/join"
    assert page.request.get(address).status in (200, 404)  # no program yet: the storefront says so, or nothing is there
    page.get_by_role("button", name="Deactivate").click()
    dialog = page.get_by_role("dialog", name=f"Deactivate Café {tag}?")
    expect(dialog.get_by_text("Customers, cards, points and history are kept.")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    assert run_sql("SELECT status FROM tenancy_merchants WHERE name = $1", f"Café {tag}") == "active"
    page.get_by_role("button", name="Deactivate").click()
    dialog.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("Deactivated since")).to_be_visible()
    assert run_sql("SELECT status FROM tenancy_merchants WHERE name = $1", f"Café {tag}") == "suspended"
    assert page.request.get(address).status == 404
    page.get_by_role("button", name="Open again").click()
    page.get_by_role("dialog").get_by_role("button", name="Open again").click()
    expect(page.get_by_role("button", name="Deactivate")).to_be_visible()
    assert run_sql("SELECT status FROM tenancy_merchants WHERE name = $1", f"Café {tag}") == "active"


def test_a_store_is_closed_and_opened_again(
    open_context: OpenContext, site: Site, admin: MadeUser, merchant: MadeMerchant, complaints: list[str], run_sql: Callable[..., Any]
) -> None:
    page, store = open_panel(open_context, site, admin, complaints), merchant.stores[1]
    page.goto(f"/admin/merchants/{merchant.id}")
    for action, confirm, status in (("Close", "Close store", "closed"), ("Open again", "Open store", "open")):
        page.get_by_role("button", name=f"Actions for {store.name}").click()
        page.get_by_role("menuitem", name=action).click()
        dialog = page.get_by_role("dialog").filter(visible=True)
        expect(dialog.get_by_text(store.name)).to_be_visible()
        with page.expect_navigation():
            dialog.get_by_role("button", name=confirm).click()
        assert run_sql("SELECT status FROM tenancy_stores WHERE id = $1", store.id) == status


def test_search_and_filter_stay_in_the_address(
    open_context: OpenContext, site: Site, admin: MadeUser, arrange: Arrange[Any], complaints: list[str]
) -> None:
    tag = f"q{uuid.uuid4().hex[:8]}"
    for number in range(26):
        arrange(make_merchant(site.database, name=f"{tag} {number:02}", status="suspended" if number == 3 else "active"))
    page = open_panel(open_context, site, admin, complaints)
    page.goto("/admin/merchants")
    page.keyboard.press("/")
    page.keyboard.type(tag)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"\?q={tag}"))
    expect(page.get_by_role("row")).to_have_count(26)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("row", name=f"{tag} 25")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"q={tag}.*cursor="))
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value(tag)
    page.get_by_role("link", name="Back to the first page").click()
    expect(page.get_by_role("row", name=f"{tag} 00")).to_be_visible()
    page.get_by_label("Status").select_option("suspended")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(re.compile(rf"q={tag}&status=suspended"))
    page.goto(f"/admin/stores?q={tag} 07")
    expect(page.get_by_role("row")).to_have_count(2)
    page.goto(f"/admin/stores?q={tag}-nothing")
    expect(page.get_by_role("heading", name="No match")).to_be_visible()


def test_health_shows_who_is_silent_and_a_dead_task_is_tried_again(
    open_context: OpenContext, site: Site, admin: MadeUser, merchant: MadeMerchant, complaints: list[str], run_sql: Callable[..., Any]
) -> None:
    message_id = add_dead(run_sql, merchant, "test.never_known")
    run_sql(heartbeats.BEAT, "beat:lost-machine:77", "beat", clock.now() - dt.timedelta(minutes=7))
    living = "SELECT count(DISTINCT kind) FROM core_heartbeats WHERE kind IN ('web', 'relay', 'worker') AND beat_at > $1"
    wait_for(lambda: run_sql(living, clock.now() - dt.timedelta(seconds=30)) == 3, what="signs of life")
    page = open_panel(open_context, site, admin, complaints)
    page.goto("/admin/health")
    lost = page.get_by_role("row", name=re.compile("beat:lost-machine:77"))
    expect(lost.get_by_text("Silent")).to_be_visible()
    expect(lost.get_by_text("7 minutes ago")).to_be_visible()
    for kind in ("Web server", "Relay", "Worker"):
        expect(page.get_by_role("row", name=re.compile(rf"^{kind}.*Alive")).first).to_be_visible()
    expect(page.get_by_text("Scheduler: no process is alive.")).to_be_visible()
    expect(page.get_by_text("Up to date")).to_be_visible()
    page.get_by_role("link", name=re.compile("has given up|have given up")).click()
    expect(page).to_have_url(re.compile(r"/admin/jobs#dead$"))
    row = page.get_by_role("row", name=re.compile("test.never_known"))
    expect(row.get_by_text("mail_refused")).to_be_visible()
    row.get_by_role("button", name="Try again: test.never_known").click()
    dialog = page.get_by_role("dialog", name="Try this task again?")
    expect(dialog.get_by_text("mail_refused")).to_be_visible()
    assert axe_violations(page) == []
    dialog.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The task is due again")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("mail_refused"))).to_have_count(0)
    audited = "SELECT count(*) FROM core_audit_log WHERE target_id = $1 AND actor_id = $2 AND action = 'core.outbox.retried'"
    assert run_sql(audited, message_id, admin.id) == 1
    run_sql("DELETE FROM core_outbox WHERE id = $1", message_id)
    run_sql("DELETE FROM core_heartbeats WHERE process = 'beat:lost-machine:77'")


def test_jobs_are_run_by_hand_all_of_a_task_is_tried_again_and_an_alert_shows(
    open_context: OpenContext, site: Site, admin: MadeUser, merchant: MadeMerchant, complaints: list[str], run_sql: Callable[..., Any]
) -> None:
    ids = [add_dead(run_sql, merchant, "test.never_known") for _ in range(3)]
    page = open_panel(open_context, site, admin, complaints)
    page.goto("/admin")
    page.get_by_role("link", name="Jobs", exact=True).first.click()
    row = page.get_by_role("row", name=re.compile("^Let points expire, and warn before"))
    row.get_by_role("button", name=re.compile("^Run now")).click()
    dialog = page.get_by_role("dialog", name="Run this task now?")
    dialog.get_by_label("For").select_option(label=merchant.name)
    assert axe_violations(page) == []
    dialog.get_by_role("button", name="Run now").dblclick()
    expect(page.get_by_text("The task is on its way")).to_be_visible()
    started = "SELECT count(*) FROM core_schedule_runs WHERE task = 'loyalty.expire_points' AND subject_id = $1 AND period LIKE 'by hand %'"
    assert run_sql(started, merchant.id) == 1
    done = "SELECT count(*) FROM core_job_runs WHERE kind = 'loyalty.expire_points' AND merchant_id = $1 AND status = 'done'"
    wait_for(lambda: run_sql(done, merchant.id) == 1, what="the run")
    page.keyboard.press("r")
    finished = page.get_by_role("region", name="Done lately").get_by_role("row", name=re.compile(f"^Let points expire.*{merchant.name}"))
    expect(finished).to_be_visible()
    expect(row.get_by_text(re.compile("second"), exact=False).first).to_be_visible()

    site.stack.start("beat")
    try:
        wait_for(
            lambda: run_sql("SELECT count(*) FROM core_alerts WHERE rule = 'outbox_dead' AND cleared_at IS NULL") == 1, what="an alert"
        )
    finally:
        site.stack.stop("beat")
    page.goto("/admin")
    page.get_by_role("link", name=re.compile(r"\d+ alerts? (is|are) open")).click()
    alert = page.get_by_role("row", name=re.compile("Tasks have given up"))
    expect(alert.get_by_text("Warning")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("link", name=re.compile("tasks have given up")).click()

    page.get_by_role("button", name="Try all again: test.never_known (3)").click()
    dialog = page.get_by_role("dialog", name="Try all of them again?")
    expect(dialog.get_by_text("test.never_known")).to_be_visible()
    dialog.get_by_role("button", name="Try all again").click()
    expect(page.get_by_text("The tasks are due again")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("test.never_known"))).to_have_count(0)
    run_sql("DELETE FROM core_outbox WHERE id = ANY($1)", ids)
    run_sql("DELETE FROM core_alerts")


def test_a_merchants_owner_is_kept_out(open_context: OpenContext, site: Site, merchant: MadeMerchant) -> None:
    context = open_context()
    context.add_cookies([{"name": USER_COOKIE, "value": merchant.owner.token, "url": site.url}])
    page = context.new_page()
    answer = page.goto("/admin")
    assert answer is not None
    assert answer.status == 403
    assert merchant.name not in page.content()
