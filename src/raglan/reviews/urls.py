"""Addresses of reviews."""

from django.urls import path

from raglan.reviews import views

app_name = "reviews"
urlpatterns = [
    path("reviews/<int:pk>/", views.edit, name="edit"),
    path("reviews/<int:pk>/replies/", views.reply, name="reply"),
    path("reviews/<int:pk>/moments/<int:entry_id>/", views.moment, name="moment"),
    path("reviews/<int:pk>/needs/", views.need, name="need"),
    path("reviews/<int:pk>/share/", views.share, name="share"),
]
