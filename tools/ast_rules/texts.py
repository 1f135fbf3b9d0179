"""Texts that people read are literals, so that extraction finds them; modules are named by imports, not by strings."""

import ast
import re
from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source, dotted_name, keyword

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


def _find_unmarked_labels(source: Source) -> Iterator[Finding]:
    for call, name in source.calls():
        label = keyword(call, "label")
        if name.endswith("MenuItem") and isinstance(label, ast.Constant) and not source.is_test:
            yield call.lineno, "a menu's label is read by people: mark it with N_()"
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or source.path.name != "errors.py":
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(dotted_name(target) == "message" for target in targets) and isinstance(node.value, ast.Constant):
            yield node.lineno, "an error's message is read by people: mark it with N_()"


def _find_foreign_paths(source: Source) -> Iterator[Finding]:
    if source.is_test or not source.is_under("app/core", "app/modules"):
        return
    own = source.path.parts[2] if source.is_under("app/modules") else None
    for line, text in source.texts():
        match = _MODULE_PATH.match(text)
        if match and match["module"] != own:
            yield line, f"{text} reaches into another module past its public.py"


RULES = (
    Rule("literal-text", _find_unextractable),
    Rule("unmarked-text", _find_unmarked_labels),
    Rule("string-import", _find_foreign_paths),
)
