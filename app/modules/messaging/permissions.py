"""Rights of the messaging module."""

from app.core.permissions import PUBLIC, Permission

PERMISSIONS = (
    # The mailbox holds what a demo or a test would have sent, and does not exist in production.
    Permission("messaging.mailbox.read", PUBLIC),
)
