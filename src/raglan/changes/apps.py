"""Django's view of changes."""

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    """Holds what was changed."""

    name = "raglan.changes"
    label = "changes"
