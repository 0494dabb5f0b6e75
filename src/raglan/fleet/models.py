"""Nouns of the fleet."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from raglan.fleet import mirror_models as _mirrors  # noqa: F401  # tables of this app that stand in files of their own
from raglan.fleet import place_models as _places  # noqa: F401
from raglan.fleet import run_models as _runs  # noqa: F401
from raglan.fleet import variety_models as _variety  # noqa: F401
from raglan.fleet import watch_models as _changes_on_hosts  # noqa: F401


class FleetSource(models.Model):
    """What tells of hosts, with a token of its own: the reporter of a group of hosts, or a tool that changes them."""

    ref_kind: ClassVar[str] = "fleet_source"

    class Kind(models.TextChoices):
        """What is meant to use the token; each takes reports and runs."""

        HOSTS = "hosts", "Hosts, by raglan-host"
        PUPPET = "puppet", "Puppet, as its report server"
        CHEF = "chef", "Chef, as its data collector"
        ANSIBLE = "ansible", "Ansible, by raglan’s callback"
        SALT = "salt", "Salt, by raglan’s returner"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.HOSTS)
    token_digest = models.CharField(max_length=64, unique=True)
    token_hint = models.CharField(max_length=12)
    previous_digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    previous_ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, blank=True)
    last_heard_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")
    last_error_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class FleetPayload(models.Model):
    """Something that a source sent, kept for its owner to see: a sample of what was taken, and what was refused."""

    source = models.ForeignKey(FleetSource, on_delete=models.CASCADE, related_name="payloads")
    received_at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    text = models.TextField()
    problem = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.kind} of {self.source_id}"


class Package(models.Model):
    """One version of one package, as hosts name it. Made once, never changed, so that its key stands for it."""

    name = models.CharField(max_length=255)
    version = models.CharField(max_length=255)
    arch = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "version", "arch"], name="package_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class PackageSet(models.Model):
    """All that is installed on a host, or on many alike: sorted keys of packages, packed.

    `digest` is of the list as hosts send it, so that a list that was seen before is known without being read.
    """

    digest = models.CharField(max_length=64, unique=True)
    packed = models.BinaryField()
    count = models.PositiveIntegerField()
    first_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class UnitSet(models.Model):
    """The services of a host, or of many alike, each with its state; packed JSON."""

    digest = models.CharField(max_length=64, unique=True)
    packed = models.BinaryField()
    failed = models.PositiveIntegerField(default=0)
    first_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class Host(models.Model):
    """A member of the fleet, as it and the tools on it told.

    `key` is its machine id and its name: a report finds its row by it in one look. Times are by raglan's clock;
    `clock_offset_s` is by how much the host's own is ahead. `doubted_since` says that its machine id came with another
    name and boot; `shared_since` that two machines were seen to use one id. `installed_at` is when its system came to
    be, by its own word. `converged_at` is when a run last did all that it was to do, `failing_since` when the first run
    failed after that. `starts` are the times at which its services were started, in seconds by its own clock; `aside`
    counts the reports that it keeps because raglan could not store them. `tags_by` are its tags by who told them: a
    tool with the token of a source, as `tellers` names it, the host itself without a name; `tags` are those that count
    of them, or what a rule gives it.
    """

    ref_kind: ClassVar[str] = "host"

    key = models.CharField(max_length=330, unique=True)
    name = models.CharField(max_length=253)
    machine = models.CharField(max_length=64, blank=True, default="")
    cluster = models.CharField(max_length=120, blank=True, default="")
    role = models.CharField(max_length=120, blank=True, default="")
    environment = models.CharField(max_length=120, blank=True, default="")
    system = models.CharField(max_length=120, blank=True, default="")
    tags = models.JSONField(default=list, blank=True)
    tags_by = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    told_digest = models.CharField(max_length=32, blank=True, default="")
    first_heard_at = models.DateTimeField()
    last_heard_at = models.DateTimeField()
    reported_at = models.DateTimeField(null=True, blank=True)
    ran_at = models.DateTimeField(null=True, blank=True)
    converged_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    report_interval_s = models.PositiveIntegerField(default=0)
    run_interval_s = models.PositiveIntegerField(default=0)
    clock_offset_s = models.IntegerField(default=0)
    boot = models.CharField(max_length=64, blank=True, default="")
    seq = models.BigIntegerField(default=0)
    previous_boot = models.CharField(max_length=64, blank=True, default="")
    doubted_since = models.DateTimeField(null=True, blank=True)
    shared_since = models.DateTimeField(null=True, blank=True)
    packages = models.ForeignKey(PackageSet, on_delete=models.PROTECT, null=True, blank=True, related_name="hosts")
    packages_digest = models.CharField(max_length=64, blank=True, default="")
    units = models.ForeignKey(UnitSet, on_delete=models.PROTECT, null=True, blank=True, related_name="hosts")
    units_digest = models.CharField(max_length=64, blank=True, default="")
    failed_units = models.PositiveIntegerField(default=0)
    gate_answer = models.CharField(max_length=20, blank=True, default="")
    gate_source = models.CharField(max_length=20, blank=True, default="")
    gate_asked_at = models.DateTimeField(null=True, blank=True)
    gate_holds = models.JSONField(default=list, blank=True)
    silent_at = models.DateTimeField(null=True, blank=True)
    silent_since = models.DateTimeField(null=True, blank=True)
    silence_told_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    installed_at = models.DateTimeField(null=True, blank=True)
    starts = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    starts_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    aside = models.PositiveIntegerField(default=0, db_default=0)
    placed = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)  # by rules

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["retired_at", "name"], name="host_by_name"),
            models.Index(fields=["machine"], name="host_by_machine"),
            models.Index(fields=["cluster", "retired_at", "name"], name="host_by_cluster"),
            models.Index(fields=["role", "retired_at", "name"], name="host_by_role"),
            models.Index(fields=["name"], name="host_silent", condition=Q(silent_since__isnull=False)),
            models.Index(fields=["failed_units", "name"], name="host_by_failed"),
            models.Index(fields=["name"], name="host_shared", condition=Q(shared_since__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class HostService(models.Model):
    """That a host says it carries a service, by the service's short name in the catalog."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="carries", db_index=False)
    slug = models.CharField(max_length=120, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "slug"], name="host_service_once")]

    def __str__(self) -> str:
        return f"{self.host_id} carries {self.slug}"


