"""Templates as they are edited: the platform's own, and a merchant's version of them.

Within a merchant (Ctx) these see the mails in a merchant's name; on the platform (PlatformCtx) all mails.
"""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

import asyncpg

from app.core.context import Ctx, PlatformCtx
from app.modules.messaging.domain.copy import MailCopy, MailFrame, SenderName
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.template import MailTemplate

LIST_PLATFORM = """
SELECT t.code, t.title, t.occasion, t.category, t.sender,
       ARRAY(SELECT e.locale FROM email_templates e WHERE e.code = t.code AND e.copy <> e.standard_copy ORDER BY e.locale) AS own_locales
FROM email_templates t WHERE t.locale = $1 ORDER BY t.sender, t.category DESC, t.title, t.code
"""
LIST_MERCHANT = """
SELECT t.code, t.title, t.occasion, t.category, t.sender,
       ARRAY(SELECT o.locale FROM email_template_overrides o WHERE o.merchant_id = $2 AND o.code = t.code ORDER BY o.locale) AS own_locales
FROM email_templates t WHERE t.locale = $1 AND t.sender = 'merchant' ORDER BY t.category DESC, t.title, t.code
"""
COLUMNS = "t.code, t.locale, t.category, t.sender, t.has_card, t.button_link, t.variables, t.required, t.samples"
# Title and occasion are for the reader, in the reader's language; the sentences are in the mail's.
READ_PLATFORM = f"""
SELECT {COLUMNS}, r.title, r.occasion, t.standard_copy AS standard, t.copy, t.copy <> t.standard_copy AS is_own, t.updated_at
FROM email_templates t JOIN email_templates r ON r.code = t.code AND r.locale = $3 WHERE t.code = $1 AND t.locale = $2
"""
READ_MERCHANT = f"""
SELECT {COLUMNS}, r.title, r.occasion, t.copy AS standard, coalesce(o.copy, t.copy) AS copy, o.code IS NOT NULL AS is_own,
       coalesce(o.updated_at, t.updated_at) AS updated_at
FROM email_templates t JOIN email_templates r ON r.code = t.code AND r.locale = $3
LEFT JOIN email_template_overrides o ON o.merchant_id = $4 AND o.code = t.code AND o.locale = t.locale
WHERE t.code = $1 AND t.locale = $2 AND t.sender = 'merchant'
"""
SAVE_PLATFORM = """
UPDATE email_templates SET copy = $3, subject = $4, html = $5, text = $6, updated_at = $7, updated_by_user_id = $8
WHERE code = $1 AND locale = $2
"""
SAVE_MERCHANT = """
INSERT INTO email_template_overrides (code, locale, copy, subject, html, text, updated_at, updated_by_user_id, merchant_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (merchant_id, code, locale) DO UPDATE
SET copy = excluded.copy, subject = excluded.subject, html = excluded.html, text = excluded.text, updated_at = excluded.updated_at,
    updated_by_user_id = excluded.updated_by_user_id
"""
REMOVE = "DELETE FROM email_template_overrides WHERE merchant_id = $1 AND code = $2 AND locale = $3"


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateRow:
    """A mail in a list; `own_locales` are the languages in which it is not the standard any more."""

    code: str
    title: str
    occasion: str
    category: MailCategory
    sender: SenderName
    own_locales: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """A mail in one language, to be edited: `copy` as it is, `standard` as it is without one's own version (`is_own`)."""

    code: str
    locale: str
    title: str
    occasion: str
    frame: MailFrame
    samples: Mapping[str, str]
    copy: MailCopy
    standard: MailCopy
    is_own: bool
    updated_at: dt.datetime


async def list_templates(ctx: Ctx | PlatformCtx) -> list[TemplateRow]:
    """Return the mails that the caller may edit, with names in the caller's language."""
    if isinstance(ctx, Ctx):
        rows = await ctx.conn.fetch(LIST_MERCHANT, ctx.locale, ctx.merchant_id)
    else:
        rows = await ctx.conn.fetch(LIST_PLATFORM, ctx.locale)
    return [
        TemplateRow(**dict(row) | {"category": MailCategory(row["category"]), "own_locales": tuple(row["own_locales"])}) for row in rows
    ]


async def find_template(ctx: Ctx | PlatformCtx, code: str, locale: str) -> StoredTemplate | None:
    """Return the mail `code` in `locale` as the caller edits it, or None."""
    if isinstance(ctx, Ctx):
        row = await ctx.conn.fetchrow(READ_MERCHANT, code, locale, ctx.locale, ctx.merchant_id)
    else:
        row = await ctx.conn.fetchrow(READ_PLATFORM, code, locale, ctx.locale)
    return None if row is None else _stored(row)


async def save_template(ctx: Ctx | PlatformCtx, template: MailTemplate, copy: MailCopy, user_id: uuid.UUID | None) -> None:
    """Write the sentences and what was compiled from them: the merchant's version, or the platform's."""
    document = json.dumps(dataclasses.asdict(copy))
    values: tuple[Any, ...] = (
        template.code, template.locale, document, template.subject, template.html, template.text, ctx.now, user_id
    )  # fmt: skip
    if isinstance(ctx, Ctx):
        await ctx.conn.execute(SAVE_MERCHANT, *values, ctx.merchant_id)
    else:
        await ctx.conn.execute(SAVE_PLATFORM, *values)


async def remove_override(ctx: Ctx, code: str, locale: str) -> None:
    """Forget the merchant's version of a mail in one language."""
    await ctx.conn.execute(REMOVE, ctx.merchant_id, code, locale)


def _stored(row: asyncpg.Record) -> StoredTemplate:
    values = dict(row)
    frame = MailFrame(
        category=MailCategory(values.pop("category")),
        sender=values.pop("sender"),
        has_card=values.pop("has_card"),
        button_link=values.pop("button_link"),
        variables=frozenset(values.pop("variables")),
        required=frozenset(values.pop("required")),
    )
    copy, standard = (MailCopy.from_document(values.pop(name)) for name in ("copy", "standard"))
    return StoredTemplate(frame=frame, copy=copy, standard=standard, **values)
