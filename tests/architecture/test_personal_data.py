"""The registry of personal data knows every column that could hold any (domain.md, Privacy)."""

from collections import Counter

import asyncpg

from app.core.modules import load_modules
from app.core.personal import CORE_IMPERSONAL, CORE_PERSONAL, RULES
from tools import personal_data

CAN_HOLD_A_PERSON = """
SELECT c.table_name || '.' || c.column_name
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema') AND t.table_type = 'BASE TABLE'
  AND c.udt_name NOT IN ('uuid', 'bool', 'int2', 'int4', 'int8', 'numeric', 'float8', 'timestamptz')
"""


def listed() -> tuple[list[str], list[str]]:
    """Return what is listed as personal and as impersonal, as "table.column"."""
    modules = load_modules()
    personal = [f"{entry.table}.{entry.column}" for entry in personal_data.all_personal()]
    tables = [*CORE_IMPERSONAL.items(), *(item for module in modules for item in module.impersonal.items())]
    return personal, [f"{table}.{column}" for table, names in tables for column in names.split()]


async def test_every_column_that_could_hold_a_person_is_listed_once(superuser: asyncpg.Connection) -> None:
    personal, impersonal = listed()
    counts = Counter(personal + impersonal)
    in_database = {row[0] for row in await superuser.fetch(CAN_HOLD_A_PERSON)}
    assert {
        "without an entry": sorted(in_database - counts.keys()),
        "not in the database": sorted(counts.keys() - in_database),
        "listed twice": sorted(name for name, count in counts.items() if count > 1),
    } == {"without an entry": [], "not in the database": [], "listed twice": []}


async def test_a_new_column_would_be_noticed(owner_conn: asyncpg.Connection) -> None:
    personal, impersonal = listed()
    async with owner_conn.transaction():
        await owner_conn.execute(
            "CREATE TABLE newcomers (id uuid, nickname text, born_on date, tags text[], card varchar(9), at timestamptz)"
        )
        found = {row[0] for row in await owner_conn.fetch(CAN_HOLD_A_PERSON)} - set(personal) - set(impersonal)
        await owner_conn.execute("DROP TABLE newcomers")
    assert found == {"newcomers.nickname", "newcomers.born_on", "newcomers.tags", "newcomers.card"}


def test_every_entry_lies_with_its_module_and_has_a_known_rule() -> None:
    assert {entry.rule for entry in CORE_PERSONAL} <= RULES.keys()
    for module in load_modules():
        assert {entry.rule for entry in module.personal} <= RULES.keys()
        assert all(not entry.table.startswith("core_") for entry in module.personal)


def test_the_page_says_what_the_registry_says() -> None:
    page = personal_data.PAGE.read_text(encoding="utf-8")
    assert page == personal_data.fill(page), "run `python -m tools.personal_data` and commit the page"
