"""Nouns of the catalog."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Team


class Service(models.Model):
    """Anything that a team runs or relies on."""

    ref_kind: ClassVar[str] = "service"

    class Kind(models.TextChoices):
        """What sort of thing it is."""

        SERVICE = "service", "Service"
        DATASTORE = "datastore", "Datastore"
        QUEUE = "queue", "Queue"
        VENDOR = "vendor", "Vendor"
        JOB = "job", "Job"
        TOOL = "tool", "Response tool"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="services")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.SERVICE)
    instead = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class ServicePurpose(models.Model):
    """What responders use a service for; having one makes it a response tool."""

    class Purpose(models.TextChoices):
        """The seven things that people do in an incident."""

        SEE = "see", "Seeing"
        CHANGE = "change", "Changing"
        KNOW = "know", "Knowing"
        TALK = "talk", "Talking"
        WAKE = "wake", "Waking"
        GET_IN = "get_in", "Getting in"
        TELL_CUSTOMERS = "tell_customers", "Telling customers"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="purposes")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["service", "purpose"], name="purpose_once")]

    def __str__(self) -> str:
        return f"{self.service_id} for {self.purpose}"


class ServiceNeed(models.Model):
    """That one service needs another."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="needs")
    needed = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="needed_by")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "needed"], name="need_once"),
            models.CheckConstraint(condition=~models.Q(service=models.F("needed")), name="need_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} needs {self.needed_id}"
