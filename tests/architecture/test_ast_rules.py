"""Every house rule fires on what it forbids, stays silent on what is right, and holds on the whole tree."""

from pathlib import Path, PurePosixPath

import pytest

from tools.ast_rules import RULES
from tools.ast_rules.engine import Source, check_paths, check_source

ROOT = Path(__file__).resolve().parents[2]
LOYALTY = "app/modules/loyalty"
ROUTE = 'router = APIRouter(tags=["Loyalty - Store"])\n@router.post("/stamp", {arguments})\nasync def stamp(){returns}:\n    {body}\n'

CASES: list[tuple[str, str, str, str]] = [
    # rule, path, forbidden, allowed
    ("commit", f"{LOYALTY}/services/a.py", "await session.commit()", "def commit(): ...\ncommit()"),
    ("commit", f"{LOYALTY}/services/a.py", "await c.execute('ROLLBACK')", "'''COMMIT is sent elsewhere.'''"),
    ("commit", f"{LOYALTY}/services/a.py", "db.rollback()", "log.info('Rollback failed')"),
    ("lock", f"{LOYALTY}/services/a.py", "q = select(C).with_for_update()", "q = select(C)"),
    ("lock", f"{LOYALTY}/queries/cards.py", "Q = 'SELECT 1 FROM c LIMIT 5 FOR UPDATE SKIP LOCKED'", "Q = 'waiting for update'"),
    ("sql-text", f"{LOYALTY}/queries/a.py", "text(f'SELECT {value}')", "text('SELECT :value')"),
    ("sql-text", f"{LOYALTY}/queries/a.py", "conn.fetch('SELECT %s' % value)", "conn.fetch(f'SELECT {COLUMNS} FROM c WHERE id = $1', x)"),
    ("sql-text", f"{LOYALTY}/queries/a.py", "conn.execute('SELECT {}'.format(v))", "conn.execute(f'CREATE ROLE {name}')"),
    (
        "sql-text",
        f"{LOYALTY}/queries/a.py",
        "def f(n):\n    q = f'SELECT 1 WHERE name = {n}'",
        "def f():\n    q = f'SELECT {COLUMNS}, {cards.MORE}'",
    ),
    (
        "sql-text",
        f"{LOYALTY}/queries/a.py",
        "async def f(ids):\n    return f'DELETE FROM c WHERE id IN ({ids})'",
        "Q = f'DELETE FROM c WHERE kind IN ({join(KINDS)})'",
    ),
    (
        "ledger-writer",
        f"{LOYALTY}/services/a.py",
        "Q = 'INSERT INTO loyalty_transactions VALUES (1)'",
        "Q = 'SELECT 1 FROM loyalty_transactions'",
    ),
    (
        "ledger-writer",
        f"{LOYALTY}/services/a.py",
        "Q = 'UPDATE loyalty_cards c SET notes = $1, points_balance = 0 WHERE id = $2'",
        "Q = 'UPDATE loyalty_cards c SET notes = $1 WHERE points_balance = 0'",
    ),
    (
        "ledger-writer",
        f"{LOYALTY}/queries/a.py",
        "Q = f'UPDATE loyalty_cards SET {COLUMNS} WHERE id = $1'",
        "Q = f'UPDATE loyalty_cards SET status = $2 WHERE {CONDITION}'",
    ),
    ("ledger-writer", f"{LOYALTY}/services/a.py", "q = insert(Transaction)", "q = insert(Reward)"),
    ("ledger-writer", f"{LOYALTY}/services/a.py", "card.points_balance += 5", "balance = card.points_balance + 5"),
    ("clock", f"{LOYALTY}/domain/a.py", "x = dt.datetime.now(dt.UTC)", "x = clock.now()"),
    ("clock", f"{LOYALTY}/domain/a.py", "x = date.today()", "x = now.date()"),
    ("clock", f"{LOYALTY}/domain/a.py", "x = time.time()", "x = time.monotonic()"),
    ("file-size", f"{LOYALTY}/domain/a.py", "x = 1\n" * 401, "x = 1\n" * 400),
    ("file-size", f"{LOYALTY}/templates/a.html", "<p>\n" * 401, "<p>\n" * 400),
    ("function-size", f"{LOYALTY}/domain/a.py", "def f():\n" + "    x = 1\n" * 70, "def f():\n" + "    x = 1\n" * 69),
    ("base-middleware", "app/core/web/m.py", "class M(BaseHTTPMiddleware): ...", "class M: ..."),
    ("base-middleware", "app/core/web/m.py", "from starlette.middleware.base import BaseHTTPMiddleware", "import starlette"),
    ("sync-endpoint", f"{LOYALTY}/routes/api/store.py", "@router.get('/')\ndef f(): ...", "@router.get('/')\nasync def f(): ..."),
    (
        "sync-endpoint",
        "app/core/web/deps.py",
        "def who(): ...\nX = Depends(who, scope='function')",
        "async def who(): ...\ndef needs(p): ...\nX = Depends(who)",
    ),
    ("cross-origin", "app/core/web/app.py", "add(allow_origins=['*'])", "add(allow=1)"),
    ("cross-origin", "app/core/web/app.py", "h = {'Access-Control-Allow-Origin': '*'}", "h = {'Vary': 'Origin'}"),
    (
        "route-docs",
        f"{LOYALTY}/routes/api/store.py",
        ROUTE.format(arguments="status_code=201", returns=" -> Stamped", body="'''Adds one.'''"),
        ROUTE.format(arguments="summary='Stamp'", returns=" -> Stamped", body="'''Adds one.'''"),
    ),
    (
        "route-docs",
        f"{LOYALTY}/routes/api/store.py",
        ROUTE.format(arguments="summary='Stamp'", returns="", body="'''Adds one.'''"),
        ROUTE.format(arguments="summary='Stamp', status_code=204", returns=" -> None", body="'''Adds one.'''"),
    ),
    (
        "page-method",
        f"{LOYALTY}/routes/pages/store.py",
        "@router.post('/x')\nasync def f(): ...",
        "@router.get('/x')\nasync def f(): ...",
    ),
    ("inline-code", f"{LOYALTY}/templates/a.html", '<p\n style="color:red">', '<p class="x">{# <p style="a"> #}'),
    ("inline-code", f"{LOYALTY}/templates/a.html", '<a onclick="go()">', '<a x-on:click="go" @click="go" data-on="x">'),
    ("inline-code", f"{LOYALTY}/templates/a.html", "<script>go()</script>", '<script src="{{ asset("a.js") }}" defer></script>'),
    ("inline-code", f"{LOYALTY}/templates/a.html", "<style>p{}</style>", '<script type="application/json">{{ x|tojson }}</script>'),
    ("inline-code", f"{LOYALTY}/templates/a.html", "{{ name|safe }}", "{{ name }} is safe"),
    ("inline-code", f"{LOYALTY}/templates/a.html", '<p x-html="name">', '<p x-text="name">'),
    ("script-markup", "frontend/js/a.js", "el.innerHTML = name", "el.textContent = name"),
    ("script-markup", "frontend/js/a.js", "eval('1')", "evaluate('1')"),
    ("icon", f"{LOYALTY}/templates/a.html", '{{ icon("telephone") }}', '{{ icon("phone", 24) }}'),
    ("icon", f"{LOYALTY}/definition.py", "MenuItem(label='a', icon='telephone')", "MenuItem(label='a', icon='phone')"),
    ("literal-text", f"{LOYALTY}/services/a.py", "_(f'Hello {name}')", "_('Hello %(name)s', name=name)"),
    ("literal-text", f"{LOYALTY}/errors.py", "N_(message)", "N_('No such card.')"),
    ("unmarked-text", f"{LOYALTY}/definition.py", "MenuItem(label='Cards')", "MenuItem(label=N_('Cards'))"),
    ("unmarked-text", f"{LOYALTY}/errors.py", "class E:\n    message = 'No card.'", "class E:\n    message = N_('No card.')"),
    ("string-import", f"{LOYALTY}/definition.py", "x = 'app.modules.customers.models:C'", "x = 'app.modules.loyalty.tasks.a:run'"),
    ("string-import", "app/core/db/base.py", "x = 'app.modules.loyalty.models'", "x = 'app.core.outbox.relay'"),
    ("test-asserts", f"{LOYALTY}/tests/test_a.py", "def test_a():\n    f()", "def test_a():\n    assert f() == 1"),
    (
        "test-asserts",
        f"{LOYALTY}/tests/test_a.py",
        "def test_a():\n    assert True",
        "def test_a():\n    with pytest.raises(E):\n        f()",
    ),
    ("sleep", f"{LOYALTY}/tests/test_a.py", "await asyncio.sleep(1)", "await asyncio.sleep(0)"),
    ("mock", "tests/e2e/test_a.py", "from unittest.mock import patch", "from unittest import TestCase"),
]


