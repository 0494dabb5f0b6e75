"""Nouns of hand changes: what responders changed by hand during an incident, and the runs that reach for it."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Person


class HandChange(models.Model):
    """What somebody changed by hand, in one line: on which host, role or cluster, and what of it.

    Automation does not know of it and may undo it with its next run.
    """

    ref_kind: ClassVar[str] = "hand_change"

    class Scope(models.TextChoices):
        """What `place` names."""

        HOST = "host", "Host"
        ROLE = "role", "All hosts of a role"
        CLUSTER = "cluster", "All hosts of a cluster"

    class State(models.TextChoices):
        """Whether it still stands, as people said."""

        OPEN = "open", "Stands"
        KEPT = "kept", "Kept: it is in the automation now"
        TAKEN_BACK = "taken_back", "Taken back by hand"
        UNDONE = "undone", "Undone by automation"

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="hand_changes")
    key = models.CharField(max_length=64)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    place = models.CharField(max_length=253)
    thing = models.CharField(max_length=300)
    words = models.CharField(max_length=300)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_words = models.CharField(max_length=300, blank=True, default="")
    ahead_at = models.DateTimeField(null=True, blank=True)  # when it was first seen that a run is about to begin

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "key"], name="hand_change_key_once")]
        indexes: ClassVar = [
            models.Index(fields=["scope", "place"], name="hand_change_open", condition=models.Q(state="open")),
        ]

    def __str__(self) -> str:
        return self.words


class HandTouch(models.Model):
    """That a run reached for what was changed by hand on one host, or would have, had it not been a rehearsal."""

    hand = models.ForeignKey(HandChange, on_delete=models.CASCADE, related_name="touches")
    host = models.ForeignKey("fleet.Host", on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey("fleet.HostRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    is_rehearsal = models.BooleanField()
    words = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hand", "host", "is_rehearsal"], name="hand_touch_once_a_host")
        ]

    def __str__(self) -> str:
        return self.words
