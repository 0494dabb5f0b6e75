"""Nouns of processes."""

import secrets
from typing import ClassVar

from django.db import models

from raglan.people.models import Person, Team
from raglan.processes import interview_models as _interviews  # noqa: F401  # tables of this app in a file of their own


class Process(models.Model):
    """A written way to do something. It is there for its outcome, and may lose against a better one."""

    ref_kind: ClassVar[str] = "process"

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    outcome = models.TextField()
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=0)
    rethought_on = models.DateField(null=True, blank=True)
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["removed_at", "title"], name="process_title")]

    def __str__(self) -> str:
        return self.title


class ProcessStep(models.Model):
    """One step of a process. It keeps its notes while its words change; what left the process is kept aside."""

    ref_kind: ClassVar[str] = "process_step"

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="steps")
    place = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    minutes = models.PositiveIntegerField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["process", "place"], name="process_step_place")]

    def __str__(self) -> str:
        return self.title


class ProcessVersion(models.Model):
    """A process as it was written at one time. Never changed."""

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    outcome = models.TextField()
    steps = models.JSONField(default=list)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["process", "version"], name="process_version_once")]

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"


def random_key() -> int:
    """Return a key that says nothing of when its row was written."""
    return secrets.randbits(62)


class SkipNote(models.Model):
    """Unsigned word on a step that somebody did not take, and why.

    There is no column for who, and none may be added. The key is random and the day is forgotten once it is over, so
    that neither order nor time lead to a person.
    """

    class Why(models.TextChoices):
        """Why the step was not taken."""

        TOO_SLOW = "too_slow", "Too slow"
        BLOCKED = "blocked", "Blocked by another’s test"
        NOT_APPLICABLE = "not_applicable", "Not applicable here"
        DID_NOT_KNOW = "did_not_know", "Did not know of it"
        TOOL_BROKEN = "tool_broken", "Its tool was broken"
        NOT_WORTH_IT = "not_worth_it", "Judged not worth it"
        OTHER = "other", "Another reason"

    class State(models.TextChoices):
        """How far it is: of today, waiting for others, in the tally, or in the tally before the last rethink."""

        FRESH = "fresh", "Of today"
        WAITING = "waiting", "Waits for others"
        COUNTED = "counted", "In the tally"
        EARLIER = "earlier", "From before the last rethink"

    id = models.BigIntegerField(primary_key=True, default=random_key)
    step = models.ForeignKey(ProcessStep, on_delete=models.CASCADE, related_name="skip_notes")
    why = models.CharField(max_length=20, choices=Why.choices)
    words = models.CharField(max_length=140, blank=True, default="")
    minutes = models.PositiveIntegerField(null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FRESH)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["step", "state"], name="skip_note_state")]

    def __str__(self) -> str:
        return f"{self.step_id}: {self.why}"


class Experiment(models.Model):
    """Another way of a process, tried for some weeks, and what came of it."""

    ref_kind: ClassVar[str] = "experiment"

    class State(models.TextChoices):
        """Whether it goes on, and else what became of the other way."""

        GOING = "going", "Being tried"
        KEEP = "keep", "Kept"
        CHANGE = "change", "Changed, to be tried anew"
        DROP = "drop", "Dropped"

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="experiments")
    variant = models.TextField()
    weeks = models.PositiveIntegerField()
    began_on = models.DateField()
    due_on = models.DateField()
    begun_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.GOING)
    used = models.TextField(blank=True, default="")
    caught = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    ended_on = models.DateField(null=True, blank=True)
    ended_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "due_on"], name="experiment_due")]

    def __str__(self) -> str:
        return self.variant


class Claim(models.Model):
    """That somebody is at a place which people share to test, or waits for it. It locks nothing."""

    ref_kind: ClassVar[str] = "claim"

    class State(models.TextChoices):
        """Where somebody is."""

        IN = "in", "Is there"
        WAITING = "waiting", "Waits"
        OVER = "over", "Is gone"

    class End(models.TextChoices):
        """How a claim ended."""

        LEFT = "left", "Said so"
        RAN_OUT = "ran_out", "Its time ran out"
        GAVE_UP = "gave_up", "Waits no more"

    place = models.CharField(max_length=80)
    what = models.CharField(max_length=200, blank=True, default="")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    minutes = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(max_length=10, choices=End.choices, blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["place", "state"], name="claim_place"),
            models.Index(fields=["state", "expires_at"], name="claim_expiry"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["place", "person"], condition=~models.Q(state="over"), name="claimed_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.person_id}"
