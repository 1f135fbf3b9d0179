"""What the customers module plugs into the platform."""

from app.core.i18n import N_
from app.core.modules import ModuleDefinition, Schedule
from app.modules.customers.audit_texts import AUDIT_TEXTS
from app.modules.customers.personal import IMPERSONAL, PERSONAL

MODULE = ModuleDefinition(
    name="customers",
    tasks={"customers.forget_people": "app.modules.customers.tasks.housekeeping:forget_people"},
    beat=(Schedule("customers.forget_people", seconds=86_400, title=N_("Forget old sign-in links and fingerprints")),),
    personal=PERSONAL,
    impersonal=IMPERSONAL,
    audit=AUDIT_TEXTS,
)
