"""Texts that people read are literals, so that extraction finds them; modules are named by imports, not by strings."""

import ast
import re
from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source

_LITERAL_FIRST = frozenset({"N_", "_", "gettext"})
_MODULE_PATH = re.compile(r"^app\.modules\.(?P<module>\w+)(?P<rest>[.:].+)")


def _find_unextractable(source: Source) -> Iterator[Finding]:
    for call, name in source.calls():
        if name not in _LITERAL_FIRST | {"ngettext"}:
            continue
        for argument in call.args[: 2 if name == "ngettext" else 1]:
            if isinstance(argument, ast.JoinedStr | ast.BinOp):
                yield call.lineno, f"{name}() needs one literal with %(name)s placeholders: a built text is never translated"
            elif name in {"N_", "ngettext"} and not isinstance(argument, ast.Constant) and not source.is_under("app/core/i18n"):
                yield call.lineno, f"{name}() marks literals only"


def _find_foreign_paths(source: Source) -> Iterator[Finding]:
    if source.is_test or not source.is_under("app/core", "app/modules"):
        return
    own = source.path.parts[2] if source.is_under("app/modules") else None
    for line, text in source.texts():
        match = _MODULE_PATH.match(text)
        if match and match["module"] != own:
            yield line, f"{text} reaches into another module past its public.py"


RULES = (Rule("literal-text", _find_unextractable), Rule("string-import", _find_foreign_paths))
