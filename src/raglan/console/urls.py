"""Addresses of the console."""

from django.urls import path

from raglan.console import views

app_name = "console"
urlpatterns = [
    path("", views.now, name="now"),
    path("part/<slug:name>/", views.part, name="part"),
]
