"""Consents in words, for the person and for the merchant."""

import uuid
from typing import Any

from app.core.context import Ctx
from app.core.i18n import N_
from app.modules.customers import public as customers
from app.modules.loyalty.routes.pages._storefront_views import paragraphs
from app.modules.loyalty.services import terms_service

PURPOSES = {customers.ConsentPurpose.TERMS: N_("Terms of the program"), customers.ConsentPurpose.MARKETING: N_("Marketing e-mails")}
SOURCES = {
    customers.ConsentSource.STOREFRONT: N_("on enrolling by phone or computer"),
    customers.ConsentSource.TERMINAL: N_("at the counter"),
    customers.ConsentSource.PROFILE: N_("in their own data"),
    customers.ConsentSource.UNSUBSCRIBE: N_("by the link in an e-mail"),
    customers.ConsentSource.PREFERENCES: N_("on the page of e-mail choices"),
    customers.ConsentSource.IMPORT: N_("brought along from another system"),
    customers.ConsentSource.MERCHANT: N_("told you, noted in this panel"),
}


async def consent_values(ctx: Ctx, customer_id: uuid.UUID) -> dict[str, Any]:
    """Return what a page needs to list somebody's consents, the latest first, with the texts that were agreed to."""
    consents = list(reversed(await customers.list_consents(ctx, customer_id)))
    texts = await terms_service.find_accepted_texts(ctx, consents)
    return {
        "consents": consents,
        "accepted_pages": await terms_service.find_accepted_pages(ctx, consents),
        "accepted_texts": {consent: paragraphs(text) for consent, text in texts.items()},
        "purposes": PURPOSES,
        "sources": SOURCES,
    }
