"""Django's view of processes."""

from importlib import import_module

from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    """Holds written processes, and registers the timer that counts skip notes."""

    name = "raglan.processes"
    label = "processes"

    def ready(self) -> None:
        """Register timers."""
        import_module("raglan.processes.skipping")
