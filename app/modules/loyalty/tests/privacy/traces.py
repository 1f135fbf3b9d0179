"""Looking for a person's words in everything the database holds, whatever the type of the column."""

import datetime as dt
import io
import json
import uuid
import zipfile
from collections.abc import Iterable
from typing import Any

import asyncpg

TABLES = """
SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


async def find_traces(superuser: asyncpg.Connection, merchant_id: uuid.UUID, words: Iterable[str]) -> dict[str, list[str]]:
    """Return where any of `words` stands, in whatever case, as {"schema.table.column": the words found}.

    Rows of other merchants are left out: other tests have people of the same name.
    """
    wanted = [word.casefold() for word in words]
    found: dict[str, set[str]] = {}
    for table in [row[0] for row in await superuser.fetch(TABLES)]:
        for row in await superuser.fetch(f"SELECT * FROM {table}"):
            if row.get("merchant_id") not in (None, merchant_id):
                continue
            for column, value in row.items():
                text = readable(value).casefold()
                if hits := [word for word in wanted if word in text]:
                    found.setdefault(f"{table}.{column}", set()).update(hits)
    return {place: sorted(hits) for place, hits in sorted(found.items())}


def readable(value: Any) -> str:
    """Return a column's value as text in which a person's words would be seen: bytes decoded, archives unpacked."""
    if value is None or isinstance(value, bool | int | float | uuid.UUID):
        return ""
    if isinstance(value, bytes):
        unpacked = ""
        if value[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(value)):
            with zipfile.ZipFile(io.BytesIO(value)) as archive:
                unpacked = " ".join(archive.read(name).decode() for name in archive.namelist())
        return f"{value.decode('utf-8', 'ignore')} {value.decode('latin-1')} {value.hex()} {unpacked}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, dt.date):
        return f"{value.isoformat()} {value:%d.%m.%Y} {value:%d/%m/%Y}"
    return str(value)
