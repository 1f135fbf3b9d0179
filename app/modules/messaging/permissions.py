"""Rights of the messaging module."""

from app.core.permissions import PUBLIC, Permission

PERMISSIONS = (
    # The mailbox holds what a demo or a test would have sent, and does not exist in production.
    Permission("messaging.mailbox.read", PUBLIC),
    # Whoever has a signed link from a mail: the face "mail" lets nobody else in.
    Permission("messaging.preferences.edit", PUBLIC),
    # The mail provider; its password is checked before anything is opened.
    Permission("messaging.webhook.receive", PUBLIC),
)
