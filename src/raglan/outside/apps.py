"""Django's view of the outside."""

from importlib import import_module

from django.apps import AppConfig


class OutsideConfig(AppConfig):
    """Registers the quiet line in rooms, and the timer that reminds of a promised word."""

    name = "raglan.outside"
    label = "outside"

    def ready(self) -> None:
        """Register timers and panels."""
        import_module("raglan.outside.bouncing")
        import_module("raglan.outside.desk")
        import_module("raglan.outside.forgetting")
        import_module("raglan.outside.panel")
        import_module("raglan.outside.publishing")
        import_module("raglan.outside.reactions")
        import_module("raglan.outside.spreading")
