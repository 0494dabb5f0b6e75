"""Django's view of on call."""

from importlib import import_module

from django.apps import AppConfig


class OncallConfig(AppConfig):
    """Holds schedules, and registers timers."""

    name = "raglan.oncall"
    label = "oncall"

    def ready(self) -> None:
        """Register timers."""
        import_module("raglan.oncall.leaves")
        import_module("raglan.oncall.sources")
        import_module("raglan.oncall.watch")
