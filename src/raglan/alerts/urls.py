"""Addresses of alerts."""

from django.urls import path

from raglan.alerts import inhibition_views, maintenance_views, silence_views, views

app_name = "alerts"
urlpatterns = [
    path("alerts/", views.index, name="index"),
    path("alerts/part/", views.part, name="part"),
    path("alerts/groups/<int:pk>/", views.group, name="group"),
    path("alerts/silences/", silence_views.silences, name="silences"),
    path("alerts/silences/new/", silence_views.new_silence, name="new_silence"),
    path("alerts/silences/<int:pk>/", silence_views.silence, name="silence"),
    path("alerts/silences/<int:pk>/change/", silence_views.change_silence, name="change_silence"),
    path("alerts/silences/<int:pk>/expire/", silence_views.expire_silence, name="expire_silence"),
    path("alerts/inhibitions/", inhibition_views.inhibitions, name="inhibitions"),
    path("alerts/inhibitions/new/", inhibition_views.new_inhibition, name="new_inhibition"),
    path("alerts/inhibitions/<int:pk>/", inhibition_views.inhibition, name="inhibition"),
    path("alerts/inhibitions/<int:pk>/remove/", inhibition_views.remove_inhibition, name="remove_inhibition"),
    path("alerts/maintenance/", maintenance_views.maintenances, name="maintenances"),
    path("alerts/maintenance/new/", maintenance_views.new_maintenance, name="new_maintenance"),
    path("alerts/maintenance/<int:pk>/", maintenance_views.maintenance, name="maintenance"),
    path("alerts/maintenance/<int:pk>/end/", maintenance_views.end_maintenance, name="end_maintenance"),
    path("alerts/storms/<int:pk>/", views.storm, name="storm"),
    path("alerts/<int:pk>/", views.alert, name="alert"),
]
