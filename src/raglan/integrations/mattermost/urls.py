"""Addresses that Mattermost calls."""

from django.urls import path

from raglan.integrations.mattermost import callbacks

urlpatterns = [path("mattermost/<int:pk>/", callbacks.callback, name="mattermost_callback")]
