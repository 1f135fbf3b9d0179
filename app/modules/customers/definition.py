"""What the customers module plugs into the platform."""

from app.core.modules import ModuleDefinition

MODULE = ModuleDefinition(name="customers")
