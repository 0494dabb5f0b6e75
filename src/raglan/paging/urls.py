"""Addresses of paging."""

from django.urls import path

from raglan.paging import answering, channel_views, reach, ready_views, views

app_name = "paging"
urlpatterns = [
    path("p/<str:token>/", views.by_link, name="by_link"),
    path("pages/", views.listed, name="pages"),
    path("pages/<int:pk>/change/", views.change, name="change"),
    path("a/<slug:said>/<slug:token>/", answering.button, name="button"),
    path("channels/", channel_views.channels, name="channels"),
    path("pages/<int:pk>/", views.show, name="page"),
    path("pages/<int:pk>/part/", views.part, name="part"),
    path("pages/<int:pk>/answer/", views.respond, name="answer"),
    path("reach/", reach.someone, name="reach"),
    path("readiness/", ready_views.overview, name="readiness"),
    path("you/test/", ready_views.appointment, name="appointment"),
    path("you/rules/", reach.rules, name="rules"),
]
