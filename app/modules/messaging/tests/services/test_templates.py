"""The mails that this module delivers, in all languages: complete, alike, without anything from outside."""

import re

import asyncpg
import pytest

from app.core.i18n.locale import LOCALES
from app.core.modules import load_modules
from app.modules.messaging.domain.content import TemplateSpec
from app.modules.messaging.domain.sentences import check_copy
from app.modules.messaging.domain.template import RenderedMail, placeholders, render
from app.modules.messaging.errors import TemplateVariableException, UnknownTemplateException
from app.modules.messaging.migrations.messaging_003 import SEEDS
from app.modules.messaging.services import template_service
from app.modules.messaging.services.template_seeds import SeededMail, read_document, read_documents
from app.modules.messaging.services.template_service import register_template

MAILS = {(mail.template.code, mail.template.locale): mail for mail in read_documents(SEEDS)}
CODES = sorted({code for code, _locale in MAILS})
OUTSIDE = re.compile(r"(src|background)=[\"']|@import|url\(|<link|<script|<img", re.IGNORECASE)
FAMILIAR = {"fr": r"\b(tu|te|ta|ton|tes|toi)\b", "de": r"\b(du|dich|dir|dein\w*)\b", "lb": r"\b(du|dech|däin\w*|deng\w*)\b"}
LINK, LOGO = "https://orion.example/somewhere#x", "https://orion.example/logos/a/b.png"
BASE = {
    "greeting": "Moien Léa,",
    "merchant_name": "Bäckerei Käppchen & Fils",
    "merchant_address": "1, rue du Fort, L-1234 Luxembourg",
    "brand_colour": "#7c2d12",
    "brand_text_colour": "#ffffff",
    "logo_link": "",
}


def values_for(mail: SeededMail) -> dict[str, str]:
    """A value for everything that the mail may use: the samples, and an address for every link."""
    links = {name: LINK for name in mail.frame.allowed if name.endswith("_link")}
    return {name: value for name, value in (links | BASE | dict(mail.samples)).items() if name in mail.frame.allowed}


def show(mail: SeededMail, **values: str) -> RenderedMail:
    return render(mail.template, values_for(mail) | values)


def test_every_mail_is_there_in_every_language() -> None:
    assert set(MAILS) == {(code, locale) for code in CODES for locale in LOCALES}
    assert {"customer_sign_in", "loyalty_card_link", "password_changed", "password_link", "user_added", "user_invited"} <= set(CODES)


@pytest.mark.parametrize(("code", "locale"), sorted(MAILS))
def test_it_renders_completely(code: str, locale: str) -> None:
    mail = MAILS[code, locale]
    rendered = show(mail)
    for part in (rendered.subject, rendered.html, rendered.text):
        assert "{{" not in part
        assert "[[" not in part
    assert f'lang="{locale}"' in rendered.html
    sender = "Orion Loyalty" if mail.frame.sender == "platform" else BASE["merchant_name"]
    assert sender in rendered.text.splitlines() or f"{sender} · {BASE['merchant_address']}" in rendered.text.splitlines()
    assert sender.replace("&", "&amp;") in rendered.html
    for name in mail.frame.variables:
        assert values_for(mail)[name] in f"{rendered.subject}\n{rendered.text}", name
    assert not OUTSIDE.search(rendered.html)
    assert set(re.findall(r'href="([^"]*)"', rendered.html)) == {LINK}


@pytest.mark.parametrize(("code", "locale"), sorted(MAILS))
def test_what_we_deliver_could_be_saved_by_a_merchant(code: str, locale: str) -> None:
    mail = MAILS[code, locale]
    check_copy(mail.copy, mail.frame)
    assert mail.title
    assert mail.occasion.endswith(".")
    own = {name for name in mail.frame.variables if not name.endswith("_link")}
    assert own == mail.samples.keys(), "a preview needs a sample of every variable"


