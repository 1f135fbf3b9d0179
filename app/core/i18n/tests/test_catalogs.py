"""Look-ups, plural forms and the two promises of interpolation: it never raises, and never reads values as text of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from app.core.i18n import catalogs, jinja, ngettext, translate, use_locale
from app.core.i18n import gettext as _

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {plural}\\n"\n\n'
FRENCH = """\
msgid "Hello %(name)s"
msgstr "Bonjour %(name)s"

#. script
msgid "%(num)s stamp"
msgid_plural "%(num)s stamps"
msgstr[0] "%(num)s tampon"
msgstr[1] "%(num)s tampons"

msgctxt "verb"
msgid "Open"
msgstr "Ouvrir"

msgid "Open"
msgstr "Ouvert"

msgid "See <b>%(what)s</b>"
msgstr "Voir <b>%(what)s</b>"

msgid "Untranslated"
msgstr ""
"""


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The application's catalogs replaced by one small French file, read from disk by the same code."""
    path = tmp_path / "fr" / catalogs.DOMAIN_PATH
    path.parent.mkdir(parents=True)
    path.write_text(HEADER.format(plural=catalogs.PLURAL_FORMS["fr"][1]) + FRENCH, encoding="utf-8")
    with monkeypatch.context() as patch, use_locale("fr"):
        patch.setattr(catalogs, "locale_directories", lambda: {"loyalty": tmp_path})
        catalogs.get_catalogs.cache_clear()
        catalogs._known_messages.cache_clear()
        yield
    catalogs.get_catalogs.cache_clear()
    catalogs._known_messages.cache_clear()


@pytest.mark.usefixtures("french")
def test_texts_plurals_and_contexts() -> None:
    assert _("Hello %(name)s", name="Léa") == "Bonjour Léa"
    assert [ngettext("%(num)s stamp", "%(num)s stamps", n) for n in (0, 1, 2)] == ["0 tampon", "1 tampon", "2 tampons"]
    assert _("%(num)s stamp", num=1) == "1 tampon"
    assert (catalogs.pgettext("verb", "Open"), _("Open")) == ("Ouvrir", "Ouvert")


@pytest.mark.usefixtures("french")
def test_english_and_missing_translations_answer_the_msgid() -> None:
    assert translate("en", "Hello %(name)s", {"name": "Léa"}) == "Hello Léa"
    assert _("Untranslated") == "Untranslated"
    assert translate("zz", "Open") == "Open"
    with use_locale("en"):
        assert [ngettext("%(num)s stamp", "%(num)s stamps", n) for n in (0, 1)] == ["0 stamps", "1 stamp"]


@pytest.mark.usefixtures("french")
def test_a_missing_parameter_stays_visible_and_values_are_not_read_again() -> None:
    assert _("Hello %(name)s") == "Bonjour %(name)s"
    assert _("Hello %(name)s", name="%(secret)s %d 100%%", secret="x") == "Bonjour %(secret)s %d 100%%"
    assert _("100 % sure, 50 %% off") == "100 % sure, 50 % off"


@pytest.mark.usefixtures("french")
def test_templates_escape_values_and_texts_that_are_not_ours() -> None:
    environment = Environment(autoescape=True)
    jinja.install(environment)
    render = environment.from_string("{{ _(text, what=value) }}").render
    assert render(text="See <b>%(what)s</b>", value="<i>") == "Voir <b>&lt;i&gt;</b>"
    assert render(text="<script>", value="") == "&lt;script&gt;"
    block = environment.from_string("{% trans num=n %}{{ num }} stamp{% pluralize %}{{ num }} stamps{% endtrans %}")
    assert block.render(n=1) == "1 tampon"
    assert environment.from_string("{{ cents|money }}").render(cents=100) == "1,00\u00a0€"


@pytest.mark.usefixtures("french")
def test_scripts_get_only_the_messages_they_use() -> None:
    assert catalogs.script_messages("fr", ["core", "loyalty"]) == {"%(num)s stamp": ["%(num)s tampon", "%(num)s tampons"]}
    assert catalogs.script_messages("fr", ["core"]) == {}


def test_the_applications_own_catalogs_load() -> None:
    assert set(catalogs.get_catalogs()) == {"en", "fr", "de", "lb"}


@pytest.mark.parametrize(("locale", "forms"), [("fr", [0, 0, 1]), ("de", [1, 0, 1]), ("lb", [1, 0, 1]), ("en", [1, 0, 1])])
def test_plural_rule_of_each_language(locale: str, forms: list[int]) -> None:
    assert [catalogs.PLURAL_FORMS[locale][0](number) for number in (0, 1, 2)] == forms
