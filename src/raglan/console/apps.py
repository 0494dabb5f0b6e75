"""Django's view of the console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Has no tables."""

    name = "raglan.console"
    label = "console"
