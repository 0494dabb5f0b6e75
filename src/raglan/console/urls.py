"""Addresses of the console."""

from django.urls import path

from raglan.console import heartbeat_views, noise_views, paging_views, reference_views, setup_views, source_views, views

app_name = "console"
urlpatterns = [
    path("", views.now, name="now"),
    path("part/<slug:name>/", views.part, name="part"),
    path("setup/", setup_views.overview, name="setup"),
    path("setup/part/<slug:name>/", setup_views.part, name="setup_part"),
    path("setup/test/", setup_views.test_path, name="test_path"),
    path("setup/timers/<int:pk>/again/", setup_views.try_again, name="try_again"),
    path("setup/paging/", setup_views.allow_paging, name="allow_paging"),
    path("setup/sources/", source_views.new_source, name="new_source"),
    path("setup/sources/<slug:slug>/", source_views.show_source, name="source"),
    path("setup/sources/<slug:slug>/part/", source_views.part, name="source_part"),
    path("setup/sources/<slug:slug>/token/", source_views.new_token, name="new_token"),
    path("setup/sources/<slug:slug>/test/", source_views.send_test, name="test_source"),
    path("setup/sources/<slug:slug>/change/", source_views.change, name="change_source"),
    path("setup/sources/<slug:slug>/flapping/", source_views.save_flapping, name="source_flapping"),
    path("setup/sources/<slug:slug>/secret/", source_views.save_secret, name="save_secret"),
    path("setup/sources/<slug:slug>/mapping/", source_views.mapping, name="mapping"),
    path("setup/sources/<slug:slug>/confirm/<int:pk>/", source_views.confirm, name="confirm_topic"),
    path("setup/sources/<slug:slug>/heartbeats/", heartbeat_views.add, name="add_heartbeat"),
    path("setup/heartbeats/<int:pk>/", heartbeat_views.show, name="heartbeat"),
    path("setup/heartbeats/<int:pk>/<slug:what>/", heartbeat_views.act, name="act_on_heartbeat"),
    path("setup/media_raglan.yaml", source_views.media_type, name="zabbix_media_type"),
    path("setup/policies/", paging_views.new_policy, name="new_policy"),
    path("setup/policies/<slug:slug>/", paging_views.policy, name="policy"),
    path("setup/noise/", noise_views.noise, name="noise"),
    path("setup/routes/removed/<int:pk>/", paging_views.restore_route, name="restore_route"),
    path("setup/routes/", paging_views.new_route, name="new_route"),
    path("setup/routes/<int:position>/", paging_views.route, name="route"),
    path("setup/routes/<int:position>/move/", paging_views.move_route, name="move_route"),
    path("setup/routes/<int:position>/remove/", paging_views.remove_route, name="remove_route"),
    path("api/docs/", reference_views.docs, name="docs"),
    path("api/docs/<slug:slug>/", reference_views.part, name="docs_part"),
]
