"""Django's view of people."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Holds people, teams and tokens."""

    name = "raglan.people"
    label = "people"
