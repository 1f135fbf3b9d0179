"""What loyalty plugs into the platform."""

from app.core.modules import ModuleDefinition
from app.modules.loyalty.events import CardEnrolled
from app.modules.loyalty.permissions import PERMISSIONS
from app.modules.loyalty.services.mail_content import TEMPLATES
from app.modules.messaging import public as messaging

for _template in TEMPLATES:
    messaging.register_template(_template)

_API = "app.modules.loyalty.routes.api"

MODULE = ModuleDefinition(
    name="loyalty",
    routers=(f"{_API}.store:router", f"{_API}.storefront:router", f"{_API}.merchant:router"),
    pages=("app.modules.loyalty.routes.pages.storefront:router",),
    tasks={
        "loyalty.confirm_enrollment": "app.modules.loyalty.tasks.enrollment_tasks:confirm_enrollment",
        "loyalty.merge_cards": "app.modules.loyalty.tasks.merging:merge_cards",
    },
    handlers={CardEnrolled.name: ("loyalty.confirm_enrollment",)},
    permissions=PERMISSIONS,
    cli="app.modules.loyalty.cli:cli",
)
