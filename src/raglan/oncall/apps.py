"""Django's view of on call."""

from django.apps import AppConfig


class OncallConfig(AppConfig):
    """Holds schedules."""

    name = "raglan.oncall"
    label = "oncall"
