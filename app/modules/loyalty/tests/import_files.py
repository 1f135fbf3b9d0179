"""Imports for tests: a file goes in by the real services and tasks, a check or an import runs to its end."""

import dataclasses
import uuid
from typing import Any

import asyncpg

from app.core import files
from app.core.db.engine import Database
from app.core.testing.background import run_due
from app.modules.loyalty.domain.import_plan import Choices
from app.modules.loyalty.domain.import_problems import LineNote
from app.modules.loyalty.domain.import_text import Intake
from app.modules.loyalty.queries import imports
from app.modules.loyalty.queries.imports import ImportView
from app.modules.loyalty.services import import_service
from app.modules.loyalty.tests.factories import MadeShop
from app.modules.tenancy.tests.factories import merchant_ctx

IMPORTED = """
SELECT c.email, c.first_name, c.last_name, c.phone, c.birth_date, c.locale, k.id AS card_id, k.points_balance, k.stamp_count,
       k.card_number, k.external_number, k.last_activity_at, k.created_at, k.enrolled_at_store_id, k.status
FROM customers c LEFT JOIN loyalty_cards k ON k.merchant_id = c.merchant_id AND k.customer_id = c.id AND k.deleted_at IS NULL
WHERE c.merchant_id = $1 ORDER BY c.email_normalized, k.created_at
"""


async def upload(database: Database, shop: MadeShop, content: str | bytes) -> ImportView:
    """Put a file in, as an upload does."""
    data = content.encode() if isinstance(content, str) else content
    intake = Intake()
    async with merchant_ctx(database, shop.merchant) as ctx:
        import_id, file_id = await import_service.begin_upload(ctx, file_name="old.csv")
        for first in range(0, len(data), files.PART_BYTES):
            intake.feed(data[first : first + files.PART_BYTES])
            await files.append(ctx, file_id, data[first : first + files.PART_BYTES])
        return await import_service.end_upload(ctx, import_id, intake)


async def guessed(database: Database, shop: MadeShop, job: ImportView, **changes: Any) -> Choices:
    """The choices that the page proposes, with `changes`."""
    async with merchant_ctx(database, shop.merchant) as ctx:
        preview = await import_service.read_preview(ctx, job)
    choices = Choices(
        columns=preview.columns, width=len(preview.header), delimiter=preview.delimiter, date_order=preview.date_order,
        store_id=shop.merchant.stores[0].id,
    )  # fmt: skip
    return dataclasses.replace(choices, **changes)


async def check(database: Database, shop: MadeShop, content: str | bytes, **changes: Any) -> ImportView:
    """Upload a file and look through it with the choices that are proposed; return it checked."""
    job = await upload(database, shop, content)
    choices = await guessed(database, shop, job, **changes)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.start_check(ctx, job.id, choices)
    await run_due(database, merchant_id=shop.merchant.id)
    return await read(database, shop, job.id)


async def bring_in(database: Database, shop: MadeShop, content: str | bytes, **changes: Any) -> ImportView:
    """Check a file and import it; return it done."""
    job = await check(database, shop, content, **changes)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.start_run(ctx, job.id)
    await run_due(database, merchant_id=shop.merchant.id)
    return await read(database, shop, job.id)


async def read(database: Database, shop: MadeShop, import_id: uuid.UUID) -> ImportView:
    async with merchant_ctx(database, shop.merchant) as ctx:
        return await imports.get_import(ctx, import_id)


async def notes_of(database: Database, shop: MadeShop, job: ImportView) -> list[tuple[int, str, str]]:
    """What is wrong with which line: line, field, code."""
    async with merchant_ctx(database, shop.merchant) as ctx:
        notes: list[LineNote] = (await imports.list_problems(ctx, job.id, limit=100)).items
    return [(note.line, note.field, note.problem.value) for note in notes]


async def people_of(conn: asyncpg.Connection, shop: MadeShop) -> list[asyncpg.Record]:
    """The merchant's people with their cards, by address."""
    return await conn.fetch(IMPORTED, shop.merchant.id)


def counted(job: ImportView, *names: str) -> dict[str, int]:
    """Those counts that are not zero, or those that are named."""
    return {name: job.counts.get(name, 0) for name in names} if names else {name: count for name, count in job.counts.items() if count}
