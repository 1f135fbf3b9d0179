"""What the messaging module plugs into the platform."""

from app.core.modules import ModuleDefinition
from app.modules.messaging.permissions import PERMISSIONS

MODULE = ModuleDefinition(
    name="messaging",
    tasks={"messaging.send_mail": "app.modules.messaging.tasks.mail_tasks:send_mail"},
    pages=("app.modules.messaging.routes.pages.mailbox:router",),
    permissions=PERMISSIONS,
)
