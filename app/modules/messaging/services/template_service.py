"""The templates of this release: copy and layout from files, compiled once per process, and who gives their values."""

import functools
import tomllib
from pathlib import Path
from typing import Any

from app.core.i18n.locale import LOCALES
from app.core.modules import load_attribute
from app.modules.messaging.domain.content import Provider, TemplateSpec
from app.modules.messaging.domain.copy import SENDERS, MailCopy, build_mjml, build_text
from app.modules.messaging.domain.template import MailTemplate
from app.modules.messaging.errors import TemplateVariableException, UnknownTemplateException

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "mail"
CARD_TEXT = "{{card_name}}\n{{card_progress}}\n{{card_number}}"

_specs: dict[str, TemplateSpec] = {}


def register_template(spec: TemplateSpec) -> None:
    """Announce who gives the values of a mail. ValueError when another module already does.

    UnknownTemplateException when there is no such template, TemplateVariableException when the values differ from its allow-list.
    """
    known = _specs.get(spec.code)
    if known is not None and known != spec:
        raise ValueError(f"the mail template {spec.code} is registered twice")
    if differing := spec.variables ^ frozenset(_read_document(spec.code)["variables"]):
        raise TemplateVariableException(differing)
    _specs[spec.code] = spec


def find_spec(code: str) -> TemplateSpec:
    """Return what is registered for the mail `code`; UnknownTemplateException when nothing is."""
    spec = _specs.get(code)
    if spec is None:
        raise UnknownTemplateException
    return spec


def find_provider(code: str) -> Provider:
    """Return the function that gives the values of the mail `code`; UnknownTemplateException when nobody registered it."""
    provider: Provider = load_attribute(find_spec(code).provider)
    return provider


def list_codes() -> list[str]:
    """Return the codes of all templates of this release."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@functools.cache
def get_template(code: str, locale: str) -> MailTemplate:
    """Return the template `code` in `locale`, compiled; UnknownTemplateException when there is none."""
    from mjml import mjml2html  # workers compile, the web never does

    document = _read_document(code)
    if locale not in LOCALES:
        raise UnknownTemplateException
    copy = MailCopy.from_document(document[locale])
    link, has_card = document["button_link"], document["has_card"]
    sender, card = SENDERS[document.get("sender", "merchant")], _read("card.mjml") if has_card else ""
    mjml = build_mjml(copy, layout=_read("layout.mjml"), card=card, locale=locale, button_link=link, sender=sender)
    return MailTemplate(
        code=code,
        locale=locale,
        subject=copy.subject,
        html=mjml2html(mjml),
        text=build_text(copy, card=CARD_TEXT if has_card else "", button_link=link, sender=sender),
        variables=frozenset(document["variables"]) | sender.variables,
    ).check()


@functools.cache
def _read_document(code: str) -> dict[str, Any]:
    if code not in list_codes():
        raise UnknownTemplateException
    return tomllib.loads(_read(f"{code}.toml"))


@functools.cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
