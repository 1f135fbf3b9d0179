"""Values for the templates, as loyalty gives them; registered for the tests of this module alone."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.core.context import Ctx
from app.core.modules import load_modules
from app.modules.customers import public as customers
from app.modules.messaging.domain.content import MailContent, TemplateSpec, stamp_row
from app.modules.messaging.services import template_service

COLOUR = "#7c2d12"
VALUES: dict[str, dict[str, str]] = {
    "loyalty_enrollment": {
        "card_name": "Bakers’ Club",
        "card_number": "4711 0815 2342",
        "card_progress": stamp_row(1, 10),
        "card_link": "https://orion.example/s/gare/loyalty/card",
        "locations": "Gare, Kirchberg",
        "welcome": "As a welcome, 50 points are already on it.",
    },
    "loyalty_card_link": {"card_link": "https://orion.example/s/gare/loyalty/sign-in#x", "valid_minutes": "15"},
    "customer_sign_in": {"sign_in_link": "https://orion.example/s/gare/loyalty/sign-in#x", "valid_minutes": "15"},
    "user_invited": {"password_link": "https://orion.example/account/password#x", "valid_days": "7"},
    "user_added": {"sign_in_link": "https://orion.example/merchants/sign-in"},
    "password_link": {"password_link": "https://orion.example/account/password#x", "valid_minutes": "30"},
    "password_changed": {"forgotten_link": "https://orion.example/account/forgot"},
}
OF_THE_PLATFORM = {"password_link", "password_changed"}
BASE = {
    "greeting": "Moien Léa,",
    "merchant_name": "Bäckerei Käppchen & Fils",
    "merchant_address": "1, rue du Fort, L-1234 Luxembourg",
    "brand_colour": COLOUR,
    "brand_text_colour": "#ffffff",
}


def base_values(code: str) -> dict[str, str]:
    """What messaging itself gives for the mail `code`."""
    return {name: value for name, value in BASE.items() if code not in OF_THE_PLATFORM or not name.startswith("merchant_")}


SEEN: list[dict[str, Any]] = []


async def give_enrollment(ctx: Ctx, **ids: Any) -> MailContent:
    """The values of an enrollment mail; remembers what it was asked with."""
    SEEN.append(ids)
    return MailContent(brand_colour=COLOUR, values=VALUES["loyalty_enrollment"])


async def give_sign_in(ctx: Ctx, *, message_id: uuid.UUID, customer_id: uuid.UUID, **ids: Any) -> MailContent:
    """The values of a sign-in mail, with a link made now."""
    token = await customers.issue_login_link(ctx, customer_id, message_id=message_id)
    return MailContent(
        brand_colour=COLOUR, values={"sign_in_link": f"https://orion.example/s/gare/loyalty/sign-in/{token}", "valid_minutes": "15"}
    )


async def give_wrong(ctx: Ctx, **ids: Any) -> MailContent:
    """Values that lack one."""
    return MailContent(brand_colour=COLOUR, values={"card_link": "https://orion.example/"})


@contextmanager
def registered(code: str, function: str) -> Iterator[None]:
    """Let `function` of this file give the values of the mail `code` inside the block."""
    spec = TemplateSpec(code=code, variables=frozenset(VALUES[code]), provider=f"{__name__}:{function}")
    load_modules()  # whose definitions register theirs, now or never
    before = template_service._specs.pop(code, None)
    template_service.register_template(spec)
    try:
        yield
    finally:
        del template_service._specs[code]
        if before is not None:
            template_service.register_template(before)
