"""Addresses of alerts."""

from django.urls import path

from raglan.alerts import views

app_name = "alerts"
urlpatterns = [
    path("alerts/", views.index, name="index"),
    path("alerts/part/", views.part, name="part"),
    path("alerts/groups/<int:pk>/", views.group, name="group"),
    path("alerts/<int:pk>/", views.alert, name="alert"),
]
