"""A file has at most 400 lines, a function 70."""

from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70


def _find_long_files(source: Source) -> Iterator[Finding]:
    if "migrations" not in source.path.parts and len(source.lines) > MAX_FILE_LINES:
        yield 1, f"{len(source.lines)} lines, at most {MAX_FILE_LINES}: split it by verb"


def _find_long_functions(source: Source) -> Iterator[Finding]:
    if "migrations" in source.path.parts:
        return
    for function in source.functions():
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > MAX_FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


RULES = (Rule("file-size", _find_long_files), Rule("function-size", _find_long_functions))