def names_found(path: str, text: str) -> set[str]:
    return {violation.rule for violation in check_source(Source(PurePosixPath(path), text), RULES)}


@pytest.mark.parametrize(("rule", "path", "forbidden", "allowed"), CASES)
def test_rule_fires_and_stays_silent(rule: str, path: str, forbidden: str, allowed: str) -> None:
    assert rule in names_found(path, forbidden)
    assert rule not in names_found(path, allowed)


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in RULES} == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/core/context.py", "await conn.execute('COMMIT')"),
        (f"{LOYALTY}/queries/locks.py", "Q = 'SELECT 1 FROM c FOR UPDATE'"),
        ("app/core/clock.py", "x = datetime.now(UTC)"),
        (f"{LOYALTY}/services/ledger.py", "Q = 'INSERT INTO loyalty_transactions VALUES (1)'"),
        (f"{LOYALTY}/services/ledger_expiry.py", "Q = 'UPDATE loyalty_cards SET points_balance = 0'"),
        (f"{LOYALTY}/migrations/versions/a.py", "x = 1\n" * 900),
        (f"{LOYALTY}/templates/mail/a.html", '<td style="color:red">'),
    ],
)
def test_the_one_place_for_a_thing_may_do_it(path: str, text: str) -> None:
    assert names_found(path, text) == set()


@pytest.mark.parametrize(
    ("comment", "is_allowed"),
    [
        ("# allow[sleep]: the broker has no event to wait for", True),
        ("# allow[sleep]", False),
        ("# allow[clock]: the broker has no event to wait for", False),
    ],
)
def test_an_exception_needs_its_rule_and_a_reason(comment: str, is_allowed: bool) -> None:
    on_the_line = f"import time\ntime.sleep(1)  {comment}\n"
    above = f"import time\n{comment}\ntime.sleep(1)\n"
    for text in (on_the_line, above):
        assert ("sleep" not in names_found("tests/faults/test_a.py", text)) is is_allowed


def test_the_tree_follows_every_rule() -> None:
    violations = check_paths(ROOT, ["app", "tests", "frontend", "tools", "benchmarks"], RULES)
    assert not violations, "\n".join(map(str, violations))
