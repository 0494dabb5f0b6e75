"""Addresses of hosts, and of what tells of them."""

from django.urls import path

from raglan.fleet import place_views, source_views, views

app_name = "fleet"
urlpatterns = [
    path("hosts/", views.index, name="hosts"),
    path("hosts/<int:pk>/", views.host, name="host"),
    path("hosts/<int:pk>/retire/", views.retire, name="retire"),
    path("setup/hosts/", source_views.index, name="sources"),
    path("setup/hosts/places/", place_views.edit, name="places"),
    path("setup/hosts/new/", source_views.new, name="new_source"),
    path("setup/hosts/source/<slug:slug>/", source_views.show, name="source"),
    path("setup/hosts/source/<slug:slug>/token/", source_views.new_token, name="new_token"),
    path("setup/hosts/source/<slug:slug>/change/", source_views.change, name="change_source"),
    path("setup/hosts/source/<slug:slug>/try/", source_views.try_report, name="try_report"),
]
