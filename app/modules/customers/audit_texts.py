"""What entries about people in the audit log are called."""

from app.core.i18n import N_

AUDIT_TEXTS = {
    "customers.customer.update": N_("Corrected a customer's data"),
    "customers.customer.merged": N_("Merged two customers"),
}
