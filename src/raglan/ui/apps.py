"""The base of all screens, as a Django app: templates, components, static files."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Names the app; nothing is registered."""

    name = "raglan.ui"
    label = "ui"
    verbose_name = "Screens"
