"""Addresses of runs."""

from django.urls import path

from raglan.fleet import run_views

app_name = "runs"
urlpatterns = [
    path("hosts/runs/", run_views.index, name="index"),
    path("hosts/runs/<int:pk>/", run_views.show, name="show"),
    path("hosts/<int:pk>/runs/", run_views.of_host, name="of_host"),
]
