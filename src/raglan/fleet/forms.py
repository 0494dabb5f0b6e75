"""Forms of the fleet."""

from django import forms
from django.utils.text import slugify

from raglan.fleet.models import FleetSource


class FleetSourceForm(forms.Form):
    """What tells of hosts."""

    name = forms.CharField(max_length=120, label="Name", help_text="Such as: web hosts, Puppet of the shop.")
    slug = forms.RegexField(
        regex=r"^[a-z0-9][a-z0-9-]{0,59}$",
        label="Short name",
        max_length=60,
        required=False,
        help_text="Small letters, numbers and hyphens. Empty: made of the name.",
        error_messages={"invalid": "Use small letters, numbers and hyphens, such as web-hosts."},
    )
    kind = forms.ChoiceField(choices=FleetSource.Kind.choices, label="What sends")

    def clean(self) -> dict[str, object]:
        """Make a short name where none was given."""
        data = super().clean() or {}
        if not data.get("slug") and "slug" not in self.errors:
            data["slug"] = slugify(str(data.get("name", "")))[:60].strip("-")
            if not data["slug"]:
                self.add_error("slug", "Write a short name: none can be made of this name.")
        return data
