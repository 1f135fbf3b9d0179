"""Templates by rule: they compile, name icons that exist, and hold nothing the content policy refuses."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from app.core.web import pages

ROOT = Path(pages.ROOT)
TEMPLATES = sorted([*ROOT.glob("core/templates/**/*.html"), *ROOT.glob("modules/*/templates/**/*.html")])
TAG = re.compile(r"<[a-zA-Z][^<>]*>")
ICON_CALLS = (
    re.compile(r"\bicon\(\s*\"([^\"]+)\""),
    re.compile(r"\bicon_button\(\s*\"([^\"]+)\""),
    re.compile(r"\bicon_(?:name|end)=\"([^\"]+)\""),
    re.compile(r"\"icon\":\s*\"([^\"]+)\""),
)
ALPINE_VALUES = re.compile(
    r"(?:\sx-(?:show|text|if|data|model|effect|init)|\s[@:][\w.:-]+|\"[@:][\w.:-]+\")"  # in a tag, or as a key of attrs={...}
    r"(?:=|:\s*)\"([^\"{}]*)\""
)
PYTHON_ICONS = re.compile(r"\bicon=\"([^\"]+)\"")


def icon_names() -> set[str]:
    names: set[str] = set(pages.environment().get_template("ui/_icon_names.html").module.icon_names)  # type: ignore[attr-defined]
    return names


def names_in(path: Path) -> set[str]:
    text = path.read_text()
    return {name for pattern in ICON_CALLS for name in pattern.findall(text)}


def draw(source: str) -> str:
    environment = pages.environment().overlay()
    environment.globals = {**environment.globals, "asset": lambda name: f"/static/dist/{name}"}
    return environment.from_string(source).render()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_compiles_and_names_icons_of_the_sprite(path: Path) -> None:
    pages.environment().compile(path.read_text(), filename=str(path))
    assert names_in(path) <= icon_names()


def test_menus_name_icons_of_the_sprite() -> None:
    used = {name for path in ROOT.glob("**/definition.py") for name in PYTHON_ICONS.findall(path.read_text())}
    assert used <= icon_names()


def test_the_phone_icon_is_the_icon_named_phone() -> None:
    assert "phone" in icon_names()
    assert "icons.svg#phone" in draw('{% from "ui/icon.html" import icon with context %}{{ icon("phone") }}')


@pytest.mark.parametrize(
    "source",
    [
        '{% from "ui/icon.html" import icon with context %}{{ icon("telephone") }}',
        '{% from "ui/button.html" import button with context %}{{ button("Call", icon_name="telephone") }}',
        '{% from "ui/button.html" import icon_button with context %}{{ icon_button("phone", "") }}',
    ],
)
def test_an_unknown_icon_or_a_button_without_a_name_fails(source: str) -> None:
    with pytest.raises(UndefinedError):
        draw(source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_inline(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style\b", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script or 'type="application/json"' in script, script
    for tag in TAG.findall(text):
        assert not re.search(r"\s(style|on[a-z]+)=", tag), tag
        assert not re.search(r"\s(x-html|:style|x-bind:style)=", tag), tag
        assert "javascript:" not in tag
        assert "data:" not in tag.replace("x-data:", ""), tag


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_alpine_only_names_properties_and_methods(path: Path) -> None:
    for value in ALPINE_VALUES.findall(path.read_text()):
        assert re.fullmatch(r"[A-Za-z_$][\w$.]*", value.strip()), f"{value!r}: put the logic into the component"


def test_the_lock_names_hashes_and_no_addresses() -> None:
    lock = (ROOT.parent / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "://" not in re.sub(r'"(url|funding)": "[^"]*"', "", lock)
    assert lock.count('"integrity"') > 100
