"""All templates in all languages: complete, alike, without anything from outside."""

import re

import pytest

from app.core.i18n.locale import LOCALES
from app.modules.messaging.domain.content import TemplateSpec
from app.modules.messaging.domain.template import placeholders, render
from app.modules.messaging.errors import TemplateVariableException, UnknownTemplateException
from app.modules.messaging.services import template_service
from app.modules.messaging.services.template_service import get_template, list_codes, register_template
from app.modules.messaging.tests.contents import OF_THE_PLATFORM, VALUES, base_values

ALL = [(code, locale) for code in sorted(VALUES) for locale in LOCALES]
OUTSIDE = re.compile(r"(src|background)=[\"']|@import|url\(|<link|<script|<img", re.IGNORECASE)
FAMILIAR = {"fr": r"\b(tu|te|ta|ton|tes|toi)\b", "de": r"\b(du|dich|dir|dein\w*)\b", "lb": r"\b(du|dech|däin\w*|deng\w*)\b"}


def test_the_templates_are_those_tested_here() -> None:
    assert set(list_codes()) == set(VALUES)


@pytest.mark.parametrize(("code", "locale"), ALL)
def test_it_renders_completely(code: str, locale: str) -> None:
    rendered = render(get_template(code, locale), base_values(code) | VALUES[code])
    for part in (rendered.subject, rendered.html, rendered.text):
        assert "{{" not in part
        assert "[[" not in part
    assert f'lang="{locale}"' in rendered.html
    sender = "Orion Loyalty" if code in OF_THE_PLATFORM else "Bäckerei Käppchen & Fils"
    assert sender in rendered.text.splitlines() or f"{sender} · 1, rue du Fort, L-1234 Luxembourg" in rendered.text.splitlines()
    assert sender.replace("&", "&amp;") in rendered.html
    for name, value in VALUES[code].items():
        assert value in rendered.text, name
    assert not OUTSIDE.search(rendered.html)
    assert all(address in VALUES[code].values() for address in re.findall(r'href="([^"]*)"', rendered.html))


@pytest.mark.parametrize("code", sorted(VALUES))
def test_every_language_uses_the_same_variables(code: str) -> None:
    for part in ("subject", "html", "text"):
        used = {locale: placeholders(getattr(get_template(code, locale), part)) for locale in LOCALES}
        assert len(set(used.values())) == 1, used
    template = get_template(code, "en")
    assert template.used_variables() == template.variables


@pytest.mark.parametrize("code", sorted(VALUES))
def test_every_language_has_words_of_its_own(code: str) -> None:
    texts = [get_template(code, locale).text for locale in LOCALES]
    lines = [{line for line in text.splitlines() if re.sub(r"\{\{\w+\}\}|^Orion Loyalty$|\W", "", line)} for text in texts]
    for index, mine in enumerate(lines):
        for other in lines[index + 1 :]:
            assert not mine & other


@pytest.mark.parametrize(("code", "locale"), [pair for pair in ALL if pair[1] in FAMILIAR])
def test_people_are_addressed_politely(code: str, locale: str) -> None:
    assert not re.search(FAMILIAR[locale], get_template(code, locale).text.lower())


@pytest.mark.parametrize(("code", "locale"), [("unknown", "en"), ("loyalty_enrollment", "es"), ("../layout", "en")])
def test_an_unknown_template_is_refused(code: str, locale: str) -> None:
    with pytest.raises(UnknownTemplateException):
        get_template(code, locale)


def test_registering_checks_code_variables_and_owner() -> None:
    code = "customer_sign_in"
    spec = TemplateSpec(code=code, variables=frozenset(VALUES[code]), provider="a:b")
    before = template_service._specs.pop(code, None)
    try:
        with pytest.raises(UnknownTemplateException):
            template_service.find_spec(code)
        register_template(spec)
        register_template(spec)
        with pytest.raises(ValueError, match="registered twice"):
            register_template(TemplateSpec(code=code, variables=spec.variables, provider="c:d"))
        del template_service._specs[code]
        with pytest.raises(TemplateVariableException):
            register_template(TemplateSpec(code=code, variables=frozenset({"sign_in_link", "other"}), provider="a:b"))
    finally:
        template_service._specs.pop(code, None)
        if before is not None:
            register_template(before)
    with pytest.raises(UnknownTemplateException):
        register_template(TemplateSpec(code="unknown", variables=frozenset(), provider="a:b"))
