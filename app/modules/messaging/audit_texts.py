"""What entries about mails in the audit log are called."""

from app.core.audit_log import AuditTexts
from app.core.i18n import N_

AUDIT_TEXTS = AuditTexts(
    titles={
        "messaging.address.released": N_("An e-mail address may be written to again"),
        "messaging.address.suppressed": N_("An e-mail address is written to no more"),
        "messaging.reminders.chosen": N_("Chose which reminders to get"),
        "messaging.template.changed": N_("Changed an e-mail's text"),
        "messaging.template.reset": N_("Went back to an e-mail's original text"),
    },
    things={
        "email_template": N_("E-mail"),
    },
    words={
        "is_wanted": N_("Wanted"),
        "template": N_("E-mail"),
    },
)
