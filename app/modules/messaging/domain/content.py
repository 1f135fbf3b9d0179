"""What other modules give for a mail, and how they announce it."""

import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping

FULL, EMPTY = "●", "○"
MAX_CIRCLES = 20
MAX_GREETED_NAME = 40
_GREETABLE = re.compile(r"[^\W\d_]+(?:(?:\. |[ '’-])[^\W\d_]+)*\.?")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """The values of one mail, made at the moment of sending, in its language.

    `brand_colour` (#rrggbb) colours it; `logo_link` is the absolute address of a picture for its head, empty for none.
    `values` may hold a `merchant_address` of their own; without, the mail carries that of the store it was asked for.
    """

    brand_colour: str
    values: Mapping[str, str]
    logo_link: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailBrand:
    """How a merchant's mails look: the colour (#rrggbb), and the absolute address of its logo, empty for none."""

    colour: str
    logo_link: str = ""


Provider = Callable[..., Awaitable[MailContent]]
"""`async def provider(ctx, *, message_id, locale, **ids) -> MailContent`; ids are those given to `enqueue_mail`, as UUIDs."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSpec:
    """A mail that a module can send: the template's code, the variables it gives, and the import path of its provider.

    `provider` is "package.module:function", imported by the worker at first use.
    """

    code: str
    variables: frozenset[str]
    provider: str


def stamp_row(stamps: int, target: int) -> str:
    """Return a card's stamps as circles, `●●●○○`; as `3 / 50` for more than twenty. `stamps` over the target fill the row."""
    if target > MAX_CIRCLES:
        return f"{stamps} / {target}"
    full = max(0, min(stamps, target))
    return FULL * full + EMPTY * (target - full)


def greetable_name(first_name: str | None) -> str | None:
    """Return the name if a mail may greet with it, else None.

    A public form takes any text as a name and any address: a greeting must not carry a stranger's advertisement.
    """
    name = (first_name or "").strip()
    return name if len(name) <= MAX_GREETED_NAME and len(name.split()) <= 3 and _GREETABLE.fullmatch(name) else None
