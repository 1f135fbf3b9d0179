"""The values of loyalty's mails, made at the moment of sending, in the mail's language."""

import uuid

from app.core.config import get_settings
from app.core.context import Ctx
from app.core.i18n import _, formatting, ngettext
from app.modules.customers import public as customers
from app.modules.loyalty.domain import program as progress
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.queries import cards, programs
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.queries.programs import Program
from app.modules.messaging.public import MailContent, MailNotWantedException, TemplateSpec, stamp_row
from app.modules.tenancy import public as tenancy

_HERE = "app.modules.loyalty.services.mail_content"
LINK_MINUTES = 15

TEMPLATES = (
    TemplateSpec(
        code="loyalty_enrollment",
        variables=frozenset({"card_name", "card_number", "card_progress", "card_link", "locations"}),
        provider=f"{_HERE}:enrollment",
    ),
    TemplateSpec(code="loyalty_card_link", variables=frozenset({"card_link", "valid_minutes"}), provider=f"{_HERE}:card_link"),
    TemplateSpec(code="customer_sign_in", variables=frozenset({"sign_in_link", "valid_minutes"}), provider=f"{_HERE}:sign_in"),
)


async def enrollment(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID
) -> MailContent:
    """Return what the confirmation of an enrollment shows; its link leads to the card by way of the sign-in page, for good."""
    card, live = await cards.get_card(ctx, card_id), await programs.get_program(ctx)
    settings = await programs.get_settings(ctx)
    stores = await tenancy.list_stores(ctx)
    where = [store.name for store in stores if settings.allow_cross_location_redemption or store.id == card.enrolled_at_store_id]
    return MailContent(
        brand_colour=live.colour,
        values={
            "card_name": live.card_name,
            "card_number": format_number(card.card_number),
            "card_progress": card_progress(card, live),
            "card_link": f"{await _storefront(ctx, store_id)}/dashboard",
            "locations": formatting.join(where),
        },
    )


async def card_link(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID
) -> MailContent:
    """Return the link that opens an existing card, once and for a short time."""
    return MailContent(
        brand_colour=await _colour(ctx),
        values={"card_link": await _link(ctx, message_id, customer_id, store_id), "valid_minutes": str(LINK_MINUTES)},
    )


async def sign_in(ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID) -> MailContent:
    """Return the link that signs a customer in, once and for a short time."""
    return MailContent(
        brand_colour=await _colour(ctx),
        values={"sign_in_link": await _link(ctx, message_id, customer_id, store_id), "valid_minutes": str(LINK_MINUTES)},
    )


def card_progress(card: Card, live: Program) -> str:
    """Return a card's balance in words and circles, as of now, in the current language."""
    parts = []
    if live.type.has_stamps:
        stamps = progress.stamp_progress(card.state)
        parts.append(stamp_row(stamps.filled, stamps.target))
    if live.type.has_points:
        points = card.state.points_balance
        parts.append(ngettext("%(points)s point", "%(points)s points", points, points=formatting.number(points)))
    return " · ".join(parts) or _("Welcome")


async def _link(ctx: Ctx, message_id: uuid.UUID, customer_id: uuid.UUID, store_id: uuid.UUID) -> str:
    if not await customers.may_send_login_link(ctx, customer_id, message_id=message_id):
        raise MailNotWantedException("too_many_links")
    token = await customers.issue_login_link(ctx, customer_id, message_id=message_id)
    return f"{await _storefront(ctx, store_id)}/link#{token}"


async def _storefront(ctx: Ctx, store_id: uuid.UUID) -> str:
    store = await tenancy.get_store(ctx, store_id)
    return f"{get_settings().base_url}/s/{store.code}/loyalty"


async def _colour(ctx: Ctx) -> str:
    return (await programs.get_program(ctx)).colour
