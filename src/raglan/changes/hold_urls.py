"""Addresses of holds."""

from django.urls import path

from raglan.changes import hold_host_views, hold_views

app_name = "holds"
urlpatterns = [
    path("raglan-host", hold_views.program, name="program"),
    path("changes/holds/", hold_views.holds, name="index"),
    path("changes/holds/new/", hold_views.new_hold, name="new"),
    path("changes/holds/drill/", hold_views.new_drill, name="drill"),
    path("changes/holds/freeze/", hold_views.new_freeze, name="freeze"),
    path("changes/holds/freeze/<int:pk>/end/", hold_views.end_freeze, name="end_freeze"),
    path("changes/holds/<int:pk>/", hold_views.hold, name="show"),
    path("changes/holds/<int:pk>/hosts/", hold_host_views.hosts, name="hosts"),
    path("changes/holds/<int:pk>/part/<slug:name>/", hold_views.part, name="part"),
    path("changes/holds/<int:pk>/exceptions/<int:exception>/end/", hold_views.take_back, name="take_back"),
]
