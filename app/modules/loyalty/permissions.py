"""Who may do what with cards, programs and terminals."""

from app.core.permissions import ADMINS, CUSTOMERS, MANAGERS, PUBLIC, STAFF, Permission

PERMISSIONS = (
    Permission("loyalty.card.read", STAFF),
    Permission("loyalty.card.enroll", STAFF),
    Permission("loyalty.card.manage", MANAGERS),
    Permission("loyalty.card.bulk", MANAGERS, is_for_whole_business=True),
    Permission("loyalty.customer.erase", MANAGERS, is_for_whole_business=True),
    Permission("loyalty.customer.read", MANAGERS),
    Permission("loyalty.customer.manage", MANAGERS),
    Permission("loyalty.stamps.add", STAFF),
    Permission("loyalty.stamps.redeem", STAFF),
    Permission("loyalty.stamps.void", STAFF),
    Permission("loyalty.points.earn", STAFF),
    Permission("loyalty.points.redeem", STAFF),
    Permission("loyalty.points.void", STAFF),
    Permission("loyalty.points.adjust", STAFF),  # at a counter the service asks for a manager's PIN
    Permission("loyalty.points.correct", MANAGERS),
    Permission("loyalty.points.restore", ADMINS),
    Permission("loyalty.pin.use", STAFF),
    Permission("loyalty.pin.unlock", STAFF),  # likewise
    Permission("loyalty.pin.manage", MANAGERS),
    Permission("loyalty.terminal.use", STAFF),
    Permission("loyalty.terminal.pair", PUBLIC),
    Permission("loyalty.terminal.manage", MANAGERS),
    Permission("loyalty.program.read", STAFF),
    Permission("loyalty.program.manage", MANAGERS, is_for_whole_business=True),
    Permission("loyalty.settings.read", MANAGERS),
    Permission("loyalty.settings.manage", MANAGERS, is_for_whole_business=True),
    Permission("loyalty.merge.run", MANAGERS, is_for_whole_business=True),
    Permission("loyalty.overview.read", MANAGERS),
    Permission("loyalty.storefront.read", PUBLIC),
    Permission("loyalty.storefront.enroll", PUBLIC),
    Permission("loyalty.storefront.sign_in", PUBLIC),
    Permission("loyalty.own_card.read", CUSTOMERS),
    Permission("loyalty.own_profile.edit", CUSTOMERS),
    Permission("loyalty.own_data.read", CUSTOMERS),
    Permission("loyalty.own_data.erase", CUSTOMERS),
    Permission("loyalty.platform.read", ADMINS),
    Permission("loyalty.platform.erase", ADMINS),
)
