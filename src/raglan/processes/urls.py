"""Addresses of processes."""

from django.urls import path

from raglan.processes import interview_views, trying_views, views

app_name = "processes"
urlpatterns = [
    path("processes/", views.index, name="index"),
    path("processes/new/", views.new, name="new"),
    path("processes/kitchen/", trying_views.who_is_in, name="kitchen"),
    path("processes/kitchen/<int:pk>/", trying_views.change_claim, name="claim"),
    path("processes/<slug:slug>/", views.show, name="show"),
    path("processes/<slug:slug>/edit/", views.edit, name="edit"),
    path("processes/<slug:slug>/versions/", views.versions, name="versions"),
    path("processes/<slug:slug>/act/", views.act, name="act"),
    path("processes/<slug:slug>/skip/", views.skip, name="skip"),
    path("processes/<slug:slug>/experiments/new/", trying_views.new_experiment, name="new_experiment"),
    path("processes/<slug:slug>/experiments/<int:pk>/", trying_views.experiment, name="experiment"),
    path("processes/<slug:slug>/interviews/", interview_views.rounds, name="rounds"),
    path("processes/<slug:slug>/interviews/kit/", interview_views.interview_kit, name="kit"),
    path("processes/<slug:slug>/interviews/<int:pk>/", interview_views.one_round, name="interviews"),
    path("processes/<slug:slug>/interviews/<int:pk>/quotes/<int:quote>/", interview_views.turn_quote, name="quote"),
]
