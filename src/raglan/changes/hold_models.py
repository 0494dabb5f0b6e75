"""Nouns of holds: what stops automation for a while, who may go on, who has heard, drills, planned freezes."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from raglan.changes.gate import PLACES, TOUCHED, Reach
from raglan.people.models import Person


class Reaching(models.Model):
    """What something is for: names of each kind; without any it is for everything."""

    clusters = models.JSONField(default=list, blank=True)
    roles = models.JSONField(default=list, blank=True)
    environments = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    packages = models.JSONField(default=list, blank=True)
    changes = models.JSONField(default=list, blank=True)

    class Meta:
        abstract = True

    @property
    def reach(self) -> Reach:
        """What it is for."""
        return Reach(**{kind: tuple(getattr(self, kind)) for kind in (*PLACES, *TOUCHED)})


class Freeze(Reaching):
    """A planned time without changes: wall time in a named zone, once or on some days of each week."""

    ref_kind: ClassVar[str] = "freeze"

    name = models.CharField(max_length=80)
    reason = models.CharField(max_length=300)
    zone = models.CharField(max_length=64)
    first = models.DateField()
    start = models.TimeField()
    minutes = models.PositiveIntegerField()
    days = models.JSONField(default=list, blank=True)
    last = models.DateField(null=True, blank=True)
    who = models.CharField(max_length=200)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Hold(Reaching):
    """A named stop for automation, with a reason and an end that it always has."""

    ref_kind: ClassVar[str] = "hold"

    name = models.CharField(max_length=80)
    reason = models.CharField(max_length=300)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # The end that came: by itself, or lifted with a word.
    ended_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True, default="")
    lift_word = models.CharField(max_length=300, blank=True, default="")
    is_drill = models.BooleanField(default=False)
    link = models.CharField(max_length=200, blank=True, default="")
    freeze = models.ForeignKey(Freeze, on_delete=models.PROTECT, null=True, blank=True, related_name="holds")
    who = models.CharField(max_length=200)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    # What is kept of those who heard of it once their rows are deleted.
    obeyed = models.PositiveIntegerField(null=True, blank=True)
    let_on = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], condition=Q(ended_at__isnull=True), name="hold_name_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="hold_ends_after_start"),
        ]
        indexes: ClassVar = [models.Index(fields=["-starts_at"], name="hold_start")]

    def __str__(self) -> str:
        return self.name

    @property
    def link_path(self) -> str:
        """Where what it was raised for is shown; empty when it was for nothing that has a page."""
        kind, _, number = self.link.partition(":")
        place = {"incident": "incidents", "change": "changes"}.get(kind)
        return f"/{place}/{number}/" if place and number else ""

    @property
    def link_words(self) -> str:
        """What it was raised for."""
        return self.link.replace(":", " ").capitalize()


class HoldException(models.Model):
    """A host, or the hosts of a role or a tag, that may go on although a hold is for them."""

    ref_kind: ClassVar[str] = "hold_exception"

    class Kind(models.TextChoices):
        """What the name is of."""

        HOST = "host", "host"
        ROLE = "role", "role"
        TAG = "tag", "tag"

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="exceptions")
    kind = models.CharField(max_length=4, choices=Kind)
    name = models.CharField(max_length=253)
    reason = models.CharField(max_length=300)
    ends_at = models.DateTimeField()
    who = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class HoldHeard(models.Model):
    """That a host has asked under a hold, first and last, and what it was told or did."""

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="heard")
    host = models.CharField(max_length=253)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    stopped = models.BooleanField()
    source = models.CharField(max_length=8)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["hold", "host"], name="hold_heard_once")]

    def __str__(self) -> str:
        return f"{self.host}: {'stop' if self.stopped else 'go'}"


class HoldDrill(models.Model):
    """A stop that was practised: how many hosts obeyed it, and how many went on."""

    hold = models.OneToOneField(Hold, on_delete=models.CASCADE, related_name="drill")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    obeyed = models.PositiveIntegerField(default=0)
    went_on = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"drill {self.hold}"
