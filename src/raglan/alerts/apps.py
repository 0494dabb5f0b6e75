"""Django's view of alerts."""

from importlib import import_module

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Registers the reactions of alerts to news from paging."""

    name = "raglan.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Register reactions and timers."""
        import_module("raglan.alerts.reactions")
        import_module("raglan.alerts.timers")
        import_module("raglan.alerts.heartbeats")
        import_module("raglan.alerts.steady")
        import_module("raglan.alerts.last_resort")
