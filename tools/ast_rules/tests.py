"""Tests: each asserts something, none waits for time to pass, none replaces our own code."""

import ast
from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source, dotted_name

_CHECKING_CALLS = ("assert", "expect", "raises", "warns", "fail", "deprecated_call")


def _is_check(node: ast.AST) -> bool:
    """An assertion about something, or a call of a helper whose name says that it asserts."""
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant)
    if isinstance(node, ast.Call):
        name = dotted_name(node.func).rpartition(".")[2].lstrip("_")
        return name.startswith(_CHECKING_CALLS)
    return False


def _find_empty_tests(source: Source) -> Iterator[Finding]:
    if not source.path.name.startswith("test_"):
        return
    for function in source.functions():
        if function.name.startswith("test_") and not any(_is_check(node) for node in ast.walk(function)):
            yield function.lineno, f"{function.name} asserts nothing"


def _find_sleeps(source: Source) -> Iterator[Finding]:
    if not source.is_test:
        return
    for call, name in source.calls():
        if name in {"time.sleep", "asyncio.sleep", "anyio.sleep"}:
            is_yield = bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
            if not is_yield:
                yield call.lineno, f"{name} makes a test slow and shaky: wait for the event, or move the clock"


def _find_mocks(source: Source) -> Iterator[Finding]:
    if not source.is_test:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            continue
        if any(name.startswith("unittest.mock") for name in names):
            yield node.lineno, "no mock: use the real thing, a fake server, or an argument"


RULES = (Rule("test-asserts", _find_empty_tests), Rule("sleep", _find_sleeps), Rule("mock", _find_mocks))
