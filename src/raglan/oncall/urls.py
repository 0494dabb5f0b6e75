"""Addresses of on call."""

from django.urls import path

from raglan.oncall import calendar_views, handover_views, hours_views, leave_views, shadow_views, views

app_name = "oncall"
urlpatterns = [
    path("on-call/", views.index, name="index"),
    path("on-call/part/", views.part, name="part"),
    path("on-call/new/", views.new, name="new"),
    path("on-call/cover/", views.choose_rota, name="choose_rota"),
    path("on-call/calendars/", calendar_views.calendars, name="calendars"),
    path("on-call/calendars/end/", calendar_views.end_feed, name="end_feed"),
    path("on-call/calendars/leave/", leave_views.leave, name="leave"),
    path("on-call/calendars/leave/<int:pk>/end/", leave_views.end_leave, name="end_leave"),
    path("on-call/calendars/leave/calendar/", leave_views.leave_calendar, name="leave_calendar"),
    path("on-call/calendars/leave/calendar/end/", leave_views.end_leave_calendar, name="end_leave_calendar"),
    path("on-call/calendars/<str:secret>.ics", calendar_views.feed, name="feed"),
    path("on-call/<slug:slug>/", views.show, name="schedule"),
    path("on-call/<slug:slug>/rotation/", views.edit, name="rotation"),
    path("on-call/<slug:slug>/rotation/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("on-call/<slug:slug>/layer/end/", views.end, name="end"),
    path("on-call/<slug:slug>/shadow/", shadow_views.add, name="shadow"),
    path("on-call/<slug:slug>/shadow/<int:pk>/end/", shadow_views.end, name="end_shadow"),
    path("on-call/<slug:slug>/handover/", handover_views.show, name="handover"),
    path("on-call/<slug:slug>/hours/", hours_views.hours, name="hours"),
    path("on-call/<slug:slug>/holidays/", hours_views.holidays, name="holidays"),
    path("on-call/<slug:slug>/ask/", views.ask, name="ask"),
    path("on-call/<slug:slug>/ask/<int:pk>/take/", views.take, name="take"),
    path("on-call/<slug:slug>/ask/<int:pk>/decline/", views.decline, name="decline"),
    path("on-call/<slug:slug>/ask/<int:pk>/withdraw/", views.withdraw_request, name="withdraw_request"),
    path("on-call/<slug:slug>/calendar/", calendar_views.source, name="source"),
    path("on-call/<slug:slug>/calendar/end/", calendar_views.end_source, name="end_source"),
    path("on-call/<slug:slug>/cover/", views.cover, name="cover"),
    path("on-call/<slug:slug>/cover/<int:pk>/cancel/", views.cancel, name="cancel"),
]
