"""Addresses of the outside."""

from django.urls import path

from raglan.outside import views

app_name = "outside"
urlpatterns = [
    path("incidents/<int:pk>/outside/", views.show, name="desk"),
    path("incidents/<int:pk>/outside/part/<slug:name>/", views.part, name="part"),
    path("incidents/<int:pk>/outside/hold/", views.hold, name="hold"),
    path("incidents/<int:pk>/outside/hand-over/", views.hand_over, name="hand_over"),
    path("incidents/<int:pk>/outside/say/", views.say, name="say"),
    path("incidents/<int:pk>/outside/ask/", views.ask, name="ask"),
    path("outside/questions/<int:pk>/answer/", views.answer, name="answer"),
]
