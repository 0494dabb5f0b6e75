"""Nouns of changes as they move over hosts."""

from typing import ClassVar

from django.db import models

from raglan.changes.models import Change


class Arrival(models.Model):
    """That a change was seen on a host: as its author said, or otherwise; and whether that host is well again.

    `minute` counts minutes since 1970, so that a curve is drawn by counting rows. `difference` is the most telling one.
    `waits` are the units whose restart is still to come; until `waits_until` they have time.
    """

    class State(models.TextChoices):
        """How it stands on the host. `open` where there was nothing to compare with, or only words."""

        AS_SAID = "as_said", "As was said"
        DIFFERS = "differs", "Differs"
        OPEN = "open", "Has it"
        BACK = "back", "Differed, and is well again"

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="arrivals", db_index=False)
    host = models.ForeignKey("fleet.Host", on_delete=models.CASCADE, related_name="arrivals")
    state = models.CharField(max_length=8, choices=State.choices)
    difference = models.CharField(max_length=8, blank=True, default="")
    words = models.CharField(max_length=500, blank=True, default="")
    units = models.JSONField(default=list, blank=True)
    is_new = models.BooleanField(default=False)
    at = models.DateTimeField()
    minute = models.PositiveIntegerField()
    back_at = models.DateTimeField(null=True, blank=True)
    waits = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    waits_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["change", "host"], name="arrival_once")]
        indexes: ClassVar = [
            models.Index(fields=["change", "state"], name="arrival_state"),
            models.Index(fields=["change", "minute"], name="arrival_minute"),
        ]

    def __str__(self) -> str:
        return f"change {self.change_id} on host {self.host_id}: {self.state}"


class Surprise(models.Model):
    """That a change does otherwise than its author said: one for each kind of difference, with the first host.

    `kinds` are all differences that the first host showed; how many hosts differ is counted from arrivals.
    """

    ref_kind: ClassVar[str] = "surprise"

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="surprises", db_index=False)
    kind = models.CharField(max_length=8)
    kinds = models.JSONField(default=list)
    host = models.ForeignKey("fleet.Host", on_delete=models.CASCADE, related_name="+", db_index=False)
    words = models.CharField(max_length=500)
    at = models.DateTimeField()
    raised_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["change", "kind"], name="surprise_once")]

    def __str__(self) -> str:
        return self.words
