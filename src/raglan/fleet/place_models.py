"""Nouns of places: rules that say where hosts of a name belong, in their order."""

from django.db import models


class HostPlace(models.Model):
    """One rule: a name or a pattern, and the words it gives to hosts that do not say theirs."""

    position = models.PositiveIntegerField(unique=True)
    hosts = models.CharField(max_length=253)
    cluster = models.CharField(max_length=120, blank=True, default="")
    role = models.CharField(max_length=120, blank=True, default="")
    environment = models.CharField(max_length=120, blank=True, default="")
    tags = models.JSONField(default=list, blank=True)
    services = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return self.hosts
