"""Files to download: kept in parts, one merchant's own, gone when they expire."""

import datetime as dt
import uuid

import asyncpg
import pytest

from app.core import clock, files
from app.core.context import SYSTEM, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database
from app.core.tasks import housekeeping
from app.core.tasks.runner import PLATFORM
from app.core.web.streams import attachment

DAY = dt.timedelta(hours=24)


async def make(database: Database, merchant_id: uuid.UUID, *pieces: bytes, customer_id: uuid.UUID | None = None) -> uuid.UUID:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        file_id = await files.create(ctx, name="cards.csv", media_type="text/csv", lasts=DAY, customer_id=customer_id)
        for piece in pieces:
            await files.append(ctx, file_id, piece)
    return file_id


async def test_what_was_appended_is_read_in_parts(database: Database) -> None:
    merchant_id, pieces = uuid.uuid4(), (b"a" * (files.PART_BYTES + 1), b"", b"b" * 10)
    file_id = await make(database, merchant_id, *pieces)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        found = await files.read(ctx, file_id)
        parts = [await files.read_part(ctx, file_id, number) for number in range(1, found.parts + 1)]
        assert await files.read_part(ctx, file_id, found.parts + 1) is None
    assert (found.name, found.media_type, found.size, found.parts) == ("cards.csv", "text/csv", files.PART_BYTES + 11, 3)
    assert b"".join(part or b"" for part in parts) == b"".join(pieces)


async def test_an_expired_file_is_unknown_and_then_gone(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    file_id = await make(database, merchant_id, b"x")
    with pytest.raises(files.FileNotFoundException):
        async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=clock.now() + DAY) as ctx:
            await files.read(ctx, file_id)
    async with platform_unit_of_work(database, PLATFORM, now=clock.now() + DAY + dt.timedelta(seconds=1)) as platform:
        await housekeeping.forget_files(platform)
    assert await superuser.fetchval("SELECT count(*) FROM core_file_parts WHERE file_id = $1", file_id) == 0


async def test_a_file_is_its_merchants_own(database: Database) -> None:
    file_id = await make(database, uuid.uuid4(), b"x")
    async with unit_of_work(database, Principal(SYSTEM, uuid.uuid4())) as ctx:
        with pytest.raises(files.FileNotFoundException):
            await files.read(ctx, file_id)
        with pytest.raises(files.FileNotFoundException):
            await files.append(ctx, file_id, b"y")
        assert await files.read_part(ctx, file_id, 1) is None


async def test_all_files_of_a_person_go_at_once(database: Database) -> None:
    merchant_id, customer_id = uuid.uuid4(), uuid.uuid4()
    first, second = [await make(database, merchant_id, b"x", customer_id=customer_id) for _ in range(2)]
    other = await make(database, merchant_id, b"x", customer_id=uuid.uuid4())
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        assert [file.id for file in await files.list_of_customer(ctx, customer_id)] == [second, first]
        assert await files.delete_of_customer(ctx, customer_id) == 2
        assert await files.list_of_customer(ctx, customer_id) == []
        assert (await files.read(ctx, other)).size == 1


def test_a_name_cannot_leave_its_header() -> None:
    assert attachment('kaarte "é";\r\nx.csv') == (
        "attachment; filename=\"kaarte ______x.csv\"; filename*=UTF-8''kaarte%20%22%C3%A9%22%3B%0D%0Ax.csv"
    )
