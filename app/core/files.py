"""Files to download, kept in the database in parts, until they expire (exports, people's own data)."""

import dataclasses
import datetime as dt
import uuid

from app.core.context import Ctx
from app.core.errors import NotFound
from app.core.ids import new_id

PART_BYTES = 256 * 1024

ADD = """
INSERT INTO core_files (merchant_id, id, name, media_type, created_at, expires_at, customer_id, requested_by_user_id, job_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
GROW = "UPDATE core_files SET size = size + $3, parts = parts + $4 WHERE merchant_id = $1 AND id = $2 RETURNING parts"
ADD_PARTS = """
INSERT INTO core_file_parts (merchant_id, file_id, position, data)
SELECT $1, $2, $3 + p.number, p.data FROM unnest($4::bytea[]) WITH ORDINALITY AS p (data, number)
"""
FILE = """
SELECT id, name, media_type, size, parts, created_at, expires_at, customer_id, requested_by_user_id, job_id FROM core_files
WHERE merchant_id = $1 AND expires_at > $2
"""
FIND = f"{FILE} AND id = $3"
LIST_OF_JOB = f"{FILE} AND job_id = $3 ORDER BY id"
LIST_OF_CUSTOMER = f"{FILE} AND customer_id = $3 ORDER BY created_at DESC, id DESC"
READ_PART = "SELECT data FROM core_file_parts WHERE merchant_id = $1 AND file_id = $2 AND position = $3"
DELETE = "DELETE FROM core_files WHERE merchant_id = $1 AND id = $2"
DELETE_OF_CUSTOMER = "DELETE FROM core_files WHERE merchant_id = $1 AND customer_id = $2"
# A list that the merchant has made may name anybody; it is quickly made again.
DELETE_LISTS = "DELETE FROM core_files WHERE merchant_id = $1 AND customer_id IS NULL AND created_at <= $2"


class FileNotFoundException(NotFound):
    """The merchant has no such file, or it has expired."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredFile:
    """A file without its bytes; `size` in bytes. Parts are numbered from 1."""

    id: uuid.UUID
    name: str
    media_type: str
    size: int
    parts: int
    created_at: dt.datetime
    expires_at: dt.datetime
    customer_id: uuid.UUID | None
    requested_by_user_id: uuid.UUID | None
    job_id: uuid.UUID | None


async def create(
    ctx: Ctx,
    *,
    name: str,
    media_type: str,
    lasts: dt.timedelta,
    customer_id: uuid.UUID | None = None,
    job_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Add an empty file that can be downloaded as `name` for as long as it `lasts`; return its id.

    `customer_id` says whose data it holds, so that it goes when they are erased.
    """
    file_id = new_id()
    whose = (customer_id, ctx.actor.user_id, job_id)
    await ctx.conn.execute(ADD, ctx.merchant_id, file_id, name, media_type, ctx.now, ctx.now + lasts, *whose)
    return file_id


async def append(ctx: Ctx, file_id: uuid.UUID, data: bytes) -> None:
    """Add `data` to the end of the file; FileNotFoundException when it is gone."""
    parts = [data[first : first + PART_BYTES] for first in range(0, len(data), PART_BYTES)]
    total = await ctx.conn.fetchval(GROW, ctx.merchant_id, file_id, len(data), len(parts))
    if total is None:
        raise FileNotFoundException
    if parts:
        await ctx.conn.execute(ADD_PARTS, ctx.merchant_id, file_id, total - len(parts), parts)


async def read(ctx: Ctx, file_id: uuid.UUID) -> StoredFile:
    """Return the file; FileNotFoundException when there is none, or not any more."""
    row = await ctx.conn.fetchrow(FIND, ctx.merchant_id, ctx.now, file_id)
    if row is None:
        raise FileNotFoundException
    return StoredFile(**dict(row))


async def read_part(ctx: Ctx, file_id: uuid.UUID, number: int) -> bytes | None:
    """Return part `number` of the file, None behind the last. Each may be read in a transaction of its own: parts never change."""
    data: bytes | None = await ctx.conn.fetchval(READ_PART, ctx.merchant_id, file_id, number)
    return data


async def list_of_job(ctx: Ctx, job_id: uuid.UUID) -> list[StoredFile]:
    """Return the files that a job has made and that have not expired."""
    return [StoredFile(**dict(row)) for row in await ctx.conn.fetch(LIST_OF_JOB, ctx.merchant_id, ctx.now, job_id)]


async def list_of_customer(ctx: Ctx, customer_id: uuid.UUID) -> list[StoredFile]:
    """Return the files that hold a customer's data and have not expired, the latest first."""
    return [StoredFile(**dict(row)) for row in await ctx.conn.fetch(LIST_OF_CUSTOMER, ctx.merchant_id, ctx.now, customer_id)]


async def delete(ctx: Ctx, file_id: uuid.UUID) -> None:
    """Delete a file; one that is gone stays gone."""
    await ctx.conn.execute(DELETE, ctx.merchant_id, file_id)


async def delete_of_customer(ctx: Ctx, customer_id: uuid.UUID) -> int:
    """Delete all files that hold a customer's data, expired ones too; return how many."""
    status = await ctx.conn.execute(DELETE_OF_CUSTOMER, ctx.merchant_id, customer_id)
    return int(status.rpartition(" ")[2])


async def delete_lists(ctx: Ctx, *, made_until: dt.datetime) -> int:
    """Delete the merchant's files that are not of one customer (exports, results of jobs), made until an instant; return how many.

    When somebody is erased: such a list may name them.
    """
    status = await ctx.conn.execute(DELETE_LISTS, ctx.merchant_id, made_until)
    return int(status.rpartition(" ")[2])
