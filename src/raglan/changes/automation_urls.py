"""Addresses of automation cards."""

from django.urls import path

from raglan.changes import automation_views as views

app_name = "automation"
urlpatterns = [
    path("changes/automation/", views.cards, name="cards"),
    path("changes/automation/new/", views.new_card, name="new"),
    path("changes/automation/<slug:slug>/", views.card, name="card"),
    path("changes/automation/<slug:slug>/edit/", views.change_card, name="edit"),
    path("changes/automation/<slug:slug>/act/", views.act_on_card, name="act"),
]
