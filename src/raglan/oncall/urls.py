"""Addresses of oncall."""

app_name = "oncall"
urlpatterns: list[object] = []
