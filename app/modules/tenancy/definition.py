"""What tenancy plugs into the platform."""

from app.core.modules import ModuleDefinition, Schedule
from app.modules.tenancy.permissions import PERMISSIONS

_ROUTES = "app.modules.tenancy.routes.api"
_SERVICE = "app.modules.tenancy.services.session_service"

MODULE = ModuleDefinition(
    name="tenancy",
    routers=(
        f"{_ROUTES}.account:router",
        f"{_ROUTES}.merchant:router",
        f"{_ROUTES}.merchant:choice_router",
        f"{_ROUTES}.admin:router",
    ),
    permissions=PERMISSIONS,
    cli="app.modules.tenancy.cli:cli",
    tasks={"tenancy.forget_sessions": "app.modules.tenancy.tasks.housekeeping:forget_sessions"},
    beat=(Schedule("tenancy.forget_sessions", seconds=3600),),
    merchant_zones="app.modules.tenancy.services.merchant_service:list_zones",
    openers={
        "account": f"{_SERVICE}:open_account",
        "admin": f"{_SERVICE}:open_admin",
        "merchant": f"{_SERVICE}:open_merchant",
        "store": f"{_SERVICE}:open_store",
        "storefront": f"{_SERVICE}:open_storefront",
    },
)
