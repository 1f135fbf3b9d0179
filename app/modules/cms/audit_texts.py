"""What entries about pages in the audit log are called."""

from app.core.audit_log import AuditTexts
from app.core.i18n import N_

AUDIT_TEXTS = AuditTexts(
    titles={
        "cms.page.changed": N_("Changed a page"),
        "cms.page.created": N_("Made a page"),
        "cms.page.deleted": N_("Deleted a page"),
        "cms.page.language_removed": N_("Took a language out of a page"),
        "cms.page.published": N_("Published a page"),
        "cms.page.version_restored": N_("Went back to an earlier version of a page"),
        "cms.page.withdrawn": N_("Took a page off the web"),
        "cms.page.written": N_("Wrote a page"),
    },
    things={
        "page": N_("Page"),
    },
    words={
        "is_in_footer": N_("In the footer"),
        "locales": N_("Languages"),
        "slug": N_("Address"),
        "version": N_("Version"),
    },
)
