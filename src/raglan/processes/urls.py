"""Addresses of processes."""

from django.urls import path

from raglan.processes import views

app_name = "processes"
urlpatterns = [
    path("processes/", views.index, name="index"),
    path("processes/new/", views.new, name="new"),
    path("processes/<slug:slug>/", views.show, name="show"),
    path("processes/<slug:slug>/edit/", views.edit, name="edit"),
    path("processes/<slug:slug>/versions/", views.versions, name="versions"),
    path("processes/<slug:slug>/act/", views.act, name="act"),
    path("processes/<slug:slug>/skip/", views.skip, name="skip"),
]
