"""Django's view of the kernel."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Holds the event and timer tables."""

    name = "raglan.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
