"""Django's view of paging."""

from importlib import import_module

from django.apps import AppConfig


class PagingConfig(AppConfig):
    """Registers timers, reactions to changed rotas, channels' test sender and panels."""

    name = "raglan.paging"
    label = "paging"

    def ready(self) -> None:
        """Register timers and hooks."""
        import_module("raglan.paging.timers")
        import_module("raglan.paging.quiet")
        import_module("raglan.paging.hooks")
        import_module("raglan.paging.reactions")
        import_module("raglan.paging.shadowing")
        import_module("raglan.paging.appointments")
        import_module("raglan.paging.ready_views")
