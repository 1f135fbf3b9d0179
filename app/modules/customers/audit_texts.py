"""What entries about people in the audit log are called."""

from app.core.audit_log import AuditTexts
from app.core.i18n import N_

AUDIT_TEXTS = AuditTexts(
    titles={
        "customers.customer.update": N_("Corrected a customer's data"),
        "customers.customer.merged": N_("Merged two customers"),
    },
    things={
        "customer": N_("Customer"),
    },
    words={
        "birth_date": N_("Birthday"),
        "email": N_("E-mail"),
        "first_name": N_("First name"),
        "last_name": N_("Last name"),
        "phone": N_("Phone"),
    },
)
