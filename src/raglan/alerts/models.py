"""Nouns of alerts."""

from typing import ClassVar

from django.db import models

from raglan.core.db.constraints import UniqueOnPostgreSQL
from raglan.core.decisions import Decided
from raglan.paging.models import Page, Policy
from raglan.people.models import Person


class Source(models.Model):
    """Something that sends signals, with a token of its own."""

    ref_kind: ClassVar[str] = "source"

    class Kind(models.TextChoices):
        """Which wire format it speaks."""

        ALERTMANAGER = "alertmanager", "Prometheus, as its Alertmanager"
        WEBHOOK = "webhook", "Alertmanager webhook"
        GRAFANA = "grafana", "Grafana alerting webhook"
        PAGERDUTY = "pagerduty", "PagerDuty Events API"
        OPSGENIE = "opsgenie", "Opsgenie alert API"
        NAGIOS = "nagios", "Nagios or Icinga, by raglan-notify"
        ZABBIX = "zabbix", "Zabbix, by raglan’s media type"
        SENTRY = "sentry", "Sentry webhook"
        SNS = "sns", "AWS SNS, such as CloudWatch alarms"
        CLOUDEVENTS = "cloudevents", "CloudEvents 1.0"
        SLACK = "slack", "Anything that can post to Slack"
        EMAIL = "email", "Mail to an address of its own"
        HEARTBEAT = "heartbeat", "Heartbeats of jobs and machines"
        GITHUB = "github", "GitHub, which tells changes"
        GITLAB = "gitlab", "GitLab, which tells changes"
        ARGOCD = "argocd", "Argo CD, which tells changes"
        GENERIC = "generic", "Any JSON, with a mapping"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    token_digest = models.CharField(max_length=64, unique=True)
    token_hint = models.CharField(max_length=12)
    previous_digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    previous_ends_at = models.DateTimeField(null=True, blank=True)
    secret_sealed = models.TextField(blank=True, default="")
    mapping = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, blank=True)
    noisy_since = models.DateTimeField(null=True, blank=True)
    last_heard_at = models.DateTimeField(null=True, blank=True)
    last_remote = models.CharField(max_length=60, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    last_error_at = models.DateTimeField(null=True, blank=True)
    flapping = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """Something that should say regularly that it runs. When it does not, an alert of its source fires."""

    ref_kind: ClassVar[str] = "heartbeat"

    class State(models.TextChoices):
        """What is known of it."""

        NEW = "new", "Waits for its first beat"
        UP = "up", "Beats"
        DOWN = "down", "Missing"
        PAUSED = "paused", "Paused"

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="heartbeats")
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=100)
    period_s = models.PositiveIntegerField()
    grace_s = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    last_beat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    last_took_s = models.FloatField(null=True, blank=True)
    last_words = models.TextField(blank=True, default="")
    why = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "slug"], name="one_heartbeat_a_slug_and_source")
        ]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """Sends the groups whose labels match to a policy. A tree, read by position; the first that takes decides."""

    ref_kind: ClassVar[str] = "route"

    position = models.PositiveIntegerField(unique=True)
    matchers = models.JSONField(default=list, blank=True)
    group_by = models.JSONField(default=list, blank=True)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="routes")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="below")
    wait_s = models.PositiveIntegerField(default=0)
    interval_s = models.PositiveIntegerField(default=300)
    goes_on = models.BooleanField(default=False)
    hours = models.JSONField(default=list, blank=True)
    zone = models.CharField(max_length=64, default="UTC")
    flapping = models.JSONField(null=True, blank=True)
    urgency = models.CharField(max_length=10, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"route {self.position}"


class AlertGroup(models.Model):
    """Alerts that one person would handle as one thing."""

    ref_kind: ClassVar[str] = "group"

    class State(models.TextChoices):
        """Open while one of its alerts fires."""

        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    key = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    labels = models.JSONField(default=dict)
    severity = models.CharField(max_length=20, default="unknown")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="groups")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, null=True, blank=True, related_name="groups")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    alert_count = models.PositiveIntegerField(default=0)
    firing_count = models.PositiveIntegerField(default=0)
    held_count = models.PositiveIntegerField(default=0)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    also = models.JSONField(default=list, blank=True)
    interval_s = models.PositiveIntegerField(default=300)
    page_at = models.DateTimeField(null=True, blank=True)
    urgencies = models.JSONField(null=True, blank=True)  # by policy, where a route says it

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(state="open"), name="one_open_group_a_key")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-opened_at"], name="group_state")]

    def __str__(self) -> str:
        return self.title


