"""Rights of the cms module."""

from app.core.permissions import MANAGERS, PUBLIC, Permission

PERMISSIONS = (
    # What all the merchant's customers read and agree to: not for somebody who manages one store only.
    Permission("cms.page.manage", MANAGERS, is_for_whole_business=True),
    Permission("cms.page.read", PUBLIC),
)
