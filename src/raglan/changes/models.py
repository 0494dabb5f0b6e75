"""Nouns of changes."""

from typing import ClassVar

from django.db import models


class Change(models.Model):
    """Something deliberate that altered production: a deploy, a setting, a switch. Never edited."""

    ref_kind: ClassVar[str] = "change"

    key = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=300)
    origin = models.CharField(max_length=300, blank=True, default="")
    told_by = models.CharField(max_length=120)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    links = models.JSONField(default=list, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-at"], name="change_at")]

    def __str__(self) -> str:
        return self.title
