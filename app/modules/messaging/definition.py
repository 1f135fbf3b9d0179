"""What the messaging module plugs into the platform."""

from app.core.i18n import N_
from app.core.modules import MenuItem, ModuleDefinition, Schedule
from app.modules.messaging.audit_texts import AUDIT_TEXTS
from app.modules.messaging.permissions import PERMISSIONS
from app.modules.messaging.personal import IMPERSONAL, PERSONAL
from app.modules.messaging.services.watch_service import MAIL_FAILURES
from app.modules.tenancy.events import PasswordChanged, PasswordLinkRequested, UserInvited

_TASKS = "app.modules.messaging.tasks"
_ROUTES = "app.modules.messaging.routes"

MODULE = ModuleDefinition(
    name="messaging",
    routers=(
        f"{_ROUTES}.api.preferences:router",
        f"{_ROUTES}.api.webhooks:router",
        f"{_ROUTES}.api.merchant:router",
        f"{_ROUTES}.api.admin:router",
    ),
    tasks={
        "messaging.forget_bounces": f"{_TASKS}.housekeeping:forget_bounces",
        "messaging.send_mail": f"{_TASKS}.mail_tasks:send_mail",
        "messaging.send_test_mail": f"{_TASKS}.trial_tasks:send_test_mail",
        "messaging.send_user_invitation": f"{_TASKS}.user_mail_tasks:send_user_invitation",
        "messaging.send_password_link": f"{_TASKS}.user_mail_tasks:send_password_link",
        "messaging.send_password_changed": f"{_TASKS}.user_mail_tasks:send_password_changed",
    },
    beat=(Schedule("messaging.forget_bounces", seconds=86_400, title=N_("Forget old bounces")),),
    handlers={
        UserInvited.name: ("messaging.send_user_invitation",),
        PasswordLinkRequested.name: ("messaging.send_password_link",),
        PasswordChanged.name: ("messaging.send_password_changed",),
    },
    pages=(
        f"{_ROUTES}.pages.mailbox:router",
        f"{_ROUTES}.pages.preferences:router",
        f"{_ROUTES}.pages.merchant:router",
        f"{_ROUTES}.pages.admin:router",
    ),
    menu=(
        MenuItem("merchant", N_("Mails"), "mail", "/merchants/mails", "messaging.template.edit", 35, N_("Your offer")),
        MenuItem("admin", N_("Mails"), "mail", "/admin/mails", "messaging.log.view", 70),
    ),
    openers={"mail": "app.modules.messaging.services.links:open_mail_link"},
    permissions=PERMISSIONS,
    personal=PERSONAL,
    impersonal=IMPERSONAL,
    audit=AUDIT_TEXTS,
    cli="app.modules.messaging.cli:cli",
    alerts=(MAIL_FAILURES,),
    alert_mail="app.modules.messaging.services.alert_mail_service:send_alert_mail",
)
