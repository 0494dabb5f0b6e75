"""Nouns of changes."""

from typing import ClassVar

from django.db import models

from raglan.changes.automation_models import AutomationAnswer, AutomationCard, AutomationPractice
from raglan.changes.hold_models import Freeze, Hold, HoldDrill, HoldException, HoldHeard
from raglan.people.models import Person

__all__ = [
    "OPEN",
    "AutomationAnswer",
    "AutomationCard",
    "AutomationPractice",
    "Change",
    "ChangePackage",
    "Expectation",
    "Freeze",
    "Hold",
    "HoldDrill",
    "HoldException",
    "HoldHeard",
    "PsaNote",
]


class Change(models.Model):
    """Something deliberate that altered production, or is about to: a deploy, a setting, a switch, a version.

    One that was told after it happened is never edited. One that was proposed, or was seen moving over hosts without a
    word from anybody, has a state, and may have an expectation.
    """

    ref_kind: ClassVar[str] = "change"

    class State(models.TextChoices):
        """How far it is. `told` happened already, and nobody watches it."""

        TOLD = "told", "Happened"
        PROPOSED = "proposed", "Waiting"
        UNDER_WAY = "under_way", "Under way"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"
        TAKEN_BACK = "taken_back", "Taken back"

    key = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=300)
    origin = models.CharField(max_length=300, blank=True, default="")
    told_by = models.CharField(max_length=120)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    links = models.JSONField(default=list, blank=True)
    details = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.TOLD)
    author = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    is_found = models.BooleanField(default=False)
    note = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    state_words = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="change_at"),
            models.Index(fields=["state", "-at"], name="change_state_at"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether it still may reach hosts, as far as anybody said."""
        return self.state in OPEN


OPEN = (Change.State.PROPOSED, Change.State.UNDER_WAY, Change.State.STOPPED)


class Expectation(models.Model):
    """What the author of a change says will happen, on hosts that are new and on those that exist."""

    class Kind(models.TextChoices):
        """What is to happen on a host. Words are for people to read; raglan compares all others."""

        NOTHING = "nothing", "Nothing"
        VERSION = "version", "These versions"
        RESTART = "restart", "These versions, and a restart"
        WORDS = "words", "In words only"

    change = models.OneToOneField(Change, on_delete=models.CASCADE, primary_key=True, related_name="expectation")
    on_new = models.CharField(max_length=8, choices=Kind.choices, default=Kind.VERSION)
    on_existing = models.CharField(max_length=8, choices=Kind.choices, default=Kind.VERSION)
    new_words = models.CharField(max_length=1_000, blank=True, default="")
    existing_words = models.CharField(max_length=1_000, blank=True, default="")
    units = models.JSONField(default=list, blank=True)
    clusters = models.JSONField(default=list, blank=True)
    roles = models.JSONField(default=list, blank=True)
    environments = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)

    def __str__(self) -> str:
        return f"expectation of change {self.change_id}"


class ChangePackage(models.Model):
    """A package that a change is about, and the version that it is to bring; empty where any will do."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="packages")
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["change", "name"], name="change_package_once")]
        indexes: ClassVar = [models.Index(fields=["name"], name="change_package_name")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class RolloutGroup(models.Model):
    """Hosts that take a change together, in their order, or that are kept aside from it.

    A host is in the first group that it fits; those kept aside come before all others. An empty field fits every host;
    `share` of a hundred does so by the host's number, so that a host stays where it is.
    """

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="groups")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    hosts = models.CharField(max_length=120, blank=True, default="")
    cluster = models.CharField(max_length=120, blank=True, default="")
    role = models.CharField(max_length=120, blank=True, default="")
    tag = models.CharField(max_length=120, blank=True, default="", db_default="")
    share = models.PositiveIntegerField(default=100)
    soak_min = models.PositiveIntegerField(default=0)
    is_aside = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["change", "position"], name="rollout_group_once")]

    def __str__(self) -> str:
        return self.name


class PsaNote(models.Model):
    """What somebody ran into, written for the next one who plans something alike."""

    ref_kind: ClassVar[str] = "psa_note"

    key = models.CharField(max_length=64, blank=True, default="", editable=False)  # the same is kept once
    title = models.CharField(max_length=200)
    did = models.TextField()
    happened = models.TextField()
    expected = models.TextField(blank=True, default="")
    spot = models.TextField(blank=True, default="")
    packages = models.JSONField(default=list, blank=True)
    audience = models.CharField(
        max_length=60, blank=True, default=""
    )  # who was told at once: everybody, or a team's slug
    change = models.ForeignKey(Change, on_delete=models.SET_NULL, null=True, blank=True, related_name="notes")
    author = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-at"], name="psa_note_at")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=~models.Q(key=""), name="psa_note_once")
        ]

    def __str__(self) -> str:
        return self.title
