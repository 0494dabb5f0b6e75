"""Nouns of runs: what a tool did on a host in one go."""

from typing import ClassVar

from django.db import models

from raglan.fleet import ports


class HostRun(models.Model):
    """One run of automation on one host, as its tool told it.

    Times are by raglan's clock and never later than the run was heard of. `at` is when it ended, or began as long as it
    has not ended. `steps` are those that changed, failed or would change. `facts_digest` says which moves and states of
    services were taken from it already.
    """

    ref_kind: ClassVar[str] = "host_run"

    class Outcome(models.TextChoices):
        """How it ended; a rehearsal changed nothing."""

        STARTED = ports.Outcome.STARTED.value, "under way"
        REHEARSED = ports.Outcome.REHEARSED.value, "rehearsed"
        UNCHANGED = ports.Outcome.UNCHANGED.value, "unchanged"
        CHANGED = ports.Outcome.CHANGED.value, "changed"
        FAILED = ports.Outcome.FAILED.value, "failed"

    host = models.ForeignKey("fleet.Host", on_delete=models.CASCADE, related_name="runs", db_index=False)
    source = models.ForeignKey("fleet.FleetSource", on_delete=models.CASCADE, related_name="runs", db_index=False)
    tool = models.CharField(max_length=20)
    key = models.CharField(max_length=200)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    version = models.CharField(max_length=200, blank=True, default="")
    words = models.TextField(blank=True, default="")
    changed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    steps = models.JSONField(default=list, blank=True)
    moves = models.JSONField(default=list, blank=True)
    facts_digest = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "source", "tool", "key"], name="host_run_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["host", "-at"], name="run_of_host"),
            models.Index(fields=["outcome", "-at"], name="run_outcome_at"),
            models.Index(fields=["-at"], name="run_at"),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.outcome}"
