"""Django's view of processes."""

from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    """Holds written processes."""

    name = "raglan.processes"
    label = "processes"
