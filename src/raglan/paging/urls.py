"""Addresses of paging."""

app_name = "paging"
urlpatterns: list[object] = []
