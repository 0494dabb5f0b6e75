"""Addresses of chat."""

from django.urls import path

from raglan.chat import import_views, views

app_name = "chat"
urlpatterns = [
    path("chat/", views.index, name="index"),
    path("chat/connect/<slug:slug>/", views.connect, name="connect"),
    path("chat/<int:pk>/", views.change, name="change"),
    path("chat/<int:pk>/check/", views.check, name="check"),
    path("chat/<int:pk>/end/", views.end, name="end"),
    path("chat/names/", views.know, name="know"),
    path("chat/names/<int:pk>/forget/", views.forget, name="forget"),
    path("you/chat/", views.code, name="code"),
    path("incidents/chat/import/", import_views.bring_in_past, name="bring_in_past"),
    path("incidents/<int:pk>/chat/import/", import_views.bring_in, name="bring_in"),
    path("chat-imports/<int:pk>/", import_views.show, name="import"),
    path("chat-imports/<int:pk>/part/", import_views.part, name="import_part"),
    path("chat-imports/<int:pk>/act/", import_views.act, name="act_on_import"),
    path("incidents/<int:pk>/chat/", views.open_room, name="open_room"),
]
