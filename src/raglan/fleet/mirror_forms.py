"""Forms of mirrors and pins. They keep what was typed and say what to do."""

from django import forms

from raglan.fleet import mirrors
from raglan.fleet.mirror_models import Mirror
from raglan.people.forms import Form


class MirrorForm(Form):
    """A mirror to be read."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="What people here call it, such as “our yum mirror”."
    )
    kind = forms.ChoiceField(label="How it is read", choices=Mirror.Kind.choices)
    address = forms.CharField(
        label="Address",
        max_length=1_000,
        help_text="apt: of the folder or file called Packages. yum and dnf: of the folder that holds repodata. "
        "A web page: of the page that links to the files. A command: its name in mirror_commands of the configuration.",
    )
    scheme = forms.ChoiceField(
        label="Which version is newer",
        choices=[("", "as the kind of mirror says"), *Mirror.Scheme.choices],
        required=False,
        help_text="Only a web page or a command leaves it open.",
    )
    every_min = forms.IntegerField(
        label="Minutes between two looks",
        min_value=mirrors.LEAST_EVERY,
        max_value=mirrors.MOST_EVERY,
        initial=15,
    )

    def draft(self) -> mirrors.Draft:
        """Return what was written."""
        data = self.cleaned_data
        return mirrors.Draft(data["name"], data["kind"], data["address"], data["scheme"], data["every_min"])


class PinsForm(Form):
    """All pins of a role."""

    role = forms.CharField(label="Role", max_length=120, required=False, help_text="Such as web; empty for all hosts.")
    pins = forms.CharField(
        label="Pinned versions",
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="One in a line, as in httpd 2.4.6-40; a version may end with a star. These are then all of the role; "
        "without any, it has none.",
    )
