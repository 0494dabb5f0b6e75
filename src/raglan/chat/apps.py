"""Django's view of chat."""

from importlib import import_module

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Registers what chat adds to rooms, people and own health, its reactions, and the lines that run by the engine."""

    name = "raglan.chat"
    label = "chat"

    def ready(self) -> None:
        """Register reactions, panels and lines."""
        import_module("raglan.chat.reactions")
        import_module("raglan.chat.panels")
        import_module("raglan.chat.lines")
