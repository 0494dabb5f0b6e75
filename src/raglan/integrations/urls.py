"""Addresses of integrations."""

from django.urls import include, path

app_name = "integrations"
urlpatterns = [
    path("", include("raglan.integrations.webpush.urls")),
]
