"""Every entry that the code writes into the audit log has a name for people: what was done, to what, and each of its details."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import app as package
from app.core import audit_log
from app.core.i18n import use_locale
from app.core.modules import load_modules
from app.modules.loyalty.services import program_service
from app.modules.tenancy.services import merchant_service, store_service

ROOT = Path(package.__file__).parent
WRITERS = {"audit.record", "audit.record_many"}
IDS = ("id", "_id", "sources")
"""Ends of names of details that are ids: in the downloads, not on the page."""


def written() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, ast.Call]]:
    """Each place that writes an entry, with the function around it."""
    for path in sorted(ROOT.rglob("*.py")):
        if "tests" in path.relative_to(ROOT).parts:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITERS:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", function, node


def texts(node: ast.expr, function: ast.AST) -> list[str]:
    """The texts that an argument can be: written out, one of two, or a variable that the function sets to such a text."""
    if isinstance(node, ast.IfExp):
        return texts(node.body, function) + texts(node.orelse, function)
    if isinstance(node, ast.Name):
        values = [found.value for found in ast.walk(function) if isinstance(found, ast.Assign) and ast.unparse(found.targets[0]) == node.id]
        return [text for value in values for text in texts(value, function)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


@pytest.fixture(scope="module", autouse=True)
def modules() -> None:
    load_modules()


def test_every_action_and_every_thing_has_a_name() -> None:
    actions: set[str] = set()
    things: set[str] = set()
    for place, function, call in written():
        found = texts(call.args[1], function)
        assert found, f"{place}: write the action as plain text"
        actions.update(found)
        things.update(texts(call.args[2], function))
    actions |= set(re.findall(r"'(\w+\.\w+\.\w+)'", "".join(path.read_text() for path in ROOT.rglob("migrations/**/*_00?.py"))))
    assert sorted(actions) == sorted(audit_log.known_actions())
    assert sorted(things) == sorted(audit_log.known_things())


def test_every_detail_has_a_name() -> None:
    names = {keyword.arg for _, _, call in written() for keyword in call.keywords if keyword.arg}
    names |= {field.name for field in dataclasses.fields(program_service.SettingsForm)} | set(program_service.EDITABLE) - {"terms_text"}
    names |= merchant_service.CHANGEABLE | store_service.CHANGEABLE | {"first_name", "last_name", "email", "phone", "locale", "birth_date"}
    shown = {name for name in names if not name.endswith(IDS)}
    assert len(shown) > 30
    assert sorted(shown - set(audit_log.known_words())) == []


@pytest.mark.parametrize("locale", ["fr", "de", "lb"])
def test_names_are_in_the_readers_language(locale: str) -> None:
    with use_locale("en"):
        english = {action: audit_log.title_of(action) for action in audit_log.known_actions()}
    with use_locale(locale):
        assert [action for action, title in english.items() if audit_log.title_of(action) == title] == []


def test_an_entry_is_said_in_words_without_ids() -> None:
    identifier = "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f"
    details = {
        "old": ["manager", identifier], "new": ["staff", None], "fields": ["birth_date", "phone"], "reason": "Verluer",
        "store_id": identifier, "is_active": False, "counts": {"cards": 2, "mails": 1_500},
        "changes": {"points_per_euro": "2", "terms_cms_page_slug": None}, "unknown_word": 3,
    }  # fmt: skip
    with use_locale("de"):
        assert audit_log.describe(details) == [
            ("Vorher", "Leitung"), ("Danach", "Team"), ("Felder", "Geburtstag und Telefon"), ("Grund", "Verluer"), ("Aktiv", "Nein"),
            ("Einträge", "1.502"), ("Änderungen", "Punkte pro Euro: 2"), ("unknown word", "3"),
        ]  # fmt: skip
    assert audit_log.title_of("probe.0000.some_thing") == "probe · 0000 · some thing"
    assert audit_log.thing_of("some_thing") == "some thing"
