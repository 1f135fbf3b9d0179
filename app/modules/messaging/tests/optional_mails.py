"""Mails that their reader can switch off, in the database for the tests of this module: one reminder, one marketing mail."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.context import Ctx
from app.core.db.engine import async_url
from app.core.i18n.locale import LOCALES
from app.core.testing.databases import DatabaseUrls
from app.modules.messaging.domain.content import MailContent, TemplateSpec
from app.modules.messaging.public import seed_templates
from app.modules.messaging.services import template_service

NEWS, REMINDER = "test_news", "test_reminder"
CATEGORIES = {NEWS: "marketing", REMINDER: "reminder"}
DOCUMENT = """
variables = ["card_link"]
button_link = "card_link"
has_card = false
category = "{category}"
"""
SENTENCES = """
[{locale}]
title = "A test"
occasion = "In a test."
subject = "{{{{merchant_name}}}} ({locale})"
preheader = "Words before"
heading = "Heading"
before = ["{{{{greeting}}}}", "A sentence."]
button = "Open"
after = []
reason = "You get this because of a test."
"""


async def give_card_link(ctx: Ctx, *, message_id: uuid.UUID, **ids: Any) -> MailContent:
    """The values of both mails."""
    return MailContent(brand_colour="#7c2d12", values={"card_link": "https://orion.example/s/gare/loyalty/dashboard"})


@contextlib.asynccontextmanager
async def optional_mails(urls: DatabaseUrls, superuser: asyncpg.Connection, folder: Path) -> AsyncIterator[None]:
    """Have both mails in the database and registered inside the block."""
    for code, category in CATEGORIES.items():
        words = "".join(SENTENCES.format(locale=locale) for locale in LOCALES)
        (folder / f"{code}.toml").write_text(DOCUMENT.format(category=category) + words, encoding="utf-8")
    engine = create_async_engine(async_url(urls.owner))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: seed_templates(sync, folder))
        for code in CATEGORIES:
            spec = TemplateSpec(code=code, variables=frozenset({"card_link"}), provider=f"{__name__}:give_card_link")
            template_service.register_template(spec)
        yield
    finally:
        for code in CATEGORIES:
            template_service._specs.pop(code, None)
        await superuser.execute("DELETE FROM email_templates WHERE code = ANY($1::text[])", list(CATEGORIES))
        await engine.dispose()
