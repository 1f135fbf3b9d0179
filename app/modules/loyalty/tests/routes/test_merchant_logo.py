"""The logo: uploaded through the merchant's API, shown to everybody, and refused without a trace."""

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.tests.factories import MadeShop, make_shop
from app.modules.loyalty.tests.pictures import encode, make_jpeg, make_png, make_webp
from app.modules.tenancy.tests.factories import make_member, make_merchant, sign_in_cookie

BASE = "/api/v1/merchants/loyalty/program"
LOGO = f"{BASE}/logo"
Clients = Callable[..., httpx.AsyncClient]
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]


async def signed_in_owner(client: httpx.AsyncClient, database: Database) -> MadeShop:
    shop = await make_shop(database)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    return shop


async def upload(client: httpx.AsyncClient, picture: bytes) -> str:
    answer = await client.put(LOGO, json={"content": encode(picture)})
    assert answer.status_code == 200, answer.text
    path: str = answer.json()["logo_path"]
    return path


@pytest.mark.parametrize(
    ("picture", "suffix", "media_type"),
    [(make_png(), "png", "image/png"), (make_jpeg(), "jpg", "image/jpeg"), (make_webp(b"VP8L"), "webp", "image/webp")],
)
async def test_a_logo_is_saved_and_shown_to_everybody(
    client: httpx.AsyncClient,
    make_client: Clients,
    database: Database,
    superuser: asyncpg.Connection,
    picture: bytes,
    suffix: str,
    media_type: str,
) -> None:
    shop = await signed_in_owner(client, database)
    answer = await client.put(LOGO, json={"content": encode(picture)})
    path = f"/logos/{shop.merchant.id}/{hashlib.sha256(picture).hexdigest()[:32]}.{suffix}"
    assert (answer.status_code, answer.json()) == (200, {"logo_path": path})
    assert (await client.get(BASE)).json()["logo_path"] == path

    shown = await make_client().get(path)
    assert (shown.status_code, shown.content) == (200, picture)
    headers = {name: shown.headers[name] for name in ("content-type", "cache-control", "x-content-type-options")}
    assert headers == {
        "content-type": media_type,
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["cross-origin-resource-policy"] == "cross-origin", "mail readers in a browser are other sites"

    row = await superuser.fetchrow(
        "SELECT action, target_type, details, actor_id FROM core_audit_log WHERE merchant_id = $1 ORDER BY at DESC LIMIT 1",
        shop.merchant.id,
    )
    details = {"logo_path": path, "pixels": [48, 48], "bytes": len(picture)}
    assert row is not None
    assert tuple(row) == ("loyalty.logo.changed", "program", details, shop.merchant.owner.id)


async def test_saving_the_program_keeps_the_logo(client: httpx.AsyncClient, database: Database) -> None:
    await signed_in_owner(client, database)
    path = await upload(client, make_png())
    program = (await client.get(BASE)).json()
    body = {name: value for name, value in program.items() if name not in ("id", "logo_path", "terms_version", "created_at", "updated_at")}
    assert (await client.put(BASE, json=body | {"card_name": "Neu"})).json()["logo_path"] == path
    assert (await client.put(BASE, json=body | {"logo_path": "/elsewhere.png"})).status_code == 422


async def test_a_new_logo_replaces_the_old_one_and_a_removed_one_is_gone(
    client: httpx.AsyncClient, make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await signed_in_owner(client, database)
    first, second = await upload(client, make_png()), await upload(client, make_png(20, 20))
    anybody = make_client()
    assert [(await anybody.get(path)).status_code for path in (first, second)] == [404, 200]
    assert await upload(client, make_png(20, 20)) == second
    assert (await client.delete(LOGO)).status_code == 204
    assert (await client.get(BASE)).json()["logo_path"] is None
    assert (await anybody.get(second)).status_code == 404
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_logos WHERE merchant_id = $1", shop.merchant.id) == 0
    assert (await client.delete(LOGO)).status_code == 204
    removed = "SELECT count(*) FROM core_audit_log WHERE merchant_id = $1 AND action = 'loyalty.logo.removed'"
    assert await superuser.fetchval(removed, shop.merchant.id) == 1


REFUSED: dict[str, tuple[Any, str]] = {
    "svg": (encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "Please choose a picture of the kind PNG, JPEG or WebP."),
    "gif": (encode(b"GIF89a\x01\x00\x01\x00"), "Please choose a picture of the kind PNG, JPEG or WebP."),
    "empty": ("", "Please choose a picture of the kind PNG, JPEG or WebP."),
    "no base64": ("<svg>", "This picture could not be read. Please save it again as PNG or JPEG and try once more."),
    "letters beyond ASCII": ("ä" * 8, "This picture could not be read. Please save it again as PNG or JPEG and try once more."),
    "half": (encode(make_png()[:60]), "This picture could not be read. Please save it again as PNG or JPEG and try once more."),
    "too wide": (encode(make_png(2_001, 1)), "This picture has too many pixels. Please use one of at most 2000 × 2000 pixels."),
    "too large": (encode(make_png() + bytes(150_000)), "This picture is too large. Please use one of at most 150 kB."),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_anything_else_is_refused_at_the_field_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, checksum: Checksum, name: str
) -> None:
    shop = await signed_in_owner(client, database)
    await upload(client, make_png())
    tables = ("loyalty_programs", "loyalty_logos", "core_audit_log", "core_outbox")
    before = [await checksum(table, shop.merchant.id) for table in tables]
    content, message = REFUSED[name]
    answer = await client.put(LOGO, json={"content": content}, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (422, "logo_invalid")
    assert [(item["field"], item["message"]) for item in answer.json()["errors"]] == [("content", message)]
    assert [await checksum(table, shop.merchant.id) for table in tables] == before


async def test_before_there_is_a_program_there_is_no_logo(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    before = await checksum("loyalty_logos", merchant.id)
    answers = [await client.put(LOGO, json={"content": encode(make_png())}), await client.delete(LOGO)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "program_not_found")] * 2
    assert await checksum("loyalty_logos", merchant.id) == before


async def test_who_may_not_edit_the_program_may_not_change_its_logo(database: Database, make_client: Clients, checksum: Checksum) -> None:
    shop = await make_shop(database)
    bound = await make_member(database, shop.merchant, role="manager", bound=True)
    before = await checksum("loyalty_programs", shop.merchant.id)
    for cookie, status in (({}, 401), (sign_in_cookie(shop.merchant.staff), 403), (sign_in_cookie(bound), 403)):
        client = make_client()
        client.cookies.update(cookie)
        assert (await client.put(LOGO, json={"content": encode(make_png())})).status_code == status
        assert (await client.delete(LOGO)).status_code == status
    assert await checksum("loyalty_programs", shop.merchant.id) == before


async def test_only_an_active_merchants_own_present_logo_is_shown(
    client: httpx.AsyncClient, make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    shop, other = await signed_in_owner(client, database), await make_shop(database)
    path = await upload(client, make_png())
    name = path.rpartition("/")[2]
    anybody = make_client()
    for wrong in (
        f"/logos/{other.merchant.id}/{name}",
        f"/logos/{uuid.uuid4()}/{name}",
        f"/logos/nobody/{name}",
        path.replace(".png", ".jpg"),
        path.replace(".png", ""),
        path.replace(name[:2], "zz"),
        f"/logos/{shop.merchant.id}/{'0' * 32}.png",
        f"/logos/{shop.merchant.id}/%25.png",
        f"/logos/{shop.merchant.id}/",
    ):
        answer = await anybody.get(wrong)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (404, False), wrong
    assert (await anybody.get(path)).status_code == 200
    await superuser.execute("UPDATE tenancy_merchants SET status = 'suspended' WHERE id = $1", shop.merchant.id)
    assert (await anybody.get(path)).status_code == 404


async def test_the_door_shows_the_application_nothing_but_an_exact_match(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, database_urls: Any
) -> None:
    shop = await signed_in_owner(client, database)
    picture = make_png()
    await upload(client, picture)
    digest = hashlib.sha256(picture).digest()
    app = await asyncpg.connect(database_urls.app)
    try:
        find = "SELECT count(*) FROM loyalty_find_logo($1, $2)"
        assert await app.fetchval("SELECT count(*) FROM loyalty_logos") == 0
        assert await app.fetchval(find, shop.merchant.id, digest[:16]) == 1
        for prefix in (b"", digest[:1], digest[:15], digest, digest[1:17], None):
            assert await app.fetchval(find, shop.merchant.id, prefix) == 0
    finally:
        await app.close()


async def test_pages_show_the_logo(client: httpx.AsyncClient, make_client: Clients, database: Database) -> None:
    shop = await signed_in_owner(client, database)
    assert 'data-has-logo="false"' in (await client.get("/merchants/program")).text
    path = await upload(client, make_png())
    page = (await client.get("/merchants/program")).text
    assert 'data-has-logo="true"' in page
    picture = re.compile(rf'<img class="(?:lcard-logo|brand-mark)" src="{re.escape(path)}"')
    assert picture.search(page)
    assert picture.search((await make_client().get(f"/s/{shop.merchant.store.code}/loyalty/join")).text)


async def test_a_new_merchant_is_told_when_a_logo_can_be_added(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    page = (await client.get("/merchants/program", headers={"Accept-Language": "en"})).text
    assert 'type="file"' not in page
    assert "remove-logo" not in page
