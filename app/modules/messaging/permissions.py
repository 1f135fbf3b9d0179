"""Rights of the messaging module."""

from app.core.permissions import ADMINS, MANAGERS, PUBLIC, Permission

PERMISSIONS = (
    # The words of all the merchant's mails: not for somebody who manages one store only.
    Permission("messaging.template.edit", MANAGERS, is_for_whole_business=True),
    Permission("messaging.template.manage", ADMINS),
    Permission("messaging.log.view", ADMINS),
    # The mailbox holds what a demo or a test would have sent, and does not exist in production.
    Permission("messaging.mailbox.read", PUBLIC),
    # Whoever has a signed link from a mail: the face "mail" lets nobody else in.
    Permission("messaging.preferences.edit", PUBLIC),
    # The mail provider; its password is checked before anything is opened.
    Permission("messaging.webhook.receive", PUBLIC),
)
