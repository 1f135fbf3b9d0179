"""The commands that keep the catalogs, run on a small tree with every kind of source file."""

import json
import threading
from pathlib import Path

import pytest

from tools.i18n import commands
from tools.i18n.__main__ import main
from tools.i18n.extraction import Entry
from tools.i18n.review import find_faults, polish

SOURCES = {
    "app/core/a.py": 'from x import _\n_("Save")\n# Translators: on a button\nN_("Go to %(place)s")\n',
    "app/core/tests/test_a.py": '_("Not for people")\n',
    "app/modules/loyalty/services/a.py": 'ngettext("%(num)s stamp", "%(num)s stamps", n)\n_(variable)\npgettext("verb", "Open")\n',
    "app/modules/loyalty/templates/a.html": "{# c #}<p>{{ _('Hello %(name)s', name=x) }}</p>{% trans n=n %}{{ n }} left{% endtrans %}",
    "frontend/js/pages/loyalty-terminal.js": "const x = _('Undo'); ngettext('%(num)s point', '%(num)s points', n);\n",
    "frontend/js/ui.js": "toast(`${_('Saved')}`)\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert main(["extract"], tmp_path) == 0
    return tmp_path


def read(tree: Path, owner: str, locale: str = "fr") -> str:
    return (tree / f"app/{owner}/locales/{locale}/LC_MESSAGES/messages.po").read_text(encoding="utf-8")


def test_every_text_goes_to_the_catalog_of_its_owner(tree: Path) -> None:
    missing = commands.list_missing(tree)
    assert missing["core"]["lb"] == ["Go to %(place)s", "Save", "Saved"]
    assert missing["loyalty"]["fr"] == [
        "%(n)s left",
        "%(num)s point|%(num)s points",
        "%(num)s stamp|%(num)s stamps",
        "Hello %(name)s",
        "verb\x04Open",
        "Undo",
    ]
    assert '#. script\nmsgid "Undo"' in read(tree, "modules/loyalty")
    assert "#. on a button" in read(tree, "core")


def test_the_same_sources_give_the_same_bytes(tree: Path) -> None:
    before = read(tree, "core")
    assert commands.extract_messages(tree) == []
    assert read(tree, "core") == before
    assert "POT-Creation-Date" not in before
    assert ".py" not in before


def test_fill_writes_good_texts_and_refuses_bad_ones(tree: Path) -> None:
    result = commands.fill_messages(
        tree,
        {
            "Save": {"fr": "Enregistrer", "de": "Speichern", "lb": "Späicheren"},
            "%(num)s stamp|%(num)s stamps": {"fr": ["%(num)s tampon", "%(num)s tampons"]},
            "Hello %(name)s": {"fr": "Bonjour %(nom)s", "de": "Hallo %(name)s"},
            "Nowhere": {"fr": "Nulle part"},
        },
    )
    assert result.filled == 5
    assert result.unknown == ["Nowhere"]
    assert len(result.refused) == 1
    assert "placeholders differ" in result.refused[0]
    assert 'msgid "Save"\nmsgstr "Enregistrer"' in read(tree, "core")
    assert 'msgstr[1] "%(num)s tampons"' in read(tree, "modules/loyalty")


def test_fill_never_overwrites(tree: Path) -> None:
    commands.fill_messages(tree, {"Save": {"fr": "Enregistrer"}})
    assert commands.fill_messages(tree, {"Save": {"fr": "Sauver"}}).filled == 0
    assert "Sauver" not in read(tree, "core")


def test_parallel_fills_lose_nothing(tree: Path) -> None:
    fragments: list[commands.Fragment] = [
        {"Save": {"de": "Speichern"}},
        {"Saved": {"de": "Gespeichert"}},
        {"Go to %(place)s": {"de": "%(place)s"}},
    ]
    threads = [threading.Thread(target=commands.fill_messages, args=(tree, fragment)) for fragment in fragments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "de" not in commands.list_missing(tree)["core"]


def test_a_text_that_moves_keeps_its_translation_and_one_that_goes_is_dropped(tree: Path) -> None:
    commands.fill_messages(tree, {"Save": {"fr": "Enregistrer"}})
    (tree / "app/core/a.py").write_text("", encoding="utf-8")
    (tree / "app/modules/loyalty/b.py").write_text('_("Save")\n', encoding="utf-8")
    commands.extract_messages(tree)
    assert 'Save"' not in read(tree, "core")
    assert 'msgstr "Enregistrer"' in read(tree, "modules/loyalty")


def test_check_finds_stale_missing_and_contradicting_texts(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "app/modules/loyalty/b.py").write_text('_("Save")\n', encoding="utf-8")
    problems = commands.find_problems(tree)
    assert any(problem.endswith("stale, run `python -m tools.i18n extract`") for problem in problems)
    assert "core lb: 'Save': not translated" in problems
    commands.extract_messages(tree)
    commands.fill_messages(tree, {"Save": {"fr": "Enregistrer"}})
    path = tree / "app/modules/loyalty/locales/fr/LC_MESSAGES/messages.po"
    path.write_text(path.read_text(encoding="utf-8").replace("Enregistrer", "Sauvegarder"), encoding="utf-8")
    assert any("core says ('Enregistrer',), loyalty says ('Sauvegarder',)" in problem for problem in commands.find_problems(tree))
    assert main(["check"], tree) == 1
    assert "problems." in capsys.readouterr().out


def test_the_command_line_fills_from_a_file_and_says_what_it_could_not(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fragment = tree / "fragment.json"
    fragment.write_text(json.dumps({"Save": {"fr": "Enregistrer"}, "Sav": {"fr": "x"}}), encoding="utf-8")
    assert main(["fill", str(fragment)], tree) == 1
    captured = capsys.readouterr()
    assert "1 texts filled" in captured.out
    assert "no catalog has 'Sav'" in captured.err


@pytest.mark.parametrize(
    ("message", "text", "locale", "fault"),
    [
        ("Go to %(place)s.", "%(place)s.", "de", None),
        ("Go to %(place)s.", "Los.", "de", "placeholders differ"),
        ("Save", " Speichern", "de", "leading or trailing space"),
        ("Save.", "Speichern", "de", "ends with"),
        ("<b>Save</b>", "Speichern", "de", "markup"),
        ("Sure?", "Vraiment ?", "fr", "ordinary space"),
        ("Sure?", "Vraiment\u202f?", "fr", None),
        ("Your card", "Ta carte", "fr", "familiar"),
        ("Your card", "Deine Karte", "de", "familiar"),
        ("You can", "Dir kënnt", "lb", None),
        ("You can", "Du kanns", "lb", "familiar"),
    ],
)
def test_faults_of_a_translation(message: str, text: str, locale: str, fault: str | None) -> None:
    found = list(find_faults(Entry(message, texts=(text,)), locale))
    assert (fault is None and not found) or (fault is not None and len(found) == 1 and fault in found[0])


def test_a_singular_may_leave_its_number_out() -> None:
    entry = Entry("%(num)s day", plural="%(num)s days", texts=("un jour", "%(num)s jours"))
    assert list(find_faults(entry, "fr")) == []


def test_polish_sets_the_typography() -> None:
    assert polish("L'adresse : vraiment ?", "fr") == "L’adresse\u00a0: vraiment\u202f?"
    assert polish("D'Kaart", "lb") == "D’Kaart"
