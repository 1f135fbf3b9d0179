"""The mailbox pages: lists and shows what was sent, shuts a mail's HTML in, and is not there in production."""

from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from app.core import mailbox
from app.core.config import Settings

HTML = {"Accept": "text/html"}


def keep(folder: Path, subject: str, html: str = "<p>Moien</p>") -> str:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Bäckerei <shop@example.lu>", "zoe@example.lu", subject
    message.set_content("Moien <Zoë>\n")
    if html:
        message.add_alternative(html, subtype="html")
    return mailbox.store_mail(message.as_bytes(), sender="shop@example.lu", recipients=["zoe@example.lu"], directory=folder)


async def test_mails_are_listed_newest_first(client: httpx.AsyncClient, settings: Settings) -> None:
    first, second = keep(settings.mailbox_dir, "Éischt Mail <b>"), keep(settings.mailbox_dir, "Zweet Mail")
    page = (await client.get("/mailbox?lang=lb", headers=HTML)).text
    assert page.index(second) < page.index(first)
    assert "Éischt Mail &lt;b&gt;" in page
    assert "zoe@example.lu" in page
    assert 'lang="lb"' in page


async def test_a_mail_is_shown_with_its_html_shut_in(client: httpx.AsyncClient, settings: Settings) -> None:
    mail_id = keep(settings.mailbox_dir, "Moien", "<p>Hi</p><script>alert(1)</script>")
    page = await client.get(f"/mailbox/{mail_id}?lang=en", headers=HTML)
    assert page.status_code == 200
    assert f'src="/mailbox/{mail_id}/html"' in page.text
    assert "alert(1)" not in page.text
    assert "Moien &lt;Zoë&gt;" in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    inner = await client.get(f"/mailbox/{mail_id}/html", headers=HTML)
    policy = inner.headers["content-security-policy"]
    assert "<script>alert(1)</script>" in inner.text
    for part in ("default-src 'none'", "sandbox allow-popups allow-popups-to-escape-sandbox", "frame-ancestors 'self'"):
        assert part in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in page.text + policy


async def test_a_mail_without_html_has_no_frame(client: httpx.AsyncClient, settings: Settings) -> None:
    mail_id = keep(settings.mailbox_dir, "Plain", "")
    page = await client.get(f"/mailbox/{mail_id}", headers=HTML)
    assert "<iframe" not in page.text
    assert (await client.get(f"/mailbox/{mail_id}/html")).status_code == 404


@pytest.mark.parametrize("mail_id", ["20260101T000000000000Z-00000000", "..%2F..%2Fetc%2Fpasswd", "x"])
async def test_only_mails_are_found(client: httpx.AsyncClient, mail_id: str) -> None:
    for path in (f"/mailbox/{mail_id}", f"/mailbox/{mail_id}/html"):
        assert (await client.get(path)).status_code == 404


async def test_in_production_there_is_no_mailbox(client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id = keep(settings.mailbox_dir, "Secret")
    monkeypatch.setattr(settings, "env", "production")
    for path in ("/mailbox", f"/mailbox/{mail_id}", f"/mailbox/{mail_id}/html"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "Secret" not in answer.text
