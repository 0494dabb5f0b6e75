"""Addresses of the outside."""

from django.urls import path

from raglan.outside import page_views, public_views, views

app_name = "outside"
urlpatterns = [
    path("incidents/<int:pk>/outside/", views.show, name="desk"),
    path("incidents/<int:pk>/outside/part/<slug:name>/", views.part, name="part"),
    path("incidents/<int:pk>/outside/hold/", views.hold, name="hold"),
    path("incidents/<int:pk>/outside/hand-over/", views.hand_over, name="hand_over"),
    path("incidents/<int:pk>/outside/say/", views.say, name="say"),
    path("incidents/<int:pk>/outside/ask/", views.ask, name="ask"),
    path("outside/questions/<int:pk>/answer/", views.answer, name="answer"),
    path("outside/updates/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("setup/status/", page_views.overview, name="overview"),
    path("setup/status/part/<slug:name>/", page_views.part, name="overview_part"),
    path("setup/status/page/", page_views.page, name="page"),
    path("setup/status/publish/", page_views.publish, name="publish"),
    path("setup/status/preview/", page_views.preview, name="preview"),
    path("setup/status/preview/<str:name>", page_views.preview, name="preview_file"),
    path("setup/status/components/new/", page_views.new_component, name="new_component"),
    path("setup/status/components/<int:pk>/", page_views.component, name="component"),
    path("setup/status/components/<int:pk>/say/", page_views.say_state, name="say_state"),
    path("setup/status/windows/<int:pk>/", page_views.window, name="window"),
    path("setup/status/places/<int:pk>/end/", page_views.end_target, name="end_target"),
    path("setup/status/places/new/<slug:kind>/", page_views.new_target, name="new_target"),
    path("setup/status/webhooks/", page_views.webhooks, name="webhooks"),
    path("setup/status/webhooks/<int:pk>/end/", page_views.end_webhook, name="end_webhook"),
    path("setup/status/words/", page_views.wordings, name="wordings"),
    path("setup/status/words/<int:pk>/", page_views.wording, name="wording"),
    path("status/subscribe/", public_views.subscribe, name="subscribe"),
    path("status/confirm/<str:token>/", public_views.confirm, name="confirm"),
    path("status/leave/<str:token>/", public_views.leave, name="leave"),
]
