"""The account face over HTTP: cookies, answers, what a browser sees."""

import uuid
from collections.abc import Callable

import httpx
import pytest

from app.core import clock
from app.core.config import Settings
from app.core.credentials import USER_COOKIE
from app.core.db.engine import Database
from app.core.testing.application import make_app, running
from app.core.testing.application import make_client as browser_of
from app.modules.tenancy.services import password_service, totp_service
from app.modules.tenancy.tests.factories import (
    PASSWORD,
    add_member,
    add_user,
    make_admin,
    make_member,
    make_merchant,
    platform_ctx,
    sign_in_cookie,
)

AUTH = "/api/v1/auth"
NEW_PASSWORD = "seven-lamps-over-the-river"


async def test_signing_in_sets_a_cookie_that_scripts_cannot_read(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    user = await make_member(database, merchant, role="owner", password=PASSWORD)
    answer = await client.post(f"{AUTH}/login", json={"email": user.email, "password": PASSWORD})
    place = {"merchant_id": str(merchant.id), "name": merchant.name, "role": "owner", "store_id": None}
    assert (answer.status_code, answer.json()) == (200, {"state": "signed_in", "next": "/merchants", "merchants": [place]})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{USER_COOKIE}=")
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "max-age" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    me = await client.get(f"{AUTH}/me")
    assert me.json() == {
        "id": str(user.id),
        "email": user.email,
        "display_name": me.json()["display_name"],
        "locale": "fr",
        "is_platform_admin": False,
        "role": "owner",
        "merchant_id": str(merchant.id),
        "merchant_name": merchant.name,
        "store_id": str(merchant.store.id),
        "merchants": [place],
    }


async def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(settings: Settings, database: Database) -> None:
    user = await make_member(database, await make_merchant(database), password=PASSWORD)
    async with running(make_app(settings.model_copy(update={"base_url": "https://testserver"}))) as gate, browser_of(gate) as browser:
        answer = await browser.post(f"{AUTH}/login", json={"email": user.email, "password": PASSWORD})
        assert answer.headers["set-cookie"].startswith(f"__Host-{USER_COOKIE}=")
        assert "Secure" in answer.headers["set-cookie"]
        token = answer.cookies[f"__Host-{USER_COOKIE}"]
        plain = await browser.get(f"{AUTH}/me", headers={"Cookie": f"{USER_COOKIE}={token}"})
        bound = await browser.get(f"{AUTH}/me", headers={"Cookie": f"__Host-{USER_COOKIE}={token}"})
    assert (plain.status_code, bound.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("locale", "detail"), [("en", "E-mail address, password or code is not right."), ("fr", None), ("de", None), ("lb", None)]
)
async def test_a_refusal_is_said_in_the_readers_language(client: httpx.AsyncClient, locale: str, detail: str | None) -> None:
    body = {"email": f"nobody-{uuid.uuid4()}@example.lu", "password": "wrong"}
    answer = await client.post(f"{AUTH}/login", json=body, headers={"Accept-Language": locale})
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_failed")
    assert "set-cookie" not in answer.headers
    english = "E-mail address, password or code is not right."
    assert (answer.json()["detail"] == english) is (locale == "en")
    assert detail is None or answer.json()["detail"] == detail


async def test_a_locked_address_answers_429_with_the_time_to_wait(database: Database, client: httpx.AsyncClient) -> None:
    user = await make_member(database, await make_merchant(database), password=PASSWORD)
    for _ in range(10):
        assert (await client.post(f"{AUTH}/login", json={"email": user.email, "password": "wrong"})).status_code == 401
    answer = await client.post(f"{AUTH}/login", json={"email": user.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "sign_in_locked")
    assert 880 <= int(answer.headers["retry-after"]) <= 900
    assert answer.json()["params"]["wait_minutes"] == 15


async def test_many_sign_ins_from_one_address_meet_the_rate_limit(settings: Settings) -> None:
    app = make_app(settings.model_copy(update={"rate_limits_enabled": True}))
    async with running(app) as gate, browser_of(gate, address="198.51.100.9") as browser, browser_of(gate, address="192.0.2.1") as other:
        for path, body in ((f"{AUTH}/totp", {"code": "123456"}), (f"{AUTH}/login", {"email": "x@example.lu", "password": "y"})):
            answers = [await browser.post(path, json=body | {"odd": 1}) for _ in range(19)]
            answers += [await browser.post(path, json=body) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [422] * 19 + [401, 429]
            assert int(answers[-1].headers["retry-after"]) >= 1
            assert (await other.post(path, json=body)).status_code == 401


async def test_the_admin_signs_in_with_two_steps_and_a_fresh_token_each(database: Database, client: httpx.AsyncClient) -> None:
    admin = await make_admin(database, password=PASSWORD)
    first = await client.post(f"{AUTH}/login", json={"email": admin.email, "password": PASSWORD})
    assert first.json() == {"state": "second_factor", "next": "/admin/sign-in?step=code", "merchants": []}
    assert (await client.get(f"{AUTH}/me")).status_code == 401
    assert (await client.get("/api/v1/admin/tenancy/merchants")).json()["code"] == "totp_required"
    code = totp_service.code_at(admin.totp_secret or "", clock.now())
    second = await client.post(f"{AUTH}/totp", json={"code": code})
    assert second.json() == {"state": "signed_in", "next": "/admin", "merchants": []}
    assert second.cookies[USER_COOKIE] != first.cookies[USER_COOKIE]
    assert (await client.get("/api/v1/admin/tenancy/merchants")).status_code == 200
    me = (await client.get(f"{AUTH}/me")).json()
    assert (me["role"], me["is_platform_admin"], me["merchant_id"]) == ("admin", True, None)


async def test_a_seen_code_is_worthless_on_another_device(database: Database, make_client: Callable[..., httpx.AsyncClient]) -> None:
    admin = await make_admin(database, password=PASSWORD)
    browsers = [make_client(), make_client()]
    for browser in browsers:
        await browser.post(f"{AUTH}/login", json={"email": admin.email, "password": PASSWORD})
    code = totp_service.code_at(admin.totp_secret or "", clock.now())
    answers = [await browser.post(f"{AUTH}/totp", json={"code": code}) for browser in browsers]
    assert [answer.status_code for answer in answers] == [200, 401]


async def test_signing_out_removes_the_cookie_and_ends_the_session(
    database: Database, make_client: Callable[..., httpx.AsyncClient]
) -> None:
    merchant = await make_merchant(database)
    browser, thief = make_client(), make_client()
    for each in (browser, thief):
        each.cookies.update(sign_in_cookie(merchant.owner))
    answer = await browser.post(f"{AUTH}/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert f'{USER_COOKIE}=""' in answer.headers["set-cookie"]
    assert (await thief.get(f"{AUTH}/me")).status_code == 401
    assert (await make_client().post(f"{AUTH}/logout")).status_code == 204


async def test_choosing_a_merchant_opens_its_panel(database: Database, client: httpx.AsyncClient) -> None:
    first, second = [await make_merchant(database) for _ in range(2)]
    async with platform_ctx(database) as ctx:
        user = await add_user(ctx, password=PASSWORD)
        for merchant in (first, second):
            await add_member(ctx, merchant.id, role="manager", user=user)
    answer = await client.post(f"{AUTH}/login", json={"email": user.email, "password": PASSWORD})
    assert (answer.json()["state"], answer.json()["next"]) == ("choose_merchant", "/merchants/choose")
    profile = "/api/v1/merchants/tenancy/profile"
    assert (await client.get(profile)).status_code == 403
    for merchant in (first, second):
        chosen = await client.post(f"{AUTH}/merchant", json={"merchant_id": str(merchant.id)})
        assert (chosen.status_code, chosen.json()["next"]) == (200, "/merchants")
        assert (await client.get(profile)).json()["id"] == str(merchant.id)
    stranger = await make_merchant(database)
    assert (await client.post(f"{AUTH}/merchant", json={"merchant_id": str(stranger.id)})).status_code == 404


async def test_the_chosen_language_is_kept_for_the_person_and_on_the_device(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.staff))
    answer = await client.put(f"{AUTH}/language", json={"locale": "lb"})
    assert answer.status_code == 204
    assert "orion_lang=lb" in answer.headers["set-cookie"]
    assert (await client.get(f"{AUTH}/me")).json()["locale"] == "lb"
    assert (await client.put(f"{AUTH}/language", json={"locale": "es"})).status_code == 422


async def test_changing_the_password_keeps_this_device_and_ends_the_others(
    database: Database, make_client: Callable[..., httpx.AsyncClient]
) -> None:
    user = await make_member(database, await make_merchant(database), password=PASSWORD)
    browser, other = make_client(), make_client()
    for each in (browser, other):
        assert (await each.post(f"{AUTH}/login", json={"email": user.email, "password": PASSWORD})).status_code == 200
    wrong = await browser.post(f"{AUTH}/password", json={"current_password": "wrong", "password": NEW_PASSWORD})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["errors"][0]["field"]) == (422, "password_wrong", "current_password")
    weak = await browser.post(f"{AUTH}/password", json={"current_password": PASSWORD, "password": "short"})
    assert (weak.status_code, weak.json()["code"], weak.json()["errors"][0]["field"]) == (422, "password_weak", "password")
    changed = await browser.post(f"{AUTH}/password", json={"current_password": PASSWORD, "password": NEW_PASSWORD})
    assert changed.status_code == 204
    assert [(await each.get(f"{AUTH}/me")).status_code for each in (browser, other)] == [200, 401]


async def test_a_link_is_asked_for_and_used_without_signing_in(database: Database, client: httpx.AsyncClient) -> None:
    user = await make_member(database, await make_merchant(database), password=PASSWORD)
    for email in (user.email, f"nobody-{uuid.uuid4()}@example.lu"):
        answer = await client.post(f"{AUTH}/password/link", json={"email": email})
        assert (answer.status_code, answer.content) == (204, b"")
    async with platform_ctx(database) as ctx:
        token = password_service.link_token(await password_service.make_link(ctx, user.id))
    body = {"token": token, "password": NEW_PASSWORD}
    assert [(await client.post(f"{AUTH}/password/set", json=body)).status_code for _ in range(2)] == [204, 410]
    assert (await client.post(f"{AUTH}/login", json={"email": user.email, "password": NEW_PASSWORD})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.lu"},
        {"email": "a@b.lu", "password": ""},
        {"email": "a\x00@b.lu", "password": "x"},
        {"email": "a@b.lu", "password": "x\x00"},
        {"email": "a" * 255, "password": "x"},
        {"email": "a@b.lu", "password": "x" * 257},
        {"email": 1, "password": ["x"]},
        {"email": "a@b.lu", "password": "x", "role": "admin"},
    ],
)
async def test_a_body_of_the_wrong_shape_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    answer = await client.post(f"{AUTH}/login", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_another_site_cannot_sign_anybody_in_or_out(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
        assert (await client.post(f"{AUTH}/logout", headers=headers)).status_code == 403
    text = await client.post(f"{AUTH}/login", content='{"email": "a@b.lu", "password": "x"}', headers={"Content-Type": "text/plain"})
    assert text.status_code == 403
    assert (await client.get(f"{AUTH}/me")).status_code == 200
