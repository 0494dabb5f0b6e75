"""Django's view of chat."""

from importlib import import_module

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Registers what chat adds to rooms and people, its reactions and timers, and the lines beside the engine."""

    name = "raglan.chat"
    label = "chat"

    def ready(self) -> None:
        """Register reactions, timers, panels and lines."""
        import_module("raglan.chat.reactions")
        import_module("raglan.chat.steps")
        import_module("raglan.chat.page_ends")
        import_module("raglan.chat.timers")
        import_module("raglan.chat.import_steps")
        import_module("raglan.chat.panels")
        import_module("raglan.chat.lines")
