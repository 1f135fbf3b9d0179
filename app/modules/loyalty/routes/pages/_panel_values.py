"""What the pages about a person or a card need in both panels, the merchant's and the platform's."""

import uuid
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from app.core.context import Ctx
from app.core.i18n import N_
from app.core.web.lists import page_links
from app.modules.customers.public import CustomerRecord
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.program import stamp_progress
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.routes.pages._consent_words import consent_values
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.services.people_service import Person
from app.modules.messaging import public as messaging
from app.modules.tenancy import public as tenancy

PAGE = 25
LATEST = 10
MAIL_STATES = {
    messaging.MailState.QUEUED: (N_("On its way"), "warning"),
    messaging.MailState.SENT: (N_("Sent"), "success"),
    messaging.MailState.FAILED: (N_("Not delivered"), "danger"),
    messaging.MailState.SUPPRESSED: (N_("Held back"), "neutral"),
}
STATUS_WORDS: dict[str, Any] = {"status_names": views.STATUS_NAMES, "status_kinds": views.STATUS_KINDS}


async def person_values(ctx: Ctx, person: Person, *, named: Iterable[uuid.UUID | None] = ()) -> dict[str, Any]:
    """Return somebody with their cards, what they agreed to and which mails they got; `named` are stores that the page names besides."""
    customer = person.customer
    stores = {customer.registered_store_id, *(card.enrolled_at_store_id for card in person.cards), *named}
    return {
        "person": person,
        "customer": customer,
        "name": views.person_name(customer),
        "cards": [(card, format_number(card.card_number), stamp_progress(card.state)) for card in person.cards],
        "store_names": await tenancy.find_store_names(ctx, {store_id for store_id in stores if store_id}),
        "mails": await messaging.list_mails_of_customer(ctx, customer.id, limit=LATEST),
        "mail_states": MAIL_STATES,
        **STATUS_WORDS,
        **await consent_values(ctx, customer.id),
    }


async def card_values(request: Request, ctx: Ctx, card: Card, holder: CustomerRecord | None, *, cursor: str | None) -> dict[str, Any]:
    """Return a card with its holder's name, its balances, and a page of its history."""
    page = await transactions.list_history(ctx, card.id, cursor=cursor, limit=PAGE)
    names = await tenancy.find_store_names(ctx, {card.enrolled_at_store_id, *(row.store_id for row in page.items if row.store_id)})
    return {
        "card": card,
        "person": views.person_name(holder),
        "number": format_number(card.card_number),
        "progress": stamp_progress(card.state),
        "entries": views.entries(page.items, names),
        "store_names": names,
        **STATUS_WORDS,
        **page_links(request, page),
    }
