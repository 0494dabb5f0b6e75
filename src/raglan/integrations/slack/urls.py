"""Addresses that Slack calls."""

from django.urls import path

from raglan.integrations.slack import callbacks

urlpatterns = [path("slack/<int:pk>/", callbacks.callback, name="slack_callback")]
