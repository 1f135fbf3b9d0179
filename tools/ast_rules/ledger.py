"""The ledger's monopoly: two files append to loyalty_transactions and move the balances on cards, and no other (B5)."""

import ast
import re
from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source, last_name

WRITERS = ("app/modules/loyalty/services/ledger.py", "app/modules/loyalty/services/ledger_expiry.py")
BALANCES = (
    "stamp_count", "points_balance", "points_owed", "total_stamps_earned", "total_stamps_redeemed", "total_stamps_voided",
    "total_points_earned", "total_points_redeemed", "total_points_voided",
)  # fmt: skip
_APPEND = re.compile(r"\b(INSERT\s+INTO|MERGE\s+INTO|UPDATE|DELETE\s+FROM|COPY|TRUNCATE)\s+(ONLY\s+)?loyalty_transactions\b", re.IGNORECASE)
_CARD_UPDATE = re.compile(r"\bUPDATE\s+(ONLY\s+)?loyalty_cards\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ASSIGNED = re.compile(rf"(\b({'|'.join(BALANCES)})\b\s*=|\?)")
_ORM = frozenset({"insert", "update", "delete"})


def _find_writers(source: Source) -> Iterator[Finding]:
    if source.is_test or "migrations" in source.path.parts or not source.is_under("app") or source.is_under(*WRITERS):
        return
    message = "only services/ledger.py and services/ledger_expiry.py write rows of the ledger and balances of cards"
    for line, text in _statements(source):
        if _APPEND.search(text) or _moves_balances(text):
            yield line, message
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and last_name(node.func) in _ORM and node.args and last_name(node.args[0]) == "Transaction":
            yield node.lineno, message
        elif isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) and target.attr in BALANCES for target in targets):
                yield node.lineno, message


def _moves_balances(text: str) -> bool:
    """Whether an UPDATE of cards sets a balance, or columns that cannot be read off the statement."""
    found = _CARD_UPDATE.search(text)
    if found is None:
        return False
    assignments = re.split(r"\b(?:FROM|WHERE|RETURNING)\b", found["rest"], maxsplit=1, flags=re.IGNORECASE)[0]
    return bool(_ASSIGNED.search(assignments))


def _statements(source: Source) -> Iterator[tuple[int, str]]:
    """Every string that is not a docstring with its line; values in an f-string are shown as `?`."""
    pieces = {id(part) for node in ast.walk(source.tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in source.docstrings | pieces:
            yield node.lineno, node.value


RULES = (Rule("ledger-writer", _find_writers),)
