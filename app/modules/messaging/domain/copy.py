"""From a template's copy (a few sentences in one language) and the layout to a whole template: MJML, and the plain text."""

import dataclasses
import html
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.template import (
    BASE_VARIABLES,
    CHOICE_VARIABLES,
    PLATFORM_NAME,
    PLATFORM_VARIABLES,
    SENTENCE_VARIABLES,
    placeholders,
)

_SLOT = re.compile(r"\[\[(\w+)\]\]")
SenderName = Literal["merchant", "platform"]
PARAGRAPH = '        <mj-text css-class="ink">[[text]]</mj-text>'
LOGO_PICTURE = '<img src="{{logo_link}}" alt="" height="40" style="height:40px;max-width:160px;vertical-align:middle;margin-right:12px">'
CARD_TEXT = "{{card_name}}\n{{card_progress}}\n{{card_number}}"
RULE = "-- "  # what mail readers take for the start of a signature


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose name a mail is written: the name at its head, and the line at its foot. Both may hold `{{name}}`."""

    name: str
    picture: str
    signature: str
    variables: frozenset[str]


MERCHANT = Sender(
    name="{{merchant_name}}", picture=LOGO_PICTURE, signature="{{merchant_name}} · {{merchant_address}}", variables=BASE_VARIABLES
)
PLATFORM = Sender(name=PLATFORM_NAME, picture="", signature=PLATFORM_NAME, variables=PLATFORM_VARIABLES)
SENDERS = {"merchant": MERCHANT, "platform": PLATFORM}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailCopy:
    """The sentences of a mail in one language; each may hold `{{name}}`. `before` and `after` are paragraphs."""

    subject: str
    preheader: str
    heading: str
    before: tuple[str, ...]
    button: str
    after: tuple[str, ...]
    reason: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "MailCopy":
        """Return the copy in one language's part of a template file; TypeError names what is missing or unknown."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}
        return cls(**values)

    def sentences(self) -> Mapping[str, str]:
        """Return the texts by field; those of paragraphs in one, so that all of a field's placeholders are seen."""
        return {name: value if isinstance(value, str) else "\n\n".join(value) for name, value in dataclasses.asdict(self).items()}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailFrame:
    """What a template is besides its sentences, alike in all languages; nobody edits it.

    `variables` are the mail's own, `required` those of them without which a version would not say what it must; the button
    leads to the value of `button_link`.
    """

    category: MailCategory
    sender: SenderName
    has_card: bool
    button_link: str
    variables: frozenset[str]
    required: frozenset[str]

    @property
    def allowed(self) -> frozenset[str]:
        """Every variable that layout and sentences together may use."""
        return allowed_variables(self.variables, sender=self.sender, category=self.category)

    @property
    def offered(self) -> frozenset[str]:
        """The variables that somebody who writes the sentences may use."""
        return self.variables | (SENDERS[self.sender].variables & SENTENCE_VARIABLES)

    @property
    def shown_by_layout(self) -> frozenset[str]:
        """The mail's own variables that stand in it whatever the sentences say: the button's address, and the card's."""
        return frozenset({self.button_link}) | (placeholders(CARD_TEXT) if self.has_card else frozenset())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The one look of all mails: MJML with `[[slots]]`, the card's section, and the words of the foot in one language."""

    mjml: str
    card: str
    unsubscribe: str
    preferences: str


def allowed_variables(own: Iterable[str], *, sender: str, category: MailCategory) -> frozenset[str]:
    """Return every variable of a template with the `own` variables of its mail: those that messaging gives, too."""
    choices = CHOICE_VARIABLES if category.can_be_switched_off else frozenset()
    return SENDERS[sender].variables.union(own, choices)


def fill_slots(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each `[[name]]` replaced; KeyError for a slot without a value."""
    return _SLOT.sub(lambda match: values[match.group(1)], text)


def build_mjml(copy: MailCopy, frame: MailFrame, layout: Layout, locale: str) -> str:
    """Return the MJML document: the layout with the copy in its slots."""

    def paragraphs(texts: tuple[str, ...]) -> str:
        return "\n".join(fill_slots(PARAGRAPH, {"text": html.escape(text)}) for text in texts)

    sender = SENDERS[frame.sender]
    slots = {
        "locale": locale,
        "picture": sender.picture,
        "sender": html.escape(sender.name),
        "signature": html.escape(sender.signature),
        "subject": html.escape(copy.subject),
        "preheader": html.escape(copy.preheader),
        "heading": html.escape(copy.heading),
        "before": paragraphs(copy.before),
        "card": layout.card if frame.has_card else "",
        "button_link": frame.button_link,
        "button": html.escape(copy.button),
        "after": paragraphs(copy.after),
        "reason": html.escape(copy.reason),
        "choices": _choices(layout) if frame.category.can_be_switched_off else "",
    }
    return fill_slots(layout.mjml, slots)


def build_text(copy: MailCopy, frame: MailFrame, layout: Layout) -> str:
    """Return the plain text: the same sentences in the same order, the button as its label and address."""
    foot = [RULE, SENDERS[frame.sender].signature, copy.reason]
    if frame.category.can_be_switched_off:
        foot += [f"{layout.unsubscribe}: {{{{unsubscribe_link}}}}", f"{layout.preferences}: {{{{preferences_link}}}}"]
    parts = [
        copy.heading,
        *copy.before,
        CARD_TEXT if frame.has_card else "",
        f"{copy.button}:\n{{{{{frame.button_link}}}}}",
        *copy.after,
        "\n".join(foot),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _choices(layout: Layout) -> str:
    words = (("unsubscribe_link", layout.unsubscribe), ("preferences_link", layout.preferences))
    return "<br>" + " · ".join(f'<a href="{{{{{link}}}}}">{html.escape(text)}</a>' for link, text in words)
