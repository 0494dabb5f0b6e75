"""Forms of the outside. They keep what was typed and say what to do."""

import hashlib
from datetime import timedelta

from django import forms

from raglan.outside import asking, desk
from raglan.outside.models import Stage
from raglan.people.forms import Form
from raglan.people.models import Person

NEXT_WORD = (
    (0, "no time promised"),
    (10, "in 10 minutes"),
    (20, "in 20 minutes"),
    (30, "in 30 minutes"),
    (60, "in an hour"),
    (120, "in two hours"),
    (240, "in four hours"),
    (1440, "in a day"),
)


def next_word(label: str = "Next word") -> forms.TypedChoiceField:
    """Return a field for when the next word comes."""
    return forms.TypedChoiceField(label=label, choices=NEXT_WORD, coerce=int, initial=30)


def wait_of(minutes: int) -> timedelta | None:
    """Return the wait that was chosen, if any."""
    return timedelta(minutes=minutes) if minutes else None


class WordForm(Form):
    """An update: how far it is, the words, and when the next one comes."""

    stage = forms.ChoiceField(label="How far it is", choices=Stage.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label="What those who wait should know",
        max_length=desk.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="In their words: what they see, what they can do meanwhile. That nothing is new is a word, too.",
    )
    next_word = next_word()
    key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)
    looked = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def word(self) -> desk.Word:
        """Return what was written."""
        data = self.cleaned_data
        text = str(data["text"]).replace("\r\n", "\n")
        return desk.Word(data["stage"], text, wait_of(data["next_word"]), data["key"], data["seen"])

    def digest(self) -> str:
        """Return a digest of what those outside would read: what was looked at is what is said."""
        word = self.word()
        return hashlib.sha256(f"{word.stage}\n{word.next_word}\n{word.text}".encode()).hexdigest()[:32]


class QuestionForm(Form):
    """What somebody wants to know."""

    text = forms.CharField(
        label="What do you want to know?",
        max_length=asking.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It waits at this desk and disturbs nobody who repairs. The answer comes to you by mail, too.",
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)


class HandOverForm(Form):
    """Who speaks to those outside from now on."""

    person = forms.ModelChoiceField(queryset=Person.objects.none(), label="Who goes on")
    note = forms.CharField(label="What they should know", max_length=desk.MAX_NOTE, required=False)

    def __init__(self, data: object = None, *, but: Person | None = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a query dict
        people = Person.objects.filter(is_active=True).exclude(role=Person.Role.VIEWER).order_by("name")
        self.fields["person"].queryset = people.exclude(pk=but.pk) if but else people  # type: ignore[attr-defined]  # a model choice field