@pytest.mark.parametrize("code", CODES)
def test_every_language_uses_the_same_variables(code: str) -> None:
    for part in ("subject", "html", "text"):
        used = {locale: placeholders(getattr(MAILS[code, locale].template, part)) for locale in LOCALES}
        assert len(set(used.values())) == 1, used
    assert MAILS[code, "en"].template.used_variables() == MAILS[code, "en"].template.variables


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_words_of_its_own(code: str) -> None:
    texts = [MAILS[code, locale].template.text for locale in LOCALES]
    lines = [{line for line in text.splitlines() if re.sub(r"\{\{\w+\}\}|^Orion Loyalty$|\W", "", line)} for text in texts]
    for index, mine in enumerate(lines):
        for other in lines[index + 1 :]:
            assert not mine & other


@pytest.mark.parametrize(("code", "locale"), [pair for pair in sorted(MAILS) if pair[1] in FAMILIAR])
def test_people_are_addressed_politely(code: str, locale: str) -> None:
    assert not re.search(FAMILIAR[locale], MAILS[code, locale].template.text.lower())


def test_the_logo_stands_at_the_head_and_leaves_no_gap_without_one() -> None:
    mail = MAILS["customer_sign_in", "en"]
    with_logo, without = show(mail, logo_link=LOGO), show(mail)
    (picture,) = re.findall(r"<img\b[^>]*>", with_logo.html)
    assert f'src="{LOGO}"' in picture
    assert 'alt=""' in picture
    assert with_logo.html.replace(picture, "") == without.html
    assert with_logo.text == without.text
    with pytest.raises(TemplateVariableException):
        show(mail, logo_link="/logos/a/b.png")


def test_the_platforms_mails_have_no_merchants_logo() -> None:
    assert "logo_link" not in MAILS["password_link", "en"].frame.allowed


@pytest.mark.parametrize("category", ["service", "reminder", "marketing"])
def test_what_can_be_switched_off_says_how(category: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    document = (SEEDS / "customer_sign_in.toml").read_text(encoding="utf-8").replace('"service"', f'"{category}"')
    path = tmp_path_factory.mktemp("mails") / "a_mail.toml"
    path.write_text(document, encoding="utf-8")
    links = {"unsubscribe_link": "https://orion.example/u", "preferences_link": "https://orion.example/p"}
    for mail in read_document(path):
        if category == "service":
            assert not links.keys() & mail.frame.allowed
            continue
        rendered = show(mail, **links)
        words = {"en": "Unsubscribe from these e-mails", "fr": "Se désinscrire", "de": "abmelden", "lb": "ofmellen"}[mail.template.locale]
        assert words in rendered.text
        assert words in rendered.html
        for address in links.values():
            assert f'href="{address}"' in rendered.html
            assert address in rendered.text
        with pytest.raises(TemplateVariableException, match="template_variable"):
            render(mail.template, {name: value for name, value in values_for(mail).items() if name != "unsubscribe_link"})


def test_a_document_without_a_required_variable_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    document = (SEEDS / "customer_sign_in.toml").read_text(encoding="utf-8").replace("{{valid_minutes}}", "15")
    path = tmp_path_factory.mktemp("mails") / "a_mail.toml"
    path.write_text(document, encoding="utf-8")
    with pytest.raises(TemplateVariableException) as caught:
        read_document(path)
    assert caught.value.params == {"names": "valid_minutes"}


async def test_whoever_gives_values_gives_those_that_the_template_names(superuser: asyncpg.Connection) -> None:
    load_modules()
    rows = await superuser.fetch("SELECT code, variables FROM email_templates WHERE locale = 'en'")
    stored = {row["code"]: set(row["variables"]) for row in rows}
    for code, spec in template_service._specs.items():
        assert set(spec.variables) == stored[code], code


def test_registering_checks_the_owner() -> None:
    spec = TemplateSpec(code="a_mail", variables=frozenset(), provider="a:b")
    with pytest.raises(UnknownTemplateException):
        template_service.find_spec("a_mail")
    try:
        register_template(spec)
        register_template(spec)
        assert template_service.find_spec("a_mail") == spec
        with pytest.raises(ValueError, match="registered twice"):
            register_template(TemplateSpec(code="a_mail", variables=frozenset(), provider="c:d"))
        with pytest.raises(ValueError, match="registered twice"):
            template_service.register_brand("c:d")
    finally:
        template_service._specs.pop("a_mail", None)
