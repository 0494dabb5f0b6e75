"""Forms of incidents. They keep what was typed and say what to do."""

import secrets

from django import forms

from raglan.catalog.models import Service
from raglan.incidents import queries, severities
from raglan.incidents.models import Availability, Incident, Role, Script, ServiceState
from raglan.people.forms import Form
from raglan.people.models import Person

NEXT_UPDATE = (
    (0, "no time promised"),
    (5, "in 5 minutes"),
    (10, "in 10 minutes"),
    (20, "in 20 minutes"),
    (30, "in 30 minutes"),
    (60, "in an hour"),
)


def new_key() -> str:
    """Return a key of its own for a form, so that sending it twice does it once."""
    return secrets.token_hex(16)


def lines(label: str) -> forms.CharField:
    """Return a field for a list, one line each."""
    box = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=label, required=False, widget=box, help_text="One line each.")


def words(label: str) -> forms.CharField:
    """Return a field for some words that may stay away."""
    return forms.CharField(label=label, required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))


def about_services() -> "forms.ModelMultipleChoiceField[Service]":
    """Return a field for the services that something is about."""
    return forms.ModelMultipleChoiceField(
        label="What is it about?",
        queryset=Service.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
    )


class WrongForm(forms.Form):
    """Something is wrong: one question, and two that may be left as they are."""

    title = forms.CharField(
        label="What do you see?",
        max_length=300,
        help_text="In your own words. You may be wrong; that is fine.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    severity = forms.ChoiceField(
        label="What do users feel?",
        choices=severities.choices,
        initial=Incident.Severity.UNKNOWN,
        required=False,
    )
    services = about_services()
    is_near_miss = forms.BooleanField(
        label="It is a near miss", required=False, help_text="Nothing broke, and we can learn from it."
    )
    private_why = forms.CharField(
        label="Only for some people? Say why",
        max_length=290,
        required=False,
        help_text="With a reason here the room is private: you see it, and whom you put on its list.",
    )


AGO = ((0, "just now"), (2, "about 2 hours ago"), (24, "yesterday"), (72, "some days ago"), (168, "last week"))


