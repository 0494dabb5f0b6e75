"""The event table, which is the spine, and the timer table, which holds all work that is due later."""

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One recorded fact. Appended in the transaction of the change that it tells of; never edited or deleted."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=80)
    actor = models.CharField(max_length=80)
    data = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "id"], name="event_kind")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class EventSubject(models.Model):
    """Links an event to one thing that it is about, written `kind:id`."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="subjects")
    subject = models.CharField(max_length=80)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subject", "event"], name="event_subject_once")]

    def __str__(self) -> str:
        return self.subject


class Timer(models.Model):
    """Work that is due at a time. A row is deleted by the transaction that did its work."""

    class Pool(models.IntegerChoices):
        """Who fires it: threads for the database, threads that may wait for a network, or many at a time."""

        WORK = 0
        NETWORK = 1
        LIGHT = 2

    kind = models.CharField(max_length=80)
    subject = models.CharField(max_length=80)
    lane = models.CharField(max_length=80, blank=True, default="")
    due_at = models.DateTimeField()
    payload = models.JSONField(default=dict)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=80, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    parked_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")
    # The database's own default is for nodes of an older version, which write timers beside this one.
    pool = models.PositiveSmallIntegerField(choices=Pool, default=Pool.WORK, db_default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["pool", "due_at"], name="timer_pool_due", condition=models.Q(parked_at__isnull=True)),
            models.Index(fields=["subject", "kind"], name="timer_subject"),
            models.Index(fields=["lane", "id"], name="timer_in_lane", condition=~models.Q(lane="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.subject}"


class Seal(models.Model):
    """A seal over some events: the digest of each, and a head that hangs on the head before it."""

    at = models.DateTimeField()
    first_event = models.BigIntegerField()
    last_event = models.BigIntegerField()
    count = models.PositiveIntegerField()
    digests = models.BinaryField()
    head = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"events {self.first_event} to {self.last_event}"


class Sign(models.Model):
    """The newest sign of life of one kind."""

    name = models.CharField(max_length=80, unique=True)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
