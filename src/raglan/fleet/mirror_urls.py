"""Addresses of mirrors and pins."""

from django.urls import path

from raglan.fleet import mirror_views

app_name = "mirrors"
urlpatterns = [
    path("changes/mirrors/", mirror_views.index, name="index"),
    path("changes/mirrors/new/", mirror_views.new, name="new"),
    path("changes/mirrors/pins/", mirror_views.edit_pins, name="pins"),
    path("changes/mirrors/<slug:slug>/", mirror_views.show, name="show"),
    path("changes/mirrors/<slug:slug>/edit/", mirror_views.edit, name="edit"),
    path("changes/mirrors/<slug:slug>/act/", mirror_views.act, name="act"),
]
