"""Mail templates: `{{name}}` from an allow-list, escaped, and nothing else. Not a programming language on purpose."""

import dataclasses
import html
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from app.modules.messaging.domain.colours import COLOUR
from app.modules.messaging.errors import TemplateVariableException

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_BREAKABLE = re.compile(r"[^\S\u00a0\u202f]+")  # white space, but for what holds a number and its digits together
_LOGO = re.compile(r"<img\b[^>]*\{\{logo_link\}\}[^>]*>")

PLATFORM_NAME = "Orion Loyalty"
PLATFORM_COLOUR = "#4338ca"  # the product's accent, as in frontend/css/tokens.css
LOGO = "logo_link"
PLATFORM_VARIABLES = frozenset({"greeting", "brand_colour", "brand_text_colour"})
"""What every template may use: messaging knows these itself (the colour of a merchant's program comes with the content)."""
BASE_VARIABLES = PLATFORM_VARIABLES | {"merchant_name", "merchant_address", LOGO}
"""What a template of a mail in a merchant's name may use. `logo_link` may be empty: then there is no picture."""
CHOICE_VARIABLES = frozenset({"unsubscribe_link", "preferences_link"})
"""What the foot of a mail that can be switched off uses."""
SENTENCE_VARIABLES = frozenset({"greeting", "merchant_name", "merchant_address"})
"""The base variables that make sense in a sentence; the others belong to the layout."""


@dataclasses.dataclass(frozen=True, slots=True)
class MailTemplate:
    """A template in one language. `variables` is the allow-list; subject, HTML and text use a part of it."""

    code: str
    locale: str
    subject: str
    html: str
    text: str
    variables: frozenset[str]

    def used_variables(self) -> frozenset[str]:
        """Return the names that subject, HTML or text use."""
        return placeholders(self.subject) | placeholders(self.html) | placeholders(self.text)

    def check(self) -> "MailTemplate":
        """Return self; TemplateVariableException for names that are not allowed, or braces that are no placeholder."""
        unknown = self.used_variables() - self.variables
        for part in (self.subject, self.html, self.text):
            if has_loose_braces(part):
                unknown |= {"{{ }}"}
        if unknown:
            raise TemplateVariableException(unknown)
        return self


@dataclasses.dataclass(frozen=True, slots=True)
class RenderedMail:
    """What is sent: subject on one line, both bodies complete."""

    subject: str
    html: str
    text: str


def placeholders(text: str) -> frozenset[str]:
    """Return the names of the placeholders in `text`."""
    return frozenset(_PLACEHOLDER.findall(text))


def has_loose_braces(text: str) -> bool:
    """Whether `text` holds double braces that are no placeholder, such as `{{name|upper}}` or `{{name`."""
    return _BRACES.search(_PLACEHOLDER.sub("", text)) is not None


def render(template: MailTemplate, values: Mapping[str, str]) -> RenderedMail:
    """Return the mail with `values` filled in, escaped for where they stand, in one pass: a value is never a template.

    TemplateVariableException when a needed value is missing, a given one is not allowed, a `…_colour` is no #rrggbb, or a
    `…_link` no absolute web address (`logo_link` may be empty, then the picture is left out).
    """
    template.check()
    missing = template.used_variables() - values.keys()
    unknown = values.keys() - template.variables
    if faulty := missing | unknown | set(_misplaced(values)):
        raise TemplateVariableException(faulty)
    plain = {name: _CONTROL.sub(" ", value).strip() for name, value in values.items()}
    escaped = {name: html.escape(value) for name, value in plain.items()}
    body = template.html if plain.get(LOGO) else _LOGO.sub("", template.html)
    return RenderedMail(
        subject=_BREAKABLE.sub(" ", fill_variables(template.subject, plain)).strip(),
        html=fill_variables(body, escaped),
        text=fill_variables(template.text, plain),
    )


def _misplaced(values: Mapping[str, str]) -> Iterable[str]:
    for name, value in values.items():
        if name.endswith("_colour") and not COLOUR.fullmatch(value):
            yield name
        elif name.endswith("_link") and not (name == LOGO and not value):
            address = urlsplit(value)
            if address.scheme not in ("http", "https") or not address.netloc or _CONTROL.search(value) or " " in value:
                yield name


def fill_variables(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its placeholders replaced as they are, in one pass; KeyError for one without a value."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)
