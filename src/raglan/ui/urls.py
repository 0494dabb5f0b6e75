"""Addresses of the screens that belong to no context."""

from django.urls import path

from raglan.ui import views

app_name = "ui"
urlpatterns = [
    path("keys/", views.keys, name="keys"),
]
