"""Django's view of runbooks."""

from importlib import import_module

from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    """Registers what runbooks add to rooms, alerts and pages, and the timer that refreshes git folders."""

    name = "raglan.runbooks"
    label = "runbooks"

    def ready(self) -> None:
        """Register reactions, timers and panels."""
        import_module("raglan.runbooks.reactions")
        import_module("raglan.runbooks.folders")
