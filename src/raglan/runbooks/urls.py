"""Addresses of runbooks."""

from django.urls import path

from raglan.runbooks import folder_views, following_views, views

app_name = "runbooks"
urlpatterns = [
    path("library/", views.index, name="index"),
    path("library/runbooks/new/", views.new, name="new"),
    path("library/runbooks/<slug:slug>/", views.show, name="show"),
    path("library/runbooks/<slug:slug>/edit/", views.edit, name="edit"),
    path("library/runbooks/<slug:slug>/versions/", views.versions, name="versions"),
    path("library/runbooks/<slug:slug>/remove/", views.remove, name="remove"),
    path("library/runbooks/<slug:slug>/bring-back/", views.bring_back, name="bring_back"),
    path("library/folders/", folder_views.folders, name="folders"),
    path("library/folders/<int:pk>/end/", folder_views.end, name="end_folder"),
    path("library/folders/<int:pk>/read/", folder_views.read, name="read_folder"),
    path("incidents/<int:pk>/runbooks/", following_views.follow, name="follow"),
    path("incidents/<int:pk>/runbooks/<int:number>/", following_views.show, name="following"),
    path("incidents/<int:pk>/runbooks/<int:number>/steps/", following_views.part, name="part"),
    path("incidents/<int:pk>/runbooks/<int:number>/tell/", following_views.tell, name="tell"),
    path("incidents/<int:pk>/runbooks/<int:number>/change/", following_views.change, name="change"),
]