class NearMissForm(Form):
    """A near miss, told afterwards."""

    title = forms.CharField(
        label="What nearly happened?", max_length=300, widget=forms.TextInput(attrs={"autofocus": True})
    )
    happened = forms.CharField(
        label="What did you see or do?", max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    kept = forms.CharField(
        label="What kept it from being worse?",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="A person who looked twice, a spare, a limit, luck.",
    )
    ago = forms.TypedChoiceField(label="When", choices=AGO, coerce=int, initial=0)
    services = about_services()


class KindForm(Form):
    """Whether it is a near miss."""

    is_near_miss = forms.BooleanField(
        label="It is a near miss", required=False, help_text="Nothing broke, and we learnt something."
    )
    kept = forms.CharField(
        label="What kept it from being worse?",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="A person who looked twice, a spare, a limit, luck.",
    )


class NameForm(forms.Form):
    """What an incident is called, and how bad it is for users."""

    title = forms.CharField(
        label="What do you see?",
        max_length=300,
        help_text="The earlier words stay readable in the timeline.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    severity = forms.ChoiceField(label="What do users feel?", choices=severities.choices)


class HeadsUpForm(forms.Form):
    """A heads-up in one breath: one text, and more for who has the time."""

    text = forms.CharField(
        label="What did you do or see?",
        max_length=20_000,
        help_text="In your own words. You may be wrong; that is fine.",
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
    )
    did = words("What I did")
    saw = words("What I saw")
    reach = words("How far it may go")
    need = words("What I need")
    services = about_services()
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=new_key)


class CorrectForm(Form):
    """An own entry, said better."""

    text = forms.CharField(
        label="Say it better",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The earlier text stays readable under it.",
    )


class ThanksForm(Form):
    """The words that thank for a heads-up."""

    words = forms.CharField(
        label="What is said first to somebody who gives a heads-up",
        max_length=300,
        required=False,
        help_text="In the room, in the name of whoever takes it. Empty: raglan’s own words.",
    )


class SeveritiesForm(Form):
    """What each severity is called here."""

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a POST, or nothing
        for one in severities.shelf():
            own = severities.OWN[one.severity]
            self.fields[one.severity] = forms.CharField(
                label=one.severity, max_length=80, required=False, initial=one.words, help_text=f"raglan says: {own}"
            )


class ChecklistForm(Form):
    """What a role looks after."""

    items = forms.CharField(
        label="What it looks after",
        max_length=3000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text="One line each, 12 at most. Empty: raglan’s own list.",
    )


class ScriptForm(Form):
    """The words for a moment, as they are said here."""

    words = forms.CharField(
        label="What can be said",
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Empty: as it was said before.",
    )


class MomentForm(Form):
    """A moment that a team adds, and what can be said at it."""

    title = forms.CharField(label="Which moment", max_length=80, help_text="Such as: Calling the data centre.")
    words = forms.CharField(label="What can be said", max_length=600, widget=forms.Textarea(attrs={"rows": 3}))
    place = forms.ChoiceField(label="Where the team reads it", choices=Script.Place.choices)


class AddedMomentForm(ScriptForm):
    """The words for a moment that a team added, and where they stand."""

    place = forms.ChoiceField(label="Where the team reads it", choices=Script.Place.choices)


class AvailabilityForm(Form):
    """Whether one can come in the next hours."""

    state = forms.ChoiceField(
        label="In the next hours I am", choices=Availability.State.choices, widget=forms.RadioSelect, initial="free"
    )
    hours = forms.TypedChoiceField(
        label="For",
        coerce=int,
        choices=((1, "an hour"), (2, "2 hours"), (4, "4 hours"), (8, "8 hours")),
        initial=2,
    )
    words = forms.CharField(
        label="What I can help with", max_length=120, required=False, help_text="Such as: httpd, Chef, mail."
    )


class HandOverForm(Form):
    """A role, whom it goes to, and what they should know."""

    role = forms.ChoiceField(label="Which role", choices=Role.choices)
    person = forms.ModelChoiceField(
        label="To",
        queryset=Person.objects.none(),
        empty_label="choose somebody",
        help_text="Who is in the room. Ask them first.",
    )
    note = forms.CharField(
        label="What they should know", max_length=300, required=False, help_text="It stands in the timeline."
    )


IN_A_WHILE = (
    ("", "no time"),
    ("10", "in 10 minutes"),
    ("20", "in 20 minutes"),
    ("30", "in 30 minutes"),
    ("60", "in an hour"),
    ("120", "in 2 hours"),
    ("240", "in 4 hours"),
    ("1440", "in a day"),
)


class TaskForm(Form):
    """Something to do, who has it, and until when."""

    text = forms.CharField(label="What is to be done", max_length=500)
    owner = forms.ModelChoiceField(
        label="Who has it", queryset=Person.objects.none(), required=False, empty_label="nobody yet"
    )
    due = forms.TypedChoiceField(
        label="Until", choices=IN_A_WHILE, coerce=int, required=False, empty_value=None, initial=""
    )
    entry_key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


class EndTaskForm(Form):
    """A word on what became of a task."""

    words = forms.CharField(label="In a few words", max_length=2000, required=False)


class StandingForm(forms.Form):
    """Where it stands."""

    summary = forms.CharField(label="Where it stands", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    know = lines("We know")
    trying = lines("We are trying")
    unknown = lines("We do not know")
    service_state = forms.ChoiceField(label="What users feel", choices=ServiceState.choices)
    state_words = forms.CharField(
        label="In a few words", max_length=120, required=False, help_text="Such as: site slow, still up."
    )
    next_update = forms.ChoiceField(label="Next update", required=False, choices=NEXT_UPDATE)
    seen_version = forms.IntegerField(widget=forms.HiddenInput)


class JoinForm(Form):
    """Which open incident something belongs to."""

    incident = forms.ModelChoiceField(
        label="Which incident", queryset=Incident.objects.none(), widget=forms.RadioSelect, empty_label=None
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a POST, or nothing
        self.fields["incident"].queryset = queries.open_incidents()  # type: ignore[attr-defined]  # a ModelChoiceField


class RelateForm(Form):
    """Another incident, and how it is related."""

    other = forms.IntegerField(label="Number of the other incident", min_value=1, max_value=2**63 - 1)
    words = forms.CharField(
        label="How they are related",
        max_length=200,
        required=False,
        help_text="Such as: the same host, came from the same change, was thought to be over.",
    )


class ReopenForm(Form):
    """Why it goes on."""

    why = forms.CharField(
        label="Why does it go on?",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
        help_text="What was seen. It stands in the timeline.",
    )


class CloseForm(Form):
    """Closing."""

    words = forms.CharField(
        label="How did it end?",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="A sentence or two for those who were not here.",
    )
