"""What the messaging module plugs into the platform."""

from app.core.modules import ModuleDefinition
from app.modules.messaging.permissions import PERMISSIONS
from app.modules.tenancy.events import PasswordChanged, PasswordLinkRequested, UserInvited

_TASKS = "app.modules.messaging.tasks"

MODULE = ModuleDefinition(
    name="messaging",
    tasks={
        "messaging.send_mail": f"{_TASKS}.mail_tasks:send_mail",
        "messaging.send_user_invitation": f"{_TASKS}.user_mail_tasks:send_user_invitation",
        "messaging.send_password_link": f"{_TASKS}.user_mail_tasks:send_password_link",
        "messaging.send_password_changed": f"{_TASKS}.user_mail_tasks:send_password_changed",
    },
    handlers={
        UserInvited.name: ("messaging.send_user_invitation",),
        PasswordLinkRequested.name: ("messaging.send_password_link",),
        PasswordChanged.name: ("messaging.send_password_changed",),
    },
    pages=("app.modules.messaging.routes.pages.mailbox:router",),
    permissions=PERMISSIONS,
)
