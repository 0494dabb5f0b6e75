"""Nouns of runbooks."""

from typing import ClassVar

from django.db import models

from raglan.catalog.models import Service
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person, Team


class RunbookSource(models.Model):
    """A folder of a git repository whose runbooks are copied here."""

    ref_kind: ClassVar[str] = "runbook_source"

    name = models.CharField(max_length=120)
    address = models.CharField(max_length=1000)
    branch = models.CharField(max_length=200, blank=True, default="")
    folder = models.CharField(max_length=300, blank=True, default="")
    web_url = models.CharField(max_length=1000, blank=True, default="")
    token_sealed = models.TextField(blank=True, default="")
    commit = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, default="")
    failing_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Runbook(models.Model):
    """Technical steps for a kind of trouble."""

    ref_kind: ClassVar[str] = "runbook"

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    text = models.TextField()
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    services = models.ManyToManyField(Service, blank=True, related_name="runbooks")
    needs = models.ManyToManyField(Service, blank=True, related_name="needed_by_runbooks")
    needs_words = models.TextField(blank=True, default="")
    alerts = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)
    source = models.ForeignKey(RunbookSource, on_delete=models.PROTECT, null=True, blank=True, related_name="runbooks")
    path = models.CharField(max_length=500, blank=True, default="")
    imported_version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)
    followed_at = models.DateTimeField(null=True, blank=True)
    followed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["removed_at", "title"], name="runbook_title")]

    def __str__(self) -> str:
        return self.title


class RunbookVersion(models.Model):
    """A runbook as it was at one time. Never changed."""

    runbook = models.ForeignKey(Runbook, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField()
    services = models.JSONField(default=list, blank=True)
    needs = models.JSONField(default=list, blank=True)
    needs_words = models.TextField(blank=True, default="")
    alerts = models.JSONField(default=list, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    came_from = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["runbook", "version"], name="runbook_version_once")]

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"


class Following(models.Model):
    """People follow a runbook in a room, step by step."""

    ref_kind: ClassVar[str] = "following"

    class State(models.TextChoices):
        """How far it is."""

        GOING = "going", "Being followed"
        DONE = "done", "Followed to its end"
        STOPPED = "stopped", "Stopped"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="followings")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, related_name="followings")
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    step_count = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.GOING)
    started_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    follower = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    words = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["incident", "runbook"], condition=models.Q(state="going"), name="followed_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} in incident {self.incident_id}"


class StepResult(models.Model):
    """What came of one step, as somebody told the room. The newest word on a step counts."""

    class Result(models.TextChoices):
        """What came of it."""

        DONE = "done", "Done"
        FAILED = "failed", "Did not work"
        SKIPPED = "skipped", "Skipped"

    following = models.ForeignKey(Following, on_delete=models.CASCADE, related_name="results")
    number = models.PositiveIntegerField()
    result = models.CharField(max_length=10, choices=Result.choices)
    words = models.TextField(blank=True, default="")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    key = models.CharField(max_length=64)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["following", "number"], name="step_result_once")]

    def __str__(self) -> str:
        return f"step {self.number}: {self.result}"
