"""Rights within tenancy. Roles are read live on every request."""

from app.core.permissions import ADMINS, MANAGERS, OWNERS, PUBLIC, STAFF, Permission

PERMISSIONS = (
    # The account face: anybody may try to sign in; the rest is for whoever is signed in.
    Permission("tenancy.account.sign_in", PUBLIC),
    Permission("tenancy.account.use", STAFF | ADMINS),
    # What everybody who works for the merchant may know and do.
    Permission("tenancy.profile.view", STAFF),
    Permission("tenancy.session.choose_store", STAFF),
    Permission("tenancy.store.view", STAFF),
    # The merchant's business.
    Permission("tenancy.profile.edit", OWNERS),
    Permission("tenancy.store.create", OWNERS),
    Permission("tenancy.store.edit", MANAGERS),
    Permission("tenancy.store.close", OWNERS),
    Permission("tenancy.store.trash", OWNERS, is_for_whole_business=True),
    Permission("tenancy.store.purge", OWNERS, is_for_whole_business=True),
    Permission("tenancy.member.view", MANAGERS),
    Permission("tenancy.member.invite", MANAGERS),
    Permission("tenancy.member.edit", MANAGERS),
    Permission("tenancy.member.remove", MANAGERS),
    Permission("tenancy.api_key.manage", OWNERS, is_merchants_alone=True),
    Permission("tenancy.job.view", MANAGERS, is_for_whole_business=True),
    # The platform's.
    Permission("tenancy.merchant.view", ADMINS),
    Permission("tenancy.merchant.create", ADMINS),
    Permission("tenancy.merchant.activate", ADMINS),
    Permission("tenancy.merchant.store", ADMINS),
    Permission("tenancy.merchant.act", ADMINS),
    Permission("tenancy.user.view", ADMINS),
    Permission("tenancy.audit.view", ADMINS),
    Permission("tenancy.user.manage", ADMINS),
    Permission("tenancy.merchant.trash", ADMINS),
    Permission("tenancy.merchant.purge", ADMINS),
)
