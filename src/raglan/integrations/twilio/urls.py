"""Addresses that Twilio calls."""

from django.urls import path

from raglan.integrations.twilio import views

urlpatterns = [
    path("twilio/sms/<slug:token>/", views.sms_status, name="twilio_sms"),
    path("twilio/voice/<slug:token>/", views.voice_status, name="twilio_voice"),
    path("twilio/call/<slug:token>/", views.call_taken, name="twilio_call"),
    path("twilio/key/<slug:token>/", views.key_pressed, name="twilio_key"),
    path("twilio/reply/", views.text_came, name="twilio_reply"),
]
