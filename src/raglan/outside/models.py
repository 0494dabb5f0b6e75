"""Nouns of the outside."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

from raglan.alerts.models import Maintenance, Source
from raglan.catalog.models import Service
from raglan.core.clock import now
from raglan.incidents.models import Incident, ServiceState
from raglan.people.models import Person


class Desk(models.Model):
    """Who speaks to those outside an incident's room, and when they have promised the next word."""

    ref_kind: ClassVar[str] = "desk"

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="desk")
    holder = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    held_since = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="")
    next_word_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"the outside of incident {self.incident_id}"


class Stage(models.TextChoices):
    """How far an incident is, in the words of those who wait."""

    LOOKING = "looking", "We are looking into it"
    FOUND = "found", "We know what it is"
    WATCHING = "watching", "It should be well again; we are watching"
    OVER = "over", "It is over"


class StatusUpdate(models.Model):
    """Words for those who wait, once they are said. Never changed: a correction is the next update.

    What should not have been said in public can be withdrawn: then it stays here, and goes from the page.
    """

    ref_kind: ClassVar[str] = "status_update"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="status_updates")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=64)
    stage = models.CharField(max_length=10, choices=Stage.choices)
    text = models.TextField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    next_word_at = models.DateTimeField(null=True, blank=True)
    is_public = models.BooleanField(default=False, db_default=False)
    headline = models.CharField(max_length=120, blank=True, default="", db_default="")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "key"], name="status_update_key_once"),
            models.UniqueConstraint(fields=["incident", "number"], name="status_update_number_once"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Question(models.Model):
    """What somebody outside the room wants to know. It waits at the desk."""

    ref_kind: ClassVar[str] = "question"

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "Waits"
        NEXT = "next", "Answered in the next update"
        ANSWERED = "answered", "Answered"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="questions")
    key = models.CharField(max_length=64)
    text = models.TextField()
    asker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    answer = models.TextField(blank=True, default="")
    answered_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_in = models.ForeignKey(
        StatusUpdate, on_delete=models.PROTECT, null=True, blank=True, related_name="questions"
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "key"], name="question_key_once")]

    def __str__(self) -> str:
        return self.text[:80]


class StatusPage(models.Model):
    """The public status page: whether there is one, and what stands at its head. One row at most."""

    ref_kind: ClassVar[str] = "status_page"

    is_on = models.BooleanField(default=False)
    title = models.CharField(max_length=120, default="Status")
    intro = models.TextField(blank=True, default="")
    home_url = models.CharField(max_length=500, blank=True, default="")
    address = models.CharField(max_length=500, blank=True, default="")
    language = models.CharField(max_length=20, default="en")
    zone = models.CharField(max_length=64, default="UTC")
    word_hours = models.PositiveIntegerField(default=24)
    uses_script = models.BooleanField(default=False)
    takes_subscribers = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.title


class Component(models.Model):
    """A part of what users know, in public words."""

    ref_kind: ClassVar[str] = "component"

    name = models.CharField(max_length=120)
    group = models.CharField(max_length=120, blank=True, default="")
    text = models.CharField(max_length=300, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    quiet_min = models.PositiveIntegerField(default=15)
    services = models.ManyToManyField(Service, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["removed_at", "position", "id"], name="component_order")]

    def __str__(self) -> str:
        return self.name


class ComponentWord(models.Model):
    """What somebody said about a component, with an update or alone. The newest one counts, until it is too old."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="words")
    update = models.ForeignKey(StatusUpdate, on_delete=models.CASCADE, null=True, blank=True, related_name="words")
    state = models.CharField(max_length=10, choices=ServiceState.choices)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["component", "-at"], name="component_word_newest")]

    def __str__(self) -> str:
        return f"component {self.component_id} is {self.state}"


class PublicWindow(models.Model):
    """A maintenance window that the status page shows ahead, in public words."""

    ref_kind: ClassVar[str] = "public_window"

    maintenance = models.OneToOneField(Maintenance, on_delete=models.CASCADE, primary_key=True, related_name="+")
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True, default="")
    components = models.ManyToManyField(Component, blank=True, related_name="+")

    def __str__(self) -> str:
        return self.title


def old_after(every_min: int) -> timedelta:
    """Return after how long files are too old: three of their times to be made again have passed without one."""
    return timedelta(minutes=3 * every_min)


class Target(models.Model):
    """A place that the status page is pushed to, and how that went last."""

    ref_kind: ClassVar[str] = "status_target"

    class Kind(models.TextChoices):
        """How it gets there."""

        FOLDER = "folder", "A folder of this machine"
        S3 = "s3", "An S3-style store"
        GIT = "git", "A branch of a git repository"
        COMMAND = "command", "A command, such as rsync"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    settings = models.JSONField(default=dict)
    secret_sealed = models.TextField(blank=True, default="")
    every_min = models.PositiveIntegerField(default=10)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, default="")
    failing_since = models.DateTimeField(null=True, blank=True)
    output = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.name

    @property
    def old_at(self) -> datetime | None:
        """From when on what stands there says that it is too old."""
        return self.published_at + old_after(self.every_min) if self.published_at else None

    @property
    def is_old(self) -> bool:
        """Whether what stands there says so already."""
        return self.old_at is not None and self.old_at <= now()


class Subscriber(models.Model):
    """Somebody who wants to be told of public updates. Whoever leaves is forgotten: the row goes."""

    ref_kind: ClassVar[str] = "subscriber"

    class Kind(models.TextChoices):
        """How they are told."""

        EMAIL = "email", "By mail"
        WEBHOOK = "webhook", "By webhook"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    address = models.CharField(max_length=500)
    digest = models.CharField(max_length=32, db_index=True)
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(db_index=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    refusals = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "address"], name="subscriber_once")]

    def __str__(self) -> str:
        return f"subscriber {self.pk}"


class Sending(models.Model):
    """One update on its way to one subscriber. There is one at most, so that nobody is told twice."""

    class State(models.TextChoices):
        """Where it is."""

        WAITING = "waiting", "Waits"
        SENDING = "sending", "Is being sent"
        SENT = "sent", "Sent"
        UNSURE = "unsure", "Cut off; perhaps sent, not sent again"
        GIVEN_UP = "given_up", "Given up"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="sendings")
    update = models.ForeignKey(StatusUpdate, on_delete=models.CASCADE, related_name="sendings")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "update"], name="sending_once")]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="sending_due")]

    def __str__(self) -> str:
        return f"update {self.update_id} to subscriber {self.subscriber_id}"


class Wording(models.Model):
    """Words that an update can begin with, written on a calm day."""

    ref_kind: ClassVar[str] = "wording"

    name = models.CharField(max_length=80)
    stage = models.CharField(max_length=10, choices=Stage.choices)
    headline = models.CharField(max_length=120, blank=True, default="")
    text = models.TextField()
    removed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
