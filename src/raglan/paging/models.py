"""Nouns of paging."""

from typing import ClassVar

from django.db import models

from raglan.oncall.models import Schedule
from raglan.paging.plan import FORGOTTEN_AFTER_S, Acknowledge, EarlierSteps, Urgency, WhenNobody
from raglan.people.models import ContactMethod, Person, Team


class Policy(models.Model):
    """Whom to page, in which order, after what wait, and how often from the start again."""

    ref_kind: ClassVar[str] = "policy"

    class Nobody(models.TextChoices):
        """What happens when a step finds nobody on call."""

        NEXT_STEP = WhenNobody.NEXT_STEP, "Go on with the next step at once"
        HOLD = WhenNobody.HOLD, "Hold the page until somebody is on call"
        FALL_BACK = WhenNobody.FALL_BACK, "Page the administrators (the fallback policy)"

    class Earlier(models.TextChoices):
        """What becomes of a person's own later ways when the next step is taken."""

        GO_ON = EarlierSteps.GO_ON, "They go on beside it"
        STOP = EarlierSteps.STOP, "They stop"

    class Urgent(models.TextChoices):
        """Whether its pages may wake somebody."""

        HIGH = Urgency.HIGH, "High: at any hour"
        LOW = Urgency.LOW, "Low: waits for the hours below"
        SEVERITY = "severity", "By severity: warning and below wait for the hours below"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="policies")
    repeat = models.PositiveSmallIntegerField(default=2)
    version = models.PositiveIntegerField(default=1)
    is_fallback = models.BooleanField(default=False)
    when_nobody = models.CharField(
        max_length=20, choices=Nobody.choices, default=Nobody.NEXT_STEP, db_default=Nobody.NEXT_STEP.value
    )
    earlier_steps = models.CharField(
        max_length=20, choices=Earlier.choices, default=Earlier.GO_ON, db_default=Earlier.GO_ON.value
    )
    urgency = models.CharField(max_length=20, choices=Urgent.choices, default=Urgent.HIGH, db_default=Urgent.HIGH.value)
    hours = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    forgotten_after_s = models.PositiveIntegerField(default=FORGOTTEN_AFTER_S, db_default=FORGOTTEN_AFTER_S)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_fallback"], condition=models.Q(is_fallback=True), name="one_fallback_policy"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """One step of a policy: its targets are paged together, then `wait_s` seconds pass before the next one."""

    class Wanted(models.TextChoices):
        """Whose answer it wants."""

        ANYONE = Acknowledge.ANYONE, "anyone of them"
        EACH = Acknowledge.EACH, "each of them"

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    wait_s = models.PositiveIntegerField(default=300)
    acknowledge = models.CharField(
        max_length=10, choices=Wanted.choices, default=Wanted.ANYONE, db_default=Wanted.ANYONE.value
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["policy", "position"], name="step_position_once")]
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return f"step {self.position + 1} of {self.policy_id}"


class StepTarget(models.Model):
    """Whom a step pages: whoever is on call, a person, a team, a program, or a room in chat. Exactly one is set.

    `chat` is the number of a connection; a room belongs to it. Which chats there are is known above.
    """

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="targets")
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    url = models.CharField(max_length=500, blank=True, default="", db_default="")
    chat = models.PositiveBigIntegerField(null=True, blank=True)
    room = models.CharField(max_length=120, blank=True, default="", db_default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="step_target_is_one",
                condition=models.Q(
                    schedule__isnull=False, person__isnull=True, team__isnull=True, url="", chat__isnull=True, room=""
                )
                | models.Q(
                    schedule__isnull=True, person__isnull=False, team__isnull=True, url="", chat__isnull=True, room=""
                )
                | models.Q(
                    schedule__isnull=True, person__isnull=True, team__isnull=False, url="", chat__isnull=True, room=""
                )
                | (
                    models.Q(schedule__isnull=True, person__isnull=True, team__isnull=True, chat__isnull=True, room="")
                    & ~models.Q(url="")
                )
                | (
                    models.Q(schedule__isnull=True, person__isnull=True, team__isnull=True, url="", chat__isnull=False)
                    & ~models.Q(room="")
                ),
            )
        ]

    def __str__(self) -> str:
        return str(self.schedule or self.person or self.team or self.url or self.room)


class NotificationRule(models.Model):
    """When a person wants which way to be tried: `delay_s` seconds after a page of an urgency reaches out to them."""

    class For(models.TextChoices):
        """For pages of which urgency."""

        HIGH = Urgency.HIGH, "High"
        LOW = Urgency.LOW, "Low"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notification_rules")
    contact = models.ForeignKey(ContactMethod, on_delete=models.CASCADE, related_name="rules")
    delay_s = models.PositiveIntegerField(default=0)
    position = models.PositiveSmallIntegerField(default=0)
    urgency = models.CharField(max_length=10, choices=For.choices, default=For.HIGH, db_default=For.HIGH.value)

    class Meta:
        ordering: ClassVar = ["delay_s", "position", "id"]

    def __str__(self) -> str:
        return f"{self.contact_id} after {self.delay_s} s"


class Page(models.Model):
    """The demand that a person attends now."""

    ref_kind: ClassVar[str] = "page"

    class State(models.TextChoices):
        """How far it has come."""

        TRIGGERED = "triggered", "Nobody yet"
        ACKNOWLEDGED = "acknowledged", "Somebody has it"
        RESOLVED = "resolved", "Over"
        UNANSWERED = "unanswered", "Nobody could be reached"

    title = models.CharField(max_length=300)
    text = models.TextField(blank=True, default="")
    severity = models.CharField(max_length=20, default="unknown")
    state = models.CharField(max_length=20, choices=State.choices, default=State.TRIGGERED)
    reason_type = models.CharField(max_length=20, default="hand")
    reason_id = models.BigIntegerField(null=True, blank=True)
    link = models.CharField(max_length=300, blank=True, default="")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="pages")
    plan = models.JSONField(default=dict)
    round = models.PositiveSmallIntegerField(default=0)
    step = models.IntegerField(default=-1)
    created_at = models.DateTimeField()
    next_step_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    is_test = models.BooleanField(default=False)
    urgency = models.CharField(
        max_length=10, choices=NotificationRule.For.choices, default=NotificationRule.For.HIGH, db_default="high"
    )
    held_since = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "-id"], name="page_state"),
            models.Index(
                fields=["next_step_at"], name="page_next_step", condition=models.Q(next_step_at__isnull=False)
            ),
            models.Index(
                fields=["snoozed_until"], name="page_snoozed", condition=models.Q(snoozed_until__isnull=False)
            ),
            models.Index(fields=["reason_type", "reason_id"], name="page_reason"),
        ]

    def __str__(self) -> str:
        return self.title


class Reached(models.Model):
    """That a page reached out to a person, at which step, and what they answered."""

    class Answer(models.TextChoices):
        """What the person said."""

        NONE = "none", "No answer yet"
        HAS_IT = "has_it", "Has it"
        JOINS = "joins", "Joins"
        PASSED_ON = "passed_on", "Passed it on"
        UNREACHABLE = "unreachable", "Could not be reached"

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="reached", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="pages_reached")
    round = models.PositiveSmallIntegerField(default=0)
    step = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()
    answer = models.CharField(max_length=20, choices=Answer.choices, default=Answer.NONE)
    answered_at = models.DateTimeField(null=True, blank=True)
    is_added = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["page", "person", "round", "step"], name="reached_once_a_step")
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="reached_at")]

    def __str__(self) -> str:
        return f"page {self.page_id} to {self.person_id}"


class Notification(models.Model):
    """One attempt over one channel. Three facts are kept apart: handed over, received, confirmed by a person."""

    class State(models.TextChoices):
        """The attempt's stage."""

        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being handed over"
        HANDED_OVER = "handed_over", "Handed over"
        FAILED = "failed", "Could not be handed over"
        CANCELLED = "cancelled", "Not needed any more"

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="notifications", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey(ContactMethod, on_delete=models.SET_NULL, null=True, related_name="+")
    reached = models.ForeignKey(Reached, on_delete=models.CASCADE, null=True, related_name="notifications")
    channel = models.CharField(max_length=20)
    address = models.CharField(max_length=500)
    key = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    may_repeat = models.BooleanField(default=False)
    error = models.TextField(blank=True, default="")
    provider = models.CharField(max_length=40, blank=True, default="")
    provider_id = models.CharField(max_length=200, blank=True, default="")
    handed_over_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["page", "person"], name="notification_to"),
            models.Index(
                fields=["provider", "handed_over_at"],
                name="notification_taken",
                condition=models.Q(handed_over_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.person_id}"

    @property
    def channel_words(self) -> str:
        """What people call the channel; an integration's own keeps its name."""
        named = dict(ContactMethod.Kind.choices)
        return str(named.get(self.channel, self.channel))


class Telling(models.Model):
    """One step of a page that is told to something by which nobody counts as reached, and what became of it."""

    round = models.PositiveSmallIntegerField()
    step = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=20, choices=Notification.State.choices, default=Notification.State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    may_repeat = models.BooleanField(default=False)
    error = models.TextField(blank=True, default="")
    planned_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class WebhookCall(Telling):
    """One step of a page told to a program at an address."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="calls")
    url = models.CharField(max_length=500)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["page", "round", "step"], name="webhook_call_step")]

    def __str__(self) -> str:
        return f"{self.url} for page {self.page_id}"


class ChatCall(Telling):
    """One step of a page told in a room of a chat. Nobody is reached by it; whoever reads it may take the page."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="chat_calls")
    chat = models.PositiveBigIntegerField()
    room = models.CharField(max_length=120)

    def __str__(self) -> str:
        return f"{self.room} for page {self.page_id}"


class Appointment(models.Model):
    """That a person is tested through the whole path: weekly, or before each of their shifts; and how it went last."""

    ref_kind: ClassVar[str] = "appointment"

    class Kind(models.TextChoices):
        """When."""

        WEEKLY = "weekly", "each week"
        SHIFT = "shift", "before each of my shifts"

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="test_appointment")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.WEEKLY)
    weekday = models.PositiveSmallIntegerField(default=1)
    at = models.TimeField()
    hours_before = models.PositiveSmallIntegerField(default=24)
    tested_at = models.DateTimeField(null=True, blank=True)
    pages = models.JSONField(default=list)
    passed = models.BooleanField(null=True, blank=True)

    def __str__(self) -> str:
        return f"tests of {self.person_id}"


class ChannelSecret(models.Model):
    """What a channel keeps for itself, sealed: the key pair of web push. One a channel, the same on all nodes."""

    channel = models.CharField(max_length=40, unique=True)
    sealed = models.TextField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.channel


class LastResort(models.Model):
    """What one node sent by itself while the database was away, and who took it; told to the database afterwards."""

    case = models.CharField(max_length=32, unique=True)
    node = models.CharField(max_length=120, blank=True, default="")
    policy_id_then = models.BigIntegerField(null=True, blank=True)
    began_at = models.DateTimeField()
    told_at = models.DateTimeField()
    sent = models.JSONField(default=list)
    taken_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.case


class LastResortGroup(models.Model):
    """A group of alerts, by its key, that a page of last resort was about; and the page that took its place."""

    last_resort = models.ForeignKey(LastResort, on_delete=models.CASCADE, related_name="groups")
    key = models.CharField(max_length=64)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, null=True, blank=True, related_name="last_resorts")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["last_resort", "key"], name="last_resort_group_once")]
        indexes: ClassVar = [models.Index(fields=["key"], name="last_resort_key")]

    def __str__(self) -> str:
        return f"{self.key} of {self.last_resort_id}"
