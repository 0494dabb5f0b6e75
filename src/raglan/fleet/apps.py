"""Django's view of the fleet."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Holds hosts and what they run."""

    name = "raglan.fleet"
    label = "fleet"
