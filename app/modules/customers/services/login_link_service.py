"""Mailed links: they sign a customer in once, within 15 minutes (domain.md, Identity). Only a hash of the secret is stored."""

import base64
import datetime as dt
import hashlib
import hmac
import uuid
from typing import Literal

from app.core.config import get_settings
from app.core.context import Ctx
from app.core.ids import hash_token, new_id, new_token
from app.modules.customers.domain.customer import LoginLinkRecord
from app.modules.customers.errors import SignInLinkException
from app.modules.customers.queries import login_links

LIFETIME = dt.timedelta(minutes=15)
WINDOW = dt.timedelta(hours=1)
MAX_LINKS_PER_WINDOW = 5
MAX_TOKEN_CHARACTERS = 128

Purpose = Literal["sign_in", "card"]

ISSUE = """
INSERT INTO customer_login_links (merchant_id, id, customer_id, purpose, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (merchant_id, token_hash) DO UPDATE SET expires_at = excluded.expires_at
"""
# One statement decides who is first: of two clicks at once, the second waits for the first and finds the link used.
USE = """
UPDATE customer_login_links SET attempts = attempts + 1, used_at = $3
WHERE merchant_id = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING customer_id
"""
COUNT_REFUSED = "UPDATE customer_login_links SET attempts = attempts + 1 WHERE merchant_id = $1 AND token_hash = $2"


class RefusedLink(SignInLinkException):
    """Like its base; the counter of tries outlives it."""

    keeps_work = True


async def issue_login_link(ctx: Ctx, customer_id: uuid.UUID, *, purpose: Purpose = "sign_in", message_id: uuid.UUID | None = None) -> str:
    """Return the secret of a new link for the customer: it works once, for 15 minutes from now.

    Called while the mail is being sent, so that no secret ever lies in the outbox. With `message_id` (the outbox row's) a
    repeated sending makes the same secret again, so that whichever copy arrives is good.
    """
    token = _derive_token(message_id, purpose) if message_id else new_token()
    await ctx.conn.execute(ISSUE, ctx.merchant_id, new_id(), customer_id, purpose, hash_token(token), ctx.now, ctx.now + LIFETIME)
    return token


def _derive_token(message_id: uuid.UUID, purpose: Purpose) -> str:
    """Return 256 bits that only the holder of the installation's secret can compute."""
    digest = hmac.digest(get_settings().derive_key("login-link"), message_id.bytes + purpose.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def may_send_login_link(
    ctx: Ctx, customer_id: uuid.UUID, *, purpose: Purpose = "sign_in", message_id: uuid.UUID | None = None
) -> bool:
    """Return whether the customer had fewer than five links in the last hour: nobody's mailbox is flooded from our form.

    Asked when the link is wished for and again with `message_id` when its mail is about to go, as mails may have piled up in between;
    the link that an earlier try of the same mail made does not count.
    """
    own = hash_token(_derive_token(message_id, purpose)) if message_id else None
    return await login_links.count_links_since(ctx, customer_id, ctx.now - WINDOW, but=own) < MAX_LINKS_PER_WINDOW


async def find_usable_link(ctx: Ctx, token: str) -> LoginLinkRecord | None:
    """Return the link if it would sign somebody in now, without using it: for the page that asks for the click."""
    link = await login_links.find_login_link(ctx, hash_token(token)) if len(token) <= MAX_TOKEN_CHARACTERS else None
    return link if link is not None and link.is_usable(ctx.now) else None


async def use_login_link(ctx: Ctx, token: str) -> uuid.UUID:
    """Use the link up and return its customer. SignInLinkException when it is unknown, used or expired; each try is counted."""
    if len(token) <= MAX_TOKEN_CHARACTERS:
        found: uuid.UUID | None = await ctx.conn.fetchval(USE, ctx.merchant_id, hash_token(token), ctx.now)
        if found is not None:
            return found
        await ctx.conn.execute(COUNT_REFUSED, ctx.merchant_id, hash_token(token))
    raise RefusedLink
