"""Forms of changes: what is to change and what is expected of it; what somebody ran into."""

import re

from django import forms

from raglan.changes import grouping, proposing, psa
from raglan.changes.hold_forms import NamesField
from raglan.changes.models import Change, Expectation
from raglan.core.secrets import random_token
from raglan.people.forms import Form

KINDS = [
    ("nothing", "Nothing happens"),
    ("version", "They get these versions"),
    ("restart", "They get these versions, and the units restart"),
    ("words", "Something else, in words"),
]


def words(label: str, help_text: str = "", *, rows: int = 2, required: bool = False) -> forms.CharField:
    """Return a field for some lines of text."""
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, help_text=help_text, required=required, max_length=4_000, widget=widget)


def names(label: str, help_text: str = "") -> forms.CharField:
    """Return a field for names with spaces or commas between them."""
    widget = forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"})
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=2_000, widget=widget)


def listed(text: str) -> tuple[str, ...]:
    """Return the names in a text, each once, in order."""
    return tuple(dict.fromkeys(name for name in re.split(r"[\s,]+", text) if name))


def packages(text: str) -> list[tuple[str, str]]:
    """Return the packages of a text, one a line: a name, and after a space or an equals sign a version."""
    pairs = (re.split(r"[\s=]+", line.strip(), maxsplit=1) for line in text.splitlines() if line.strip())
    return [(pair[0], pair[1].strip() if len(pair) > 1 else "") for pair in pairs]


class ChangeForm(Form):
    """A change as its author proposes it."""

    title = forms.CharField(label="What is going to change", max_length=300)
    packages = forms.CharField(
        label="Packages",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        help_text="One a line, with the version that is to come, such as httpd 2.4.6-45.",
    )
    on_existing = forms.ChoiceField(
        label="What do you expect on hosts that exist?", choices=KINDS, widget=forms.RadioSelect, initial="nothing"
    )
    existing_words = forms.CharField(label="In words", required=False, max_length=1_000)
    on_new = forms.ChoiceField(
        label="What do you expect on new hosts?", choices=KINDS, widget=forms.RadioSelect, initial="version"
    )
    new_words = forms.CharField(label="In words, on new hosts", required=False, max_length=1_000)
    units = names("Units to watch", "Such as httpd.service: those that restart, or must stay well.")
    clusters = NamesField(label="Clusters")
    roles = NamesField(label="Roles")
    environments = NamesField(label="Environments")
    tags = NamesField(label="Tags")
    groups = forms.CharField(
        label="Groups, in their order",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        help_text="One a line, such as “first: tag canary, soak 30 min”, “some: cluster web, share 10 %, soak 2 h” "
        "or “kept: role db, aside”. A host is in the first group that it fits.",
    )
    link = forms.URLField(label="Where to read on", required=False, max_length=2_000, assume_scheme="https")
    note = words("What others should know", "Whoever sees this change reads it first.")

    def proposal(self) -> proposing.Proposal:
        """Return what was written."""
        data = self.cleaned_data
        expected = proposing.Expected(
            on_new=data["on_new"],
            on_existing=data["on_existing"],
            new_words=data["new_words"],
            existing_words=data["existing_words"],
            units=listed(data["units"]),
            clusters=data["clusters"],
            roles=data["roles"],
            environments=data["environments"],
            tags=data["tags"],
        )
        note = data["note"].replace("\r\n", "\n")
        return proposing.Proposal(
            data["title"],
            packages(data["packages"]),
            expected,
            data["link"],
            note=note,
            groups=grouping.read(data["groups"]),
        )


class PsaForm(Form):
    """What somebody ran into, for the next one."""

    title = forms.CharField(label="In a line", max_length=200, help_text="Such as: a pin does not hold what is there.")
    did = words("What I did", required=True)
    happened = words("What happened", required=True)
    expected = words("What I had expected")
    spot = words("How to spot it")
    packages = names("Packages it is about", "It is shown to whoever plans a change of one of them.")
    audience = forms.ChoiceField(label="Who is told now, by mail", required=False)
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200, initial=random_token)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they come
        self.fields["audience"].choices = psa.audiences()  # type: ignore[attr-defined]  # it is a choice field

    def trap(self, change: Change | None) -> proposing.Trap:
        """Return what was written."""
        data = {name: value.replace("\r\n", "\n") for name, value in self.cleaned_data.items()}
        once = "\x01".join(data.values()) if data["key"] else ""  # sent twice it is one note, and changed another
        return proposing.Trap(**{**data, "packages": listed(data["packages"]), "key": once}, change=change)


def expected_words(expectation: Expectation, *, new: bool) -> str:
    """Say what is expected on one sort of hosts."""
    kind, said = (
        (expectation.on_new, expectation.new_words) if new else (expectation.on_existing, expectation.existing_words)
    )
    told = {"nothing": "nothing happens", "version": "these versions come", "words": ""}
    plain = f"these versions come, and {', '.join(expectation.units)} restart" if kind == "restart" else told[kind]
    return "; ".join(part for part in (plain, said) if part)
