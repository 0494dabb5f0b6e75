"""Django's view of processes."""

from importlib import import_module

from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    """Holds written processes, and registers timers: nights of skip notes, ends of claims."""

    name = "raglan.processes"
    label = "processes"

    def ready(self) -> None:
        """Register timers."""
        import_module("raglan.processes.kitchen")
        import_module("raglan.processes.skipping")
