"""Django's view of people."""

from importlib import import_module

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Holds people, teams and tokens."""

    name = "raglan.people"
    label = "people"

    def ready(self) -> None:
        """Register timers and what follows a sign-out."""
        import_module("raglan.people.bouncing")
        import_module("raglan.people.mail")
        import_module("raglan.people.signing_out")
