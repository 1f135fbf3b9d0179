"""Every test session gets the fixtures of app/core/testing."""

pytest_plugins = ("app.core.testing.plugin",)
