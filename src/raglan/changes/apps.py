"""Django's view of changes."""

from importlib import import_module

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    """Holds what was changed."""

    name = "raglan.changes"
    label = "changes"

    def ready(self) -> None:
        """Register timers."""
        import_module("raglan.changes.holding")
        import_module("raglan.changes.freezing")
