"""Addresses of browser push."""

from django.urls import path

from raglan.integrations.webpush import views

urlpatterns = [
    path("push-worker.js", views.worker, name="push_worker"),
    path("app.webmanifest", views.manifest, name="manifest"),
    path("you/push/", views.subscribe, name="push_subscribe"),
    path("you/push/key/", views.key, name="push_key"),
]
