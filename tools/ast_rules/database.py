"""Transactions, locks and SQL: who commits, who locks, and that no value is pasted into a statement."""

import ast
import re
from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source, dotted_name, last_name

_COMMIT_TEXT = re.compile(r"^\s*(COMMIT|ROLLBACK)\b")
_LOCK_TEXT = re.compile(r"\bFOR\s+(NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)\b")
_NO_BINDS = re.compile(r"\s*(ALTER|CREATE|GRANT|REVOKE|DROP|SET|COMMENT|DO|COPY|NOTIFY|LISTEN|LOCK)\b")  # PostgreSQL takes none there
_STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\s")
_STATEMENT_CALLS = frozenset(
    {"text", "execute", "executemany", "exec_driver_sql", "fetch", "fetchrow", "fetchval", "fetchmany", "scalar", "scalars"}
)


def _find_commits(source: Source) -> Iterator[Finding]:
    if source.is_test or "migrations" in source.path.parts or not source.is_under("app") or source.is_under("app/core/context.py"):
        return
    for call, name in source.calls():
        if name.rpartition(".")[2] in {"commit", "rollback"} and "." in name:
            yield call.lineno, "only unit_of_work() in app/core/context.py commits or rolls back"
    for line, text in source.texts():
        if _COMMIT_TEXT.search(text):
            yield line, "COMMIT and ROLLBACK are sent by app/core/context.py only"


def _find_locks(source: Source) -> Iterator[Finding]:
    if source.is_test or "migrations" in source.path.parts or not source.is_under("app"):
        return
    if source.path.parts[-2:] == ("queries", "locks.py") or source.is_under("app/core/idempotency.py", "app/core/outbox"):
        return
    for call, name in source.calls():
        if name.endswith("with_for_update"):
            yield call.lineno, "row locks live in the module's queries/locks.py"
    for line, text in source.texts():
        if _LOCK_TEXT.search(text):
            yield line, "FOR UPDATE lives in the module's queries/locks.py"


def _find_pasted_sql(source: Source) -> Iterator[Finding]:
    if not source.is_under("app") or source.is_test:
        return
    for call, name in source.calls():
        if name.rpartition(".")[2] in _STATEMENT_CALLS and call.args and _is_pasted(call.args[0]):
            yield call.lineno, "a statement is built from values: use bind parameters"
    inner = {id(node): node for function in source.functions() for node in ast.walk(function) if isinstance(node, ast.JoinedStr)}
    for node in inner.values():  # what a module builds when it is imported holds constants only
        if node.values and _is_statement(node.values[0]) and _is_pasted(node):
            yield node.lineno, "a statement is built from values: use bind parameters"


def _is_statement(head: ast.expr) -> bool:
    return isinstance(head, ast.Constant) and bool(_STATEMENT.match(str(head.value)))


def _is_pasted(node: ast.expr) -> bool:
    """An f-string with values other than CONSTANTS, or text joined with `%` or `.format`, where binds would be possible."""
    if isinstance(node, ast.JoinedStr):
        values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        head = node.values[0] if node.values else None
        if isinstance(head, ast.Constant) and _NO_BINDS.match(str(head.value)):
            return False
        return not all(last_name(value).isupper() for value in values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return isinstance(node.left, ast.Constant | ast.JoinedStr)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and not dotted_name(node.func.value)
    )


RULES = (Rule("commit", _find_commits), Rule("lock", _find_locks), Rule("sql-text", _find_pasted_sql))
