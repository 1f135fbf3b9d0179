"""Pages of signing in, of passwords, and tenancy's part of the merchant's panel."""

import re
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from app.core.db.engine import Database
from app.core.i18n import translate
from app.modules.tenancy.routes.pages import account, merchant
from app.modules.tenancy.tests.factories import (
    PASSWORD,
    MadeUser,
    add_member,
    add_user,
    make_admin,
    make_member,
    make_merchant,
    platform_ctx,
    sign_in_cookie,
)

Clients = Callable[..., httpx.AsyncClient]
HTML = {"Accept": "text/html"}
PANEL_PAGES = {
    "/merchants/account": "staff",
    "/merchants/team": "manager",
    "/merchants/keys": "owner",
    "/merchants/settings/business": "owner",
}
OPEN_PAGES = ("/merchants/sign-in", "/admin/sign-in", "/account/forgot", "/account/password")
ROLES = ("staff", "manager", "owner")


async def see(browser: httpx.AsyncClient, path: str, user: MadeUser | None = None, *, locale: str = "en") -> httpx.Response:
    browser.cookies.update({"orion_lang": locale} | (sign_in_cookie(user) if user else {}))
    return await browser.get(path, headers=HTML)


def test_every_page_has_an_entry() -> None:
    routes = [route for part in (account, merchant) for route in part.router.routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes} == {*PANEL_PAGES, *OPEN_PAGES, "/merchants/choose"}
    assert all(route.methods == {"GET"} for route in routes)


@pytest.mark.parametrize("path", [*PANEL_PAGES, "/merchants/choose"])
async def test_without_signing_in_it_leads_to_the_sign_in_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await see(client, path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/merchants/sign-in?next={quote(path, safe='')}")


@pytest.mark.parametrize(("path", "lowest"), PANEL_PAGES.items())
async def test_each_role_sees_what_it_may(database: Database, make_client: Clients, path: str, lowest: str) -> None:
    made = await make_merchant(database)
    for role in ROLES:
        answer = await see(make_client(), path, made.user(role))
        assert answer.status_code == (200 if ROLES.index(role) >= ROLES.index(lowest) else 403), role
    assert (await see(make_client(), path, await make_admin(database))).status_code == 403


@pytest.mark.parametrize("path", OPEN_PAGES)
@pytest.mark.parametrize("locale", ["fr", "de", "lb"])
async def test_open_pages_speak_the_language_of_the_reader(client: httpx.AsyncClient, path: str, locale: str) -> None:
    heading = {
        "/merchants/sign-in": "Sign in to your business",
        "/admin/sign-in": "Sign in to the platform",
        "/account/forgot": "Set a new password",
        "/account/password": "Choose your password",
    }[path]
    page = (await see(client, path, locale=locale)).text
    assert translate(locale, heading) in page
    assert heading not in page


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("/merchants/cards?q=Weber", True),
        ("/admin/merchants", True),
        ("//evil.example/merchants", False),
        ("https://evil.example/", False),
        ("/merchants/../\\evil.example", False),
        ("/merchantsevil", False),
        ("/merchants/sign-in", False),
        ("javascript:alert(1)", False),
    ],
)
async def test_after_signing_in_only_pages_of_the_panels_are_opened(client: httpx.AsyncClient, wanted: str, kept: bool) -> None:
    page = (await see(client, f"/merchants/sign-in?next={quote(wanted, safe='')}")).text
    assert re.findall(r'data-wanted="([^"]*)"', page) == [wanted if kept else ""]


async def test_the_code_is_asked_for_only_while_it_is_due(database: Database, client: httpx.AsyncClient) -> None:
    answer = await see(client, "/admin/sign-in?step=code")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sign-in")
    admin = await make_admin(database, password=PASSWORD)
    await client.post("/api/v1/auth/login", json={"email": admin.email, "password": PASSWORD})
    page = (await see(client, "/admin/sign-in?step=code")).text
    assert "One more step" in page
    assert 'autocomplete="one-time-code"' in page


