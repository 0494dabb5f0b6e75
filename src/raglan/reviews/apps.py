"""Django's view of reviews."""

from importlib import import_module

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """Registers the reaction that drafts a review when people stand down."""

    name = "raglan.reviews"
    label = "reviews"

    def ready(self) -> None:
        """Register reactions."""
        import_module("raglan.reviews.reactions")
