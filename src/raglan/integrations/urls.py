"""Addresses of integrations."""

from django.urls import include, path

app_name = "integrations"
urlpatterns = [
    path("", include("raglan.integrations.mattermost.urls")),
    path("", include("raglan.integrations.slack.urls")),
    path("", include("raglan.integrations.twilio.urls")),
    path("", include("raglan.integrations.webpush.urls")),
]
