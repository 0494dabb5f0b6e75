"""Django's view of incidents."""

from importlib import import_module

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    """Registers the reactions of incidents to news from alerts and paging."""

    name = "raglan.incidents"
    label = "incidents"

    def ready(self) -> None:
        """Register reactions and timers."""
        import_module("raglan.incidents.reactions")
        import_module("raglan.incidents.timers")
        import_module("raglan.incidents.paged_for")
        import_module("raglan.incidents.hand_watch")
        import_module("raglan.incidents.hand_ahead")
