"""From a template's copy (a few sentences in one language) and the layout to a whole template: MJML, and the plain text."""

import dataclasses
import html
import re
from collections.abc import Mapping
from typing import Any

from app.modules.messaging.domain.template import BASE_VARIABLES, PLATFORM_NAME, PLATFORM_VARIABLES

_SLOT = re.compile(r"\[\[(\w+)\]\]")
PARAGRAPH = "        <mj-text>[[text]]</mj-text>"
RULE = "-- "  # what mail readers take for the start of a signature


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose name a mail is written: the name at its head, and the line at its foot. Both may hold `{{name}}`."""

    name: str
    signature: str
    variables: frozenset[str]


MERCHANT = Sender(name="{{merchant_name}}", signature="{{merchant_name}} · {{merchant_address}}", variables=BASE_VARIABLES)
PLATFORM = Sender(name=PLATFORM_NAME, signature=PLATFORM_NAME, variables=PLATFORM_VARIABLES)
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


def fill_slots(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each `[[name]]` replaced; KeyError for a slot without a value."""
    return _SLOT.sub(lambda match: values[match.group(1)], text)


def build_mjml(copy: MailCopy, *, layout: str, card: str, locale: str, button_link: str, sender: Sender) -> str:
    """Return the MJML document: `layout` with the copy in its slots; `card` is the card's section, or empty."""

    def paragraphs(texts: tuple[str, ...]) -> str:
        return "\n".join(fill_slots(PARAGRAPH, {"text": html.escape(text)}) for text in texts)

    slots = {
        "locale": locale,
        "sender": html.escape(sender.name),
        "signature": html.escape(sender.signature),
        "subject": html.escape(copy.subject),
        "preheader": html.escape(copy.preheader),
        "heading": html.escape(copy.heading),
        "before": paragraphs(copy.before),
        "card": card,
        "button_link": button_link,
        "button": html.escape(copy.button),
        "after": paragraphs(copy.after),
        "reason": html.escape(copy.reason),
    }
    return fill_slots(layout, slots)


def build_text(copy: MailCopy, *, card: str, button_link: str, sender: Sender) -> str:
    """Return the plain text: the same sentences in the same order, the button as its label and address."""
    parts = [copy.heading, *copy.before]
    if card:
        parts.append(card)
    parts += [
        f"{copy.button}:\n{{{{{button_link}}}}}",
        *copy.after,
        f"{RULE}\n{sender.signature}\n{copy.reason}",
    ]
    return "\n\n".join(parts) + "\n"
