"""Nouns of mirrors: where packages are fetched from, which versions are there, and which ones roles are pinned to."""

from typing import ClassVar

from django.db import models

from raglan.fleet.versions import Scheme as VersionScheme


class Mirror(models.Model):
    """A place that hosts fetch packages from. `read_at` is how old the evidence is: when its index was last read."""

    ref_kind: ClassVar[str] = "mirror"

    class Kind(models.TextChoices):
        """How its index is written."""

        APT = "apt", "apt: an index called Packages"
        YUM = "yum", "yum or dnf: a repository with repodata"
        LISTING = "listing", "A web page that links to files"
        COMMAND = "command", "A command of the configuration"

    class Scheme(models.TextChoices):
        """Whose rule its versions follow."""

        DEB = VersionScheme.DEB.value, "Debian"
        RPM = VersionScheme.RPM.value, "rpm"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    scheme = models.CharField(max_length=4, choices=Scheme.choices)
    address = models.CharField(max_length=1_000)
    every_min = models.PositiveIntegerField(default=15)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    validators = models.JSONField(default=dict, blank=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class MirrorPackage(models.Model):
    """A version of a package that is on a mirror, or was: then `last_seen_at` says when it was there last."""

    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="packages", db_index=False)
    name = models.CharField(max_length=255)
    version = models.CharField(max_length=255)
    arch = models.CharField(max_length=60, blank=True, default="")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mirror", "name", "version", "arch"], name="mirror_package_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["name"], name="mirror_package_name")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Pin(models.Model):
    """A version that the hosts of a role are to have; without a role, all hosts. `lost_since`: no mirror has it."""

    role = models.CharField(max_length=120, blank=True, default="")
    name = models.CharField(max_length=255)
    version = models.CharField(max_length=255)
    set_at = models.DateTimeField()
    lost_since = models.DateTimeField(null=True, blank=True)
    lost_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "name"], name="pin_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
