"""What the cms module plugs into the platform."""

from app.core.i18n import N_
from app.core.modules import MenuItem, ModuleDefinition
from app.modules.cms.audit_texts import AUDIT_TEXTS
from app.modules.cms.permissions import PERMISSIONS
from app.modules.cms.personal import IMPERSONAL, PERSONAL
from app.modules.tenancy.events import StoreCreated

_ROUTES = "app.modules.cms.routes"

MODULE = ModuleDefinition(
    name="cms",
    routers=(f"{_ROUTES}.api.merchant:router",),
    pages=(f"{_ROUTES}.pages.merchant:router", f"{_ROUTES}.pages.storefront:router"),
    menu=(MenuItem("merchant", N_("Pages"), "file-text", "/merchants/pages", "cms.page.manage", 37, N_("Your offer")),),
    tasks={"cms.greet_new_merchant": "app.modules.cms.tasks.starter_tasks:greet_new_merchant"},
    handlers={StoreCreated.name: ("cms.greet_new_merchant",)},
    permissions=PERMISSIONS,
    personal=PERSONAL,
    impersonal=IMPERSONAL,
    audit=AUDIT_TEXTS,
)