class Alert(models.Model):
    """A deduplicated condition that is firing or resolved. At most one is open for a fingerprint."""

    ref_kind: ClassVar[str] = "alert"

    class State(models.TextChoices):
        """Whether the condition holds."""

        FIRING = "firing", "Firing"
        RESOLVED = "resolved", "Resolved"

    fingerprint = models.CharField(max_length=64)
    dedup_key = models.TextField(blank=True, default="")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="alerts")
    group = models.ForeignKey(AlertGroup, on_delete=models.PROTECT, related_name="alerts")
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=20, default="unknown")
    link = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.FIRING)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    signal_count = models.PositiveIntegerField(default=1)
    held = models.CharField(max_length=12, blank=True, default="")
    held_by = models.JSONField(default=list, blank=True)
    active_since = models.DateTimeField(null=True, blank=True)
    waits_behind = models.BigIntegerField(null=True, blank=True)
    trail = models.JSONField(default=list)
    shared_trail = models.BigIntegerField(null=True, blank=True)  # in place of its own, where others have the same

    class Meta:
        constraints: ClassVar = [
            # On SQLite `open_prints` knows what fires: there an index in no order costs each new alert a page.
            UniqueOnPostgreSQL(
                fields=["fingerprint"], condition=models.Q(state="firing"), name="one_open_alert_a_fingerprint"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-id"], name="alert_state"),
            models.Index(fields=["expires_at"], name="alert_expiry", condition=models.Q(state="firing")),
            # What fires is found by the constraint above or in memory. The state is the same in all of it, and stands
            # there so that SQLite need not look at the rows to learn it.
            models.Index(
                fields=["fingerprint", "-received_at", "state"],
                name="alert_episodes",
                condition=models.Q(state="resolved"),
            ),
            models.Index(fields=["held"], name="alert_held", condition=models.Q(state="firing") & ~models.Q(held="")),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def decided(self) -> list[Decided]:
        """All that was decided on it, in order: what opened it stands in its row, what followed in rows of its own."""
        trail = self.trail
        if self.shared_trail is not None:
            shared = Trail.objects.filter(pk=self.shared_trail).first()
            trail = shared.decisions if shared is not None else trail
        first = [Decided(self.received_at, *decision) for decision in trail]
        later = sorted(self.decisions.all(), key=lambda item: item.pk)
        return first + [Decided(item.at, item.stage, item.outcome, item.reason, item.rule) for item in later]


class Trail(models.Model):
    """All that was decided on some alerts as they opened, in the same words: those of a storm come to join one page."""

    decisions = models.JSONField()

    def __str__(self) -> str:
        return f"trail {self.pk}"


class Signal(models.Model):
    """One raw message about one alert, as received, and what became of it. Kept for days, not for ever."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="signals", db_index=False)
    alert = models.ForeignKey(Alert, on_delete=models.SET_NULL, null=True, blank=True, related_name="signals")
    received_at = models.DateTimeField()
    status = models.CharField(max_length=12)
    raw = models.JSONField()
    problem = models.TextField(blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["received_at"], name="signal_received"),
            models.Index(fields=["source", "-id"], name="signal_source"),
        ]

    def __str__(self) -> str:
        return f"{self.status} from {self.source_id}"


class StageDecision(models.Model):
    """What one stage decided on an alert after it was opened, why, and by which version of which rule."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="decisions")
    at = models.DateTimeField()
    stage = models.CharField(max_length=20)
    outcome = models.CharField(max_length=30)
    reason = models.TextField()
    rule = models.CharField(max_length=60, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.stage}: {self.outcome}"


class Silence(models.Model):
    """A person mutes matching alerts from one instant to another, with a reason. What still fires at its end pages."""

    ref_kind: ClassVar[str] = "silence"

    key = models.CharField(max_length=36, unique=True)
    matchers = models.JSONField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    who = models.CharField(max_length=200)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="silences")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="silence_end")]

    def __str__(self) -> str:
        return f"silence {self.pk}"


class Inhibition(models.Model):
    """While an alert of the source side fires, alerts of the target side with the same values are held back."""

    ref_kind: ClassVar[str] = "inhibition"

    name = models.CharField(max_length=200)
    source_matchers = models.JSONField()
    target_matchers = models.JSONField()
    equal = models.JSONField(default=list, blank=True)
    same_source = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Inhibitor(models.Model):
    """A firing alert that holds others back under a rule; `key` is what both sides agree in."""

    key = models.CharField(max_length=64)
    inhibition = models.ForeignKey(Inhibition, on_delete=models.CASCADE, related_name="inhibitors")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="inhibits")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["inhibition", "alert"], name="inhibitor_once_an_alert")
        ]
        indexes: ClassVar = [models.Index(fields=["key"], name="inhibitor_key")]

    def __str__(self) -> str:
        return f"{self.alert_id} under {self.inhibition_id}"


class Maintenance(models.Model):
    """A window in which matching alerts are expected: wall time in a named zone, once or on some days of each week."""

    ref_kind: ClassVar[str] = "maintenance"

    name = models.CharField(max_length=200)
    matchers = models.JSONField()
    zone = models.CharField(max_length=64)
    first = models.DateField()
    start = models.TimeField()
    minutes = models.PositiveIntegerField()
    days = models.JSONField(default=list, blank=True)
    last = models.DateField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    who = models.CharField(max_length=200)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Storm(models.Model):
    """How many groups began to page a policy lately, and the one page that takes the rest while there are too many."""

    ref_kind: ClassVar[str] = "storm"

    policy = models.OneToOneField(Policy, on_delete=models.CASCADE, related_name="storm")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    groups = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"storm of {self.policy_id}"


class Flap(models.Model):
    """That an alert opens and ends again and again, since when, how often, and which page said so."""

    ref_kind: ClassVar[str] = "flap"

    fingerprint = models.CharField(max_length=64)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="flaps")
    route = models.BigIntegerField(null=True, blank=True)
    title = models.CharField(max_length=300)
    rule = models.CharField(max_length=60)
    changes = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    quiet_s = models.PositiveIntegerField()
    open_s = models.PositiveIntegerField()
    page = models.ForeignKey(Page, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    paged_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=models.Q(ended_at__isnull=True), name="one_flap_a_fingerprint"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["fingerprint", "-id"], name="flap_fingerprint")]

    def __str__(self) -> str:
        return f"{self.title} flaps"


class Bundle(models.Model):
    """That the page of a storm took a group for a policy of a route behind its first."""

    group = models.ForeignKey(AlertGroup, on_delete=models.CASCADE, related_name="bundles")
    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="+")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "policy"], name="one_bundle_a_group_and_policy")
        ]

    def __str__(self) -> str:
        return f"group {self.group_id} on page {self.page_id}"
