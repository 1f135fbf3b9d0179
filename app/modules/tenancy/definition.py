"""What tenancy plugs into the platform."""

from app.core.i18n import N_
from app.core.modules import MenuItem, ModuleDefinition, Schedule
from app.modules.tenancy.audit_texts import AUDIT_TEXTS
from app.modules.tenancy.permissions import PERMISSIONS
from app.modules.tenancy.personal import IMPERSONAL, PERSONAL

_ROUTES = "app.modules.tenancy.routes.api"
_PAGES = "app.modules.tenancy.routes.pages"
_SERVICE = "app.modules.tenancy.services.session_service"

MODULE = ModuleDefinition(
    name="tenancy",
    routers=(
        f"{_ROUTES}.account:router",
        f"{_ROUTES}.merchant:router",
        f"{_ROUTES}.merchant:choice_router",
        f"{_ROUTES}.jobs:router",
        f"{_ROUTES}.admin:router",
        f"{_ROUTES}.admin_people:router",
        f"{_ROUTES}.admin_audit:router",
        f"{_ROUTES}.trash:merchant_router",
        f"{_ROUTES}.trash:admin_router",
    ),
    pages=(
        f"{_PAGES}.account:router",
        f"{_PAGES}.merchant:router",
        f"{_PAGES}.jobs:router",
        f"{_PAGES}.admin:router",
        f"{_PAGES}.admin_people:router",
        f"{_PAGES}.admin_audit:router",
    ),
    menu=(
        MenuItem("merchant", N_("Accounts"), "shield-check", "/merchants/team", "tenancy.member.view", 70, N_("Administration")),
        MenuItem("merchant", N_("API keys"), "key-round", "/merchants/keys", "tenancy.api_key.manage", 72, N_("Administration")),
        MenuItem("merchant", N_("Jobs"), "clock", "/merchants/jobs", "tenancy.job.view", 76, N_("Administration")),
        MenuItem("admin", N_("Platform"), "layout-dashboard", "/admin", "tenancy.merchant.view", 10),
        MenuItem("admin", N_("Merchants"), "users", "/admin/merchants", "tenancy.merchant.view", 20),
        MenuItem("admin", N_("Stores"), "store", "/admin/stores", "tenancy.merchant.view", 30),
        MenuItem("admin", N_("Users"), "user", "/admin/users", "tenancy.user.view", 40),
        MenuItem("admin", N_("Audit log"), "history", "/admin/audit", "tenancy.audit.view", 80),
        MenuItem("admin", N_("Jobs"), "clock", "/admin/jobs", "core.health.view", 85),
        MenuItem("admin", N_("Health"), "activity", "/admin/health", "core.health.view", 90),
    ),
    permissions=PERMISSIONS,
    personal=PERSONAL,
    impersonal=IMPERSONAL,
    audit=AUDIT_TEXTS,
    cli="app.modules.tenancy.cli:cli",
    tasks={"tenancy.forget_sessions": "app.modules.tenancy.tasks.housekeeping:forget_sessions"},
    beat=(Schedule("tenancy.forget_sessions", seconds=3600, title=N_("Forget ended sessions and links")),),
    merchant_zones="app.modules.tenancy.services.merchant_service:list_zones",
    openers={
        "account": f"{_SERVICE}:open_account",
        "admin": f"{_SERVICE}:open_admin",
        "behalf": f"{_SERVICE}:open_behalf",
        "merchant": f"{_SERVICE}:open_merchant",
        "store": f"{_SERVICE}:open_store",
        "storefront": f"{_SERVICE}:open_storefront",
    },
)
