"""Finding people at the counter: what may be typed, and that indexes answer it under row-level security."""

import re

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.customers.queries import search
from app.modules.customers.queries.customers import FIND_BY_EMAIL, LIST_BY_IDS
from app.modules.customers.tests.factories import make_customer
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx

PEOPLE = 30_000


async def find(database: Database, merchant: MadeMerchant, text: str) -> set[str]:
    async with merchant_ctx(database, merchant) as ctx:
        return {customer.full_name for customer in await customers.search_customers(ctx, text)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mull", {"Anna Müller", "Zoé Muller-Klein"}),
        ("MÜLLER", {"Anna Müller", "Zoé Muller-Klein"}),
        ("an", {"Anna Müller", "Anne Marie De la Cour"}),
        ("anna mü", {"Anna Müller"}),
        ("müller anna", {"Anna Müller"}),
        ("anne marie de la", {"Anne Marie De la Cour"}),
        ("de la cour anne", {"Anne Marie De la Cour"}),
        ("zoe", {"Zoé Muller-Klein"}),
        ("anna klein", set()),
        ("anna.mueller@", {"Anna Müller"}),
        ("ANNA.mueller@example.lu", {"Anna Müller"}),
        ("@example.lu", set()),
        ("621 100 200", {"Anna Müller"}),
        ("+352 621 100 200", {"Anna Müller"}),
        ("00352621100200", {"Anna Müller"}),
        ("1 00 200", {"Anna Müller"}),
        ("200", set()),
        ("621 100", set()),
        ("", set()),
        ("   ", set()),
        ("%", set()),
        ("_nna", set()),
        ("\U0010ffff", set()),
    ],
)
async def test_what_is_typed_finds_whom_it_means(database: Database, text: str, names: set[str]) -> None:
    merchant = await make_merchant(database)
    await make_customer(database, merchant, first_name="Anna", last_name="Müller", email="anna.mueller@example.lu", phone="621 100 200")
    await make_customer(database, merchant, first_name="Zoé", last_name="Muller-Klein")
    await make_customer(database, merchant, first_name="Anne Marie", last_name="De la Cour", phone="+33 1 23 45 67 89")
    assert await find(database, merchant, text) == names


async def test_the_answer_is_capped_and_names_nobody_twice(database: Database) -> None:
    merchant = await make_merchant(database)
    for number in range(4):
        await make_customer(database, merchant, first_name="Martin", last_name="Martin", email=f"martin-{number}@example.lu")
    async with merchant_ctx(database, merchant) as ctx:
        assert len(await customers.search_customers(ctx, "martin")) == 4
        assert len(await customers.search_customers(ctx, "martin", limit=3)) == 3
        assert len(await customers.search_customers(ctx, "martin", limit=-1)) == 1


async def fill(superuser: asyncpg.Connection, merchant: MadeMerchant) -> None:
    """Add 30,000 people with distinct names, addresses and numbers, and let the planner know of them."""
    await superuser.execute(
        """INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized,
                                  phone, phone_normalized, locale, created_at, updated_at)
           SELECT $1::uuid, gen_random_uuid(), f, l, f, l, e, e, p, p, 'fr', now(), now() FROM (
               SELECT md5(n::text) AS f, md5((n * 7)::text) AS l, 'p' || n || '-' || ($1::uuid)::text || '@example.lu' AS e,
                      '+3526' || lpad(n::text, 8, '0') AS p FROM generate_series(1, $2::int) n) people""",
        merchant.id,
        PEOPLE,
    )
    await superuser.execute("VACUUM ANALYZE customers")


@pytest.mark.parametrize("text", ["p1234-", "621 0123", "ab12", "a", "ab12 cd", "ab cd ef"])
async def test_every_search_is_answered_by_an_index(database: Database, superuser: asyncpg.Connection, text: str) -> None:
    merchant = await big_merchant(database, superuser)
    statements = search.statements_for(text + ("@" if "-" in text else ""))
    assert statements
    for statement, bounds in statements:
        plan = await explain(database, merchant, statement, *bounds, 20)
        assert "Seq Scan" not in plan
        assert re.search(r"Index Cond.*(email_normalized|phone_reversed|first_name_search|last_name_search)", plan), plan


async def test_exact_look_ups_are_answered_by_an_index(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await big_merchant(database, superuser)
    by_email = await explain(database, merchant, FIND_BY_EMAIL, "p77@example.lu")
    assert "uq_customers_merchant_id_email_normalized" in by_email
    assert "email_normalized" in re.findall(r"Index Cond[^\n]*", by_email)[0]
    assert "Seq Scan" not in await explain(database, merchant, LIST_BY_IDS, [new_id(), new_id()])


_big: list[MadeMerchant] = []


async def big_merchant(database: Database, superuser: asyncpg.Connection) -> MadeMerchant:
    """A merchant with many customers, made once for the session; nobody changes it."""
    if not _big:
        _big.append(await make_merchant(database))
        await fill(superuser, _big[0])
    return _big[0]


async def explain(database: Database, merchant: MadeMerchant, statement: str, *values: object) -> str:
    """The plans of a statement as the application's role gets them: for these very values, and the generic one."""
    plans = []
    async with merchant_ctx(database, merchant) as ctx:
        await ctx.conn.execute(f"PREPARE probe AS {statement}")
        literals = ", ".join([literal(ctx.merchant_id), *map(literal, values)])
        for mode in ("force_custom_plan", "force_generic_plan"):
            await ctx.conn.execute(f"SET LOCAL plan_cache_mode = {mode}")
            plans += [row[0] for row in await ctx.conn.fetch(f"EXPLAIN EXECUTE probe({literals})")]
        await ctx.conn.execute("DEALLOCATE probe")
    return "\n".join(plans)


def literal(value: object) -> str:
    """The value as SQL text."""
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    return str(value) if isinstance(value, int) else f"'{value}'"
