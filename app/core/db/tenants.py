"""A merchant's rows in all tables, whoever owns them: what a merchant leaves when it is deleted for good."""

import uuid

import asyncpg

# Tables that hold rows of merchants and from which the caller's role may delete: the history and the audit log are not among them.
TABLES = """
SELECT c.oid, c.relname, format('DELETE FROM %I WHERE merchant_id = $1', c.relname) AS statement
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND has_table_privilege(c.oid, 'DELETE')
ORDER BY c.relname
"""
KEYS = "SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid AND confrelid = ANY($1::oid[])"


async def delete_rows(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> dict[str, int]:
    """Delete every row of the merchant from every table, those that refer to others first; return how many by table.

    For orion_platform, and for a merchant whose rows are few. Rows in tables from which nobody may delete stay: should they refer
    to others, the database refuses.
    """
    tables = {row["oid"]: row for row in await conn.fetch(TABLES)}
    referred = {oid: set[int]() for oid in tables}
    for row in await conn.fetch(KEYS, list(tables)):
        if row["conrelid"] in tables:
            referred[row["confrelid"]].add(row["conrelid"])
    deleted: dict[str, int] = {}
    while referred:
        free = [oid for oid, referring in referred.items() if not referring & referred.keys()]
        if not free:
            raise RuntimeError("tables refer to each other in a circle")
        for oid in free:
            del referred[oid]
            status = await conn.execute(tables[oid]["statement"], merchant_id)
            deleted[tables[oid]["relname"]] = int(status.rpartition(" ")[2])
    return {table: count for table, count in deleted.items() if count}
