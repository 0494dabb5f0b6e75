"""Django's view of the fleet."""

from importlib import import_module

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Holds hosts and what they run."""

    name = "raglan.fleet"
    label = "fleet"

    def ready(self) -> None:
        """Register the judge of changes, and timers."""
        import_module("raglan.fleet.watching")
        import_module("raglan.fleet.settling")
        import_module("raglan.fleet.silence")
        import_module("raglan.fleet.owners")
        import_module("raglan.fleet.keeping")
        import_module("raglan.fleet.runs")
        import_module("raglan.fleet.mirrors")
        import_module("raglan.fleet.roll")
