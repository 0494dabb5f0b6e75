"""Django's view of the console."""

from importlib import import_module

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Has no tables; says what is handed over when a shift begins."""

    name = "raglan.console"
    label = "console"

    def ready(self) -> None:
        """Register what is handed over, and who is told of what differs."""
        import_module("raglan.console.handover")
        import_module("raglan.console.telling")
