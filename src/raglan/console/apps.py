"""Django's view of the console."""

from importlib import import_module

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Has no tables; says what is handed over when a shift begins."""

    name = "raglan.console"
    label = "console"

    def ready(self) -> None:
        """Register what is handed over, who is told of what differs, and what a room says of changes."""
        import_module("raglan.console.handover")
        import_module("raglan.console.telling")
        import_module("raglan.console.room_changes")
        import_module("raglan.console.room_holds")
