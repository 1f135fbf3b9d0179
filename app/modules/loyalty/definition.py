"""What loyalty plugs into the platform."""

from app.core.modules import ModuleDefinition
from app.modules.loyalty.permissions import PERMISSIONS

_API = "app.modules.loyalty.routes.api"

MODULE = ModuleDefinition(
    name="loyalty",
    routers=(f"{_API}.store:router",),
    permissions=PERMISSIONS,
)
