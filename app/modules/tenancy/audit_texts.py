"""What tenancy's entries in the audit log are called."""

from app.core.i18n import N_

AUDIT_TEXTS = {
    "tenancy.account.renamed": N_("Changed their own name"),
    "tenancy.api_key.created": N_("Made an API key"),
    "tenancy.api_key.revoked": N_("Revoked an API key"),
    "tenancy.member.changed": N_("Changed what somebody of the team may do"),
    "tenancy.member.invited": N_("Invited somebody to the team"),
    "tenancy.member.invited_again": N_("Sent an invitation again"),
    "tenancy.member.removed": N_("Took somebody out of the team"),
    "tenancy.merchant.activated": N_("Activated the business"),
    "tenancy.merchant.created": N_("Opened the business on the platform"),
    "tenancy.merchant.entered": N_("Entered the panel as the platform’s admin"),
    "tenancy.merchant.left": N_("Left the panel as the platform’s admin"),
    "tenancy.merchant.purged": N_("Deleted the business for good"),
    "tenancy.merchant.restored": N_("Took the business out of the trash"),
    "tenancy.merchant.suspended": N_("Deactivated the business"),
    "tenancy.merchant.trashed": N_("Put the business into the trash"),
    "tenancy.merchant.updated": N_("Changed the business itself"),
    "tenancy.store.closed": N_("Closed a store"),
    "tenancy.store.created": N_("Opened a store"),
    "tenancy.store.purged": N_("Deleted a store for good"),
    "tenancy.store.reopened": N_("Opened a closed store again"),
    "tenancy.store.restored": N_("Took a store out of the trash"),
    "tenancy.store.trashed": N_("Put a store into the trash"),
    "tenancy.store.updated": N_("Changed a store"),
}
