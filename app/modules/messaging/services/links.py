"""Links in mails that work without signing in: unsubscribe, preferences. Made here, and opened here."""

import datetime as dt
import uuid

import asyncpg

from app.core.config import get_settings
from app.core.context import Actor, Ctx, Principal
from app.core.credentials import Credentials
from app.core.errors import NotFound
from app.modules.customers import public as customers
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.mail_link import LinkKind, MailLink, decode_link, encode_link

UNSUBSCRIBE_PATH = "/mail/unsubscribe/"
PREFERENCES_PATH = "/mail/preferences/"
SET_MERCHANT = "SELECT set_config('app.merchant_id', $1, true)"


def unsubscribe_link(ctx: Ctx, customer_id: uuid.UUID, category: str) -> str:
    """Return the absolute address at which the customer unsubscribes from `category` ("marketing" or "reminder") in one click."""
    return _address(ctx, UNSUBSCRIBE_PATH, LinkKind.UNSUBSCRIBE, customer_id, MailCategory(category))


def preferences_link(ctx: Ctx, customer_id: uuid.UUID) -> str:
    """Return the absolute address at which the customer chooses mails and language; it works for a year."""
    return _address(ctx, PREFERENCES_PATH, LinkKind.PREFERENCES, customer_id)


def preferences_path(ctx: Ctx) -> str:
    """Return the path of the preferences of the customer whom the present link names."""
    if ctx.actor.customer_id is None:
        raise NotFound
    return preferences_link(ctx, ctx.actor.customer_id).removeprefix(get_settings().base_url.rstrip("/"))


def unsubscribe_headers(ctx: Ctx, customer_id: uuid.UUID | None, category: str) -> dict[str, str]:
    """Return the headers by which a mail reader offers to unsubscribe (RFC 2369, RFC 8058); none for service mails."""
    if customer_id is None or category == MailCategory.SERVICE:
        return {}
    return {
        "List-Unsubscribe": f"<{unsubscribe_link(ctx, customer_id, category)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def read_link(token: str, kind: LinkKind) -> MailLink:
    """Return what a link of ours says; NotFound for anything that we did not sign for this `kind`."""
    link = decode_link(token, kind, key=_key())
    if link is None:
        raise NotFound
    return link


def read_category(token: str) -> MailCategory:
    """Return which mails a link to unsubscribe is about; NotFound for anything that we did not sign for that."""
    category = read_link(token, LinkKind.UNSUBSCRIBE).category
    if category is None:
        raise NotFound
    return category


async def open_mail_link(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Opener of the face "mail": the customer whom the signed token in the path names, at their merchant.

    Nobody is signed in by it: the role stays the public's, and only the routes of these links live on this face.
    """
    token = credentials.path.get("token", "")
    link = next((link for kind in LinkKind if (link := decode_link(token, kind, key=_key()))), None)
    if link is None:
        raise NotFound
    await conn.execute(SET_MERCHANT, str(link.merchant_id))
    locale = await customers.find_locale(conn, link.merchant_id, link.customer_id)
    if locale is None:  # unknown, or erased since
        raise NotFound
    actor = Actor(kind="customer", customer_id=link.customer_id, address=credentials.address)
    return Principal(actor, link.merchant_id, locale=locale)


def _address(ctx: Ctx, path: str, kind: LinkKind, customer_id: uuid.UUID, category: MailCategory | None = None) -> str:
    link = MailLink(kind=kind, merchant_id=ctx.merchant_id, customer_id=customer_id, issued_on=ctx.now.date(), category=category)
    return get_settings().base_url.rstrip("/") + path + encode_link(link, key=_key())


def _key() -> bytes:
    return get_settings().derive_key("mail-link")
