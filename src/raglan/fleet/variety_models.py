"""Nouns of the variety register."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Person


class Variety(models.Model):
    """What is known of a host that does not converge: why, and whether it is to stay as it is."""

    ref_kind: ClassVar[str] = "variety"

    class Wish(models.TextChoices):
        """What is to become of it."""

        UNDECIDED = "undecided", "Not decided"
        RESERVE = "reserve", "Stays as it is, as a reserve"
        REPAIR = "repair", "Is to be repaired"

    host = models.OneToOneField("fleet.Host", on_delete=models.CASCADE, primary_key=True, related_name="variety")
    why = models.CharField(max_length=500, blank=True, default="")
    wish = models.CharField(max_length=10, choices=Wish.choices, default=Wish.UNDECIDED)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["wish"], name="variety_wish")]

    def __str__(self) -> str:
        return f"host {self.host_id}: {self.wish}"
