"""Nouns of on call."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Person, Team


class Schedule(models.Model):
    """Who is on call when, for a duty."""

    ref_kind: ClassVar[str] = "schedule"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="schedules")
    time_zone = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Rotation(models.Model):
    """The turn order from a day on. A change adds a row, so that the past stays as it was.

    It counts from its first handoff, yet not before `effective_from`. Without a zone it has that of the schedule.
    """

    ref_kind: ClassVar[str] = "rotation"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="rotations")
    starts_on = models.DateField()
    handoff_weekday = models.PositiveSmallIntegerField()
    handoff_time = models.TimeField()
    weeks = models.PositiveSmallIntegerField(default=1)
    time_zone = models.CharField(max_length=64, blank=True, default="")
    effective_from = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(handoff_weekday__lte=6), name="rotation_weekday"),
            models.CheckConstraint(condition=models.Q(weeks__gte=1), name="rotation_length"),
        ]

    def __str__(self) -> str:
        return f"rotation of {self.schedule_id} from {self.starts_on}"


class RotationMember(models.Model):
    """A person's place in a turn order."""

    rotation = models.ForeignKey(Rotation, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rotation", "position"], name="rotation_place_once")]
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.position}"


class Override(models.Model):
    """A person takes a time in place of the schedule. Of two that overlap, the later one counts."""

    ref_kind: ClassVar[str] = "override"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="overrides")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True, default="")
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="override_ends_after_start"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["schedule", "ends_at"], name="override_end")]

    def __str__(self) -> str:
        return f"{self.person_id} from {self.starts_at}"
