"""Mails as they are delivered: documents in TOML, one a mail with all languages side by side, written to the database by migrations.

Afterwards the database alone counts; changing a document changes no mail that was seeded before.
"""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.sql import text

from app.core.i18n.locale import LOCALES
from app.modules.messaging.domain.copy import MailCopy, MailFrame
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.template import MailTemplate
from app.modules.messaging.errors import TemplateVariableException
from app.modules.messaging.services.template_compiler import compile_template

INSERT = """
INSERT INTO email_templates
    (code, locale, title, occasion, category, sender, has_card, button_link, variables, required, samples, standard_copy, copy, subject,
     html, text, updated_at)
VALUES (:code, :locale, :title, :occasion, :category, :sender, :has_card, :button_link, :variables, :required, CAST(:samples AS jsonb),
        CAST(:copy AS jsonb), CAST(:copy AS jsonb), :subject, :html, :text, now())
ON CONFLICT (code, locale) DO NOTHING
"""
ABOUT = ("title", "occasion")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeededMail:
    """One mail in one language as a document describes it."""

    template: MailTemplate
    copy: MailCopy
    frame: MailFrame
    title: str
    occasion: str
    samples: Mapping[str, str]


def seed_templates(connection: Connection, folder: Path) -> None:
    """Write every document of `folder` to `email_templates`, a row for each language; rows that are there stay as they are.

    TemplateVariableException when a document uses a variable it does not name, or leaves a required one out.
    """
    for mail in read_documents(folder):
        values = {
            "code": mail.template.code,
            "locale": mail.template.locale,
            "title": mail.title,
            "occasion": mail.occasion,
            "category": mail.frame.category.value,
            "sender": mail.frame.sender,
            "has_card": mail.frame.has_card,
            "button_link": mail.frame.button_link,
            "variables": sorted(mail.frame.variables),
            "required": sorted(mail.frame.required),
            "samples": json.dumps(dict(mail.samples)),
            "copy": json.dumps(dataclasses.asdict(mail.copy)),
            "subject": mail.template.subject,
            "html": mail.template.html,
            "text": mail.template.text,
        }
        connection.execute(text(INSERT), values)


def read_documents(folder: Path) -> list[SeededMail]:
    """Return the mails that the documents of `folder` describe, by code and language."""
    return [mail for path in sorted(folder.glob("*.toml")) for mail in read_document(path)]


def read_document(path: Path) -> list[SeededMail]:
    """Return the mail of one document in all languages; its code is the file's name.

    Keys: `variables`, `button_link`, `has_card`, `category` (service), `sender` (merchant), `required` (none), `[samples]` (a
    text, or one per language), and for each language its sentences with `title` and `occasion`.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    frame = MailFrame(
        category=MailCategory(document.get("category", "service")),
        sender=document.get("sender", "merchant"),
        has_card=document["has_card"],
        button_link=document["button_link"],
        variables=frozenset(document["variables"]),
        required=frozenset(document.get("required", ())) | {document["button_link"]},
    )
    return [_read_language(path.stem, locale, frame, document) for locale in LOCALES]


def _read_language(code: str, locale: str, frame: MailFrame, document: Mapping[str, Any]) -> SeededMail:
    words = document[locale]
    copy = MailCopy.from_document({name: value for name, value in words.items() if name not in ABOUT})
    template = compile_template(code, locale, copy, frame)
    if missing := frame.required - template.used_variables():
        raise TemplateVariableException(missing)
    samples = {name: value if isinstance(value, str) else value[locale] for name, value in document.get("samples", {}).items()}
    title, occasion = words.get("title", copy.heading), words.get("occasion", "")
    return SeededMail(template=template, copy=copy, frame=frame, title=title, occasion=occasion, samples=samples)
