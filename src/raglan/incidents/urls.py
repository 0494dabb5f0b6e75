"""Addresses of incidents."""

from django.urls import path

from raglan.incidents import (
    entry_views,
    heads_up_views,
    join_views,
    kind_views,
    people_views,
    related_views,
    setting_views,
    task_views,
    views,
)

app_name = "incidents"
urlpatterns = [
    path("incidents/", views.index, name="index"),
    path("near-miss/", kind_views.near_miss, name="near_miss"),
    path("incidents/<int:pk>/kind/", kind_views.kind, name="kind"),
    path("wrong/", views.wrong, name="wrong"),
    path("heads-up/", heads_up_views.heads_up, name="heads_up"),
    path("setup/severities/", setting_views.show_severities, name="severities"),
    path("setup/heads-up/", heads_up_views.thanks, name="thanks"),
    path("incidents/<int:pk>/", views.show_room, name="room"),
    path("incidents/<int:pk>/catch-up/", views.catch_up, name="catch_up"),
    path("incidents/<int:pk>/part/<slug:name>/", views.show_part, name="part"),
    path("incidents/<int:pk>/entries/", views.post_entry, name="post"),
    path("incidents/<int:pk>/standing/", views.standing, name="standing"),
    path("incidents/<int:pk>/name/", views.name, name="name"),
    path("incidents/<int:pk>/here/", views.here, name="here"),
    path("incidents/<int:pk>/hand-over/", people_views.hand_over, name="hand_over"),
    path("scripts/", people_views.show_scripts, name="scripts"),
    path("scripts/<slug:moment>/", people_views.script, name="script"),
    path("free/", people_views.free, name="free"),
    path("incidents/<int:pk>/close/", views.close, name="close"),
    path("incidents/<int:pk>/reopen/", views.reopen, name="reopen"),
    path("entries/<int:pk>/", entry_views.show_entry, name="entry"),
    path("entries/<int:pk>/<slug:verb>/", entry_views.act_on_entry, name="act"),
    path("incidents/<int:pk>/tools/", entry_views.lose_tool, name="lose_tool"),
    path("tools/<int:pk>/<slug:verb>/", entry_views.act_on_tool, name="tool"),
    path("incidents/<int:pk>/alerts/", join_views.join_to_room, name="alerts"),
    path("alerts/groups/<int:pk>/incident/", join_views.join_group, name="join_group"),
    path("pages/<int:pk>/incident/", join_views.join_page, name="join_page"),
    path("incidents/<int:pk>/related/", related_views.related, name="related"),
    path("incidents/<int:pk>/tasks/", task_views.tasks, name="tasks"),
    path("tasks/<int:pk>/", task_views.task, name="task"),
    path("tasks/<int:pk>/<slug:verb>/", task_views.act_on_task, name="act_on_task"),
    path("files/<int:pk>/", entry_views.show_file, name="file"),
    path("p/<str:token>/room/", views.open_room_from_page, name="open_from_page"),
]