class HostTag(models.Model):
    """That a host has a tag: what `Host.tags` lists, so that hosts are found by it."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="+", db_index=False)
    tag = models.CharField(max_length=120)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "tag"], name="host_tag_once")]
        indexes: ClassVar = [models.Index(fields=["tag", "host"], name="host_by_tag")]

    def __str__(self) -> str:
        return f"{self.host_id} has {self.tag}"


class ToldBy(models.TextChoices):
    """What showed that something moved. What both show is kept once, by the first."""

    REPORT = "report", "report"
    RUN = "run", "run"


class PackageMove(models.Model):
    """That a package of a host went from one version to another; `old` is empty for a new one, `new` for one gone."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="moves", db_index=False)
    name = models.CharField(max_length=255)
    arch = models.CharField(max_length=60, blank=True, default="")
    old = models.CharField(max_length=255, blank=True, default="")
    new = models.CharField(max_length=255, blank=True, default="")
    at = models.DateTimeField()
    told_by = models.CharField(max_length=10, choices=ToldBy.choices)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["host", "-at"], name="move_of_host"),
            models.Index(fields=["name", "-at"], name="move_of_package"),
            models.Index(fields=["at"], name="move_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.old} → {self.new}"


class UnitTurn(models.Model):
    """That a service of a host went from one state to another; `was` is empty when it was not known before."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="turns", db_index=False)
    name = models.CharField(max_length=255)
    was = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=40)
    at = models.DateTimeField()
    told_by = models.CharField(max_length=10, choices=ToldBy.choices)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["host", "-at"], name="turn_of_host"),
            models.Index(fields=["at"], name="turn_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.was} → {self.state}"
