"""What the customers module plugs into the platform."""

from app.core.modules import ModuleDefinition
from app.modules.customers.personal import IMPERSONAL, PERSONAL

MODULE = ModuleDefinition(name="customers", personal=PERSONAL, impersonal=IMPERSONAL)
