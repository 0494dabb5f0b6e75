"""Django's view of integrations."""

from django.apps import AppConfig

from raglan.core import integrations


class IntegrationsConfig(AppConfig):
    """Loads every integration that is installed, ours and foreign ones alike."""

    name = "raglan.integrations"
    label = "integrations"

    def ready(self) -> None:
        """Let each integration register its ports."""
        integrations.load()
