"""Forms of people: what a screen may send. The action decides; its answer lands at the field it names."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from django import forms

from raglan.core import zones as known
from raglan.core.errors import BadInput, Conflict
from raglan.people import ports
from raglan.people.access import Scope, scopes_of
from raglan.people.models import ContactMethod, Person, Team

T = TypeVar("T")
NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})
SCOPE_WORDS = {
    Scope.READ: "Read: see everything that you see",
    Scope.RESPOND: "Respond: answer pages, open and write in rooms",
    Scope.PAGE: "Page: call people",
    Scope.CONFIGURE: "Configure: change people, teams, sources and policies",
}
DAYS = [("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "No end; only for what nobody can renew")]


class Form(forms.Form):
    """A form whose refused values stay, with the reason beside them."""

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Run an action; when it refuses a value, show that at its field and return None."""
        try:
            return action()
        except BadInput as error:
            self.add_error(error.field if error.field in self.fields else None, _sentence(error.reason))
        except Conflict as error:
            self.add_error(None, error.sentence)
        return None


def _sentence(reason: str) -> str:
    text = reason[:1].upper() + reason[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


@cache
def zones() -> list[tuple[str, str]]:
    """Return the time zones that people choose from, by name."""
    places = (name for name in known.names() if "/" in name and not name.startswith(("Etc/", "US/", "SystemV/")))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in sorted(places))]


class ZoneField(forms.ChoiceField):
    """A time zone by name. A script offers the device's own."""

    def __init__(self) -> None:
        super().__init__(choices=zones, label="Time zone", help_text="Times everywhere are shown in it.", initial="UTC")
        self.widget.attrs["data-guess-zone"] = ""


def name_field() -> forms.CharField:
    """Return the field for what people are called."""
    return forms.CharField(max_length=120, label="Name", widget=forms.TextInput(attrs={"autocomplete": "name"}))


def email_field() -> forms.EmailField:
    """Return the field for an address."""
    widget = forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})
    return forms.EmailField(max_length=254, label="Email", widget=widget)


def password_field() -> forms.CharField:
    """Return the field for a new password."""
    help_text = "Twelve characters or more. A few words that do not belong together are easy to keep and hard to guess."
    return forms.CharField(max_length=256, strip=False, label="Password", widget=NEW_PASSWORD, help_text=help_text)


class FirstAdministrator(Form):
    """Makes the first administrator."""

    name = name_field()
    email = email_field()
    password = password_field()
    time_zone = ZoneField()


class Acceptance(Form):
    """Accepts an invitation."""

    password = password_field()
    time_zone = ZoneField()


class Profile(Form):
    """How somebody is called, and how they like to read."""

    name = name_field()
    time_zone = ZoneField()
    theme = forms.ChoiceField(choices=Person.Theme.choices, widget=forms.RadioSelect, label="Theme")
    density = forms.ChoiceField(choices=Person.Density.choices, widget=forms.RadioSelect, label="Density")
    shortcuts_enabled = forms.BooleanField(
        required=False,
        label="Single-key shortcuts",
        help_text="Off unless you turn them on: dictation and stray keys can set them off.",
    )
    quiet_screen = forms.BooleanField(
        required=False,
        label="Do not read news aloud",
        help_text="For screen readers: pages still change, but say nothing by themselves.",
    )


def kinds_here() -> list[tuple[str, str]]:
    """Return the ways that this installation can use. A browser is added in that browser, not here."""
    typed = [choice for choice in ContactMethod.Kind.choices if choice[0] != ContactMethod.Kind.PUSH]
    return [(str(kind), str(label)) for kind, label in typed if not ports.why_off(str(kind))]


class Contact(Form):
    """A new way to reach somebody."""

    kind = forms.ChoiceField(choices=kinds_here, label="By")
    address = forms.CharField(
        max_length=500,
        label="Address",
        help_text="A mail address, a phone number such as +491512345678, an ntfy topic, an https address, or "
        "for Apprise what your administrator says.",
    )
    label = forms.CharField(
        max_length=80, required=False, label="What you call it", help_text="Such as: work, at night."
    )


class Token(Form):
    """A new token. It can do no more than its owner."""

    name = forms.CharField(max_length=120, label="What uses it", help_text="Such as: my laptop, the deploy script.")
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, label="What it may do")
    days = forms.TypedChoiceField(
        choices=DAYS, coerce=int, empty_value=None, required=False, initial="90", label="Until it ends"
    )

    def __init__(self, data: object = None, *, person: Person) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a query dict
        mine = scopes_of(person)
        scopes = self.fields["scopes"]
        scopes.choices = [(str(scope), words) for scope, words in SCOPE_WORDS.items() if scope in mine]  # type: ignore[attr-defined]  # a choice field
        scopes.initial = [str(Scope.READ)]


class Invite(Form):
    """Somebody new."""

    name = name_field()
    email = email_field()
    role = forms.ChoiceField(choices=Person.Role.choices, initial=Person.Role.RESPONDER, label="Role")

    def __init__(self, data: object = None, *, by: Person) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a query dict
        self.fields["role"].choices = [  # type: ignore[attr-defined]  # a choice field
            choice
            for choice in Person.Role.choices
            if by.role == Person.Role.ADMINISTRATOR or choice[0] != Person.Role.ADMINISTRATOR
        ]
        for name in ("name", "email"):
            self.fields[name].widget.attrs["autocomplete"] = "off"


class Role(Form):
    """What somebody may do."""

    role = forms.ChoiceField(choices=Person.Role.choices, label="Role")


class NewTeam(Form):
    """A new team."""

    name = forms.CharField(max_length=120, label="Name")
    slug = forms.SlugField(
        max_length=60, label="Short name", help_text="For addresses: small letters, digits, hyphens."
    )


class Member(Form):
    """A new member of a team."""

    person = forms.ModelChoiceField(queryset=Person.objects.none(), label="Who", empty_label="Choose somebody")
    is_lead = forms.BooleanField(required=False, label="Leads the team")

    def __init__(self, data: object = None, *, team: Team) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a query dict
        outside = Person.objects.filter(is_active=True).exclude(memberships__team=team).order_by("name")
        self.fields["person"].queryset = outside  # type: ignore[attr-defined]  # a model choice field
