"""Consents in words, for the person and for the merchant."""

from app.core.i18n import N_
from app.modules.customers import public as customers

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