async def test_who_is_signed_in_may_go_on_or_leave(database: Database, make_client: Clients) -> None:
    made = await make_merchant(database)
    for user, home in ((made.owner, "/merchants"), (made.staff, "/store/terminal"), (await make_admin(database), "/admin")):
        page = (await see(make_client(), "/merchants/sign-in", user)).text
        assert f'href="{home}"' in page
        assert "Sign in as somebody else" in page
        assert user.email in page


async def test_somebody_with_two_businesses_chooses(database: Database, client: httpx.AsyncClient) -> None:
    first, second = await make_merchant(database, name="Am Eck"), await make_merchant(database, name="Op der Plaz")
    async with platform_ctx(database) as ctx:
        user = await add_user(ctx)
        await add_member(ctx, first.id, role="owner", user=user)
        at_second = await add_member(ctx, second.id, role="staff", user=user)
    page = (await see(client, "/merchants/choose", at_second)).text
    assert re.findall(r'name="merchant_id" value="([^"]+)"', page) == [str(first.id), str(second.id)]
    assert "Am Eck" in page


async def test_the_team_offers_what_the_caller_may_do(database: Database, make_client: Clients) -> None:
    made = await make_merchant(database, stores=2)
    owners_view = (await see(make_client(), "/merchants/team", made.owner)).text
    assert len(set(re.findall(r'data-action="/api/v1/merchants/tenancy/members/([^"]+)"', owners_view))) == 3
    assert 'name="role" value="owner"' in owners_view
    managers_view = (await see(make_client(), "/merchants/team", made.manager)).text
    assert 'name="role" value="owner"' not in managers_view
    assert 'name="role" value="staff"' in managers_view
    assert f"/members/{made.owner.membership_id}" not in managers_view
    bound = await make_member(database, made, role="manager", store_id=made.store.id, bound=True)
    bounds_view = (await see(make_client(), "/merchants/team", bound)).text
    assert f"/members/{made.staff.membership_id}" not in bounds_view  # works for all stores
    assert re.findall(r'<option value="([^"]*)"', bounds_view.split('id="invite"')[1].split("</select>")[0]) == [str(made.store.id)]


async def test_a_person_changes_their_name_for_their_colleagues(database: Database, client: httpx.AsyncClient) -> None:
    made = await make_merchant(database)
    client.cookies.update(sign_in_cookie(made.staff))
    answer = await client.put("/api/v1/auth/name", json={"display_name": "  Lis Faber "})
    assert (answer.status_code, answer.json()["display_name"]) == (200, "Lis Faber")
    assert "Lis Faber" in (await see(client, "/merchants/account")).text
    client.cookies.update(sign_in_cookie(made.owner))
    assert "Lis Faber" in (await see(client, "/merchants/team")).text
    for name in ("", " ", "x" * 201, "a\u0000b"):
        assert (await client.put("/api/v1/auth/name", json={"display_name": name})).status_code == 422


async def test_keys_are_listed_without_their_secrets(database: Database, client: httpx.AsyncClient) -> None:
    made = await make_merchant(database)
    assert "No key yet" in (await see(client, "/merchants/keys", made.owner)).text
    body = {"name": "Till <Grand-Rue>", "role": "staff", "store_id": str(made.store.id)}
    key = (await client.post("/api/v1/merchants/tenancy/api-keys", json=body)).json()
    page = (await see(client, "/merchants/keys", made.owner)).text
    assert "Till &lt;Grand-Rue&gt;" in page
    assert key["secret"] not in page
    assert f'data-action="/api/v1/merchants/tenancy/api-keys/{key["id"]}"' in page


async def test_the_team_shows_who_has_not_come_yet(database: Database, client: httpx.AsyncClient) -> None:
    made = await make_merchant(database)
    client.cookies.update(sign_in_cookie(made.owner))
    body = {"email": f"luc-{made.id.hex[:12]}@example.lu", "display_name": "Luc", "role": "staff"}
    member = (await client.post("/api/v1/merchants/tenancy/members", json=body)).json()
    page = (await see(client, "/merchants/team", made.owner)).text
    assert "Invited, not here yet" in page
    assert f"/members/{member['id']}/invitation" in page
