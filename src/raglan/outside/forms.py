"""Forms of the outside. They keep what was typed and say what to do."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django import forms

from raglan.alerts.models import Source
from raglan.catalog.models import Service
from raglan.incidents.models import ServiceState
from raglan.outside import asking, desk, publishing, queries, wordings
from raglan.outside import components as verbs
from raglan.outside.models import Component, PublicWindow, Stage, StatusPage, Target, Wording
from raglan.outside.ways.command import commands
from raglan.people.forms import Form, ZoneField
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


NO_WORD = "none"
HOW_IT_IS = [(NO_WORD, "no word on it"), *((str(state), str(state.label)) for state in ServiceState)]


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
    is_public = forms.BooleanField(
        label="Say it in public, too",
        required=False,
        help_text="On the status page, in its feeds, and to those who asked to be told.",
    )
    headline = forms.CharField(
        label="What it is about, in public words",
        required=False,
        max_length=desk.MAX_HEADLINE,
        help_text="Only for a public update. Such as: Buying is slow.",
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)
    looked = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, data: object = None, *, initial: Mapping[str, object], parts: Sequence[Component] = ()) -> None:
        super().__init__(data, initial=dict(initial))  # type: ignore[arg-type]  # a query dict
        self.parts = {f"part_{one.pk}": one for one in parts}
        for name, one in self.parts.items():
            self.fields[name] = forms.ChoiceField(label=one.name, choices=HOW_IT_IS, initial=NO_WORD)

    def part_fields(self) -> list[forms.BoundField]:
        """Return the fields of components."""
        return [self[name] for name in self.parts]

    def word(self) -> desk.Word:
        """Return what was written. What only a public update says is left out of another one."""
        data = self.cleaned_data
        text = str(data["text"]).replace("\r\n", "\n")
        is_public = bool(data["is_public"])
        chosen = {one.pk: data[name] for name, one in self.parts.items() if data[name] != NO_WORD}
        states = chosen if is_public else {}
        headline = data["headline"] if is_public else ""
        comes = wait_of(data["next_word"])
        return desk.Word(data["stage"], text, comes, data["key"], data["seen"], is_public, headline, states)

    def digest(self) -> str:
        """Return a digest of what those outside would read: what was looked at is what is said."""
        word = self.word()
        read = (word.stage, word.next_word, word.text, word.is_public, word.headline, sorted(word.states.items()))
        return hashlib.sha256(repr(read).encode()).hexdigest()[:32]


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

    person = forms.ModelChoiceField(queryset=Person.objects.none(), label="Who goes on", empty_label="choose somebody")
    note = forms.CharField(label="What they should know", max_length=desk.MAX_NOTE, required=False)

    def __init__(self, data: object = None, *, but: Person | None = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a query dict
        people = Person.objects.filter(is_active=True).exclude(role=Person.Role.VIEWER).order_by("name")
        self.fields["person"].queryset = people.exclude(pk=but.pk) if but else people  # type: ignore[attr-defined]  # a model choice field


class PageForm(Form):
    """The public status page."""

    is_on = forms.BooleanField(
        label="There is a public status page",
        required=False,
        help_text="Off, nothing is brought anywhere. What stands outside already grows old, and says so itself.",
    )
    title = forms.CharField(label="Title", max_length=120, help_text="Such as: Loomhaven status.")
    intro = forms.CharField(
        label="What stands below the title",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For instance whom to ask.",
    )
    address = forms.CharField(
        label="Where people read it",
        required=False,
        max_length=500,
        help_text="Its own address, such as https://status.example.org. Feeds and mails lead there.",
    )
    home_url = forms.CharField(label="Address of your own site", required=False, max_length=500)
    zone = ZoneField()
    language = forms.CharField(
        label="Language that you write in", max_length=20, help_text="As en, de or pt-BR; for those who listen."
    )
    word_hours = forms.IntegerField(
        label="Hours after which a word is too old",
        min_value=1,
        max_value=720,
        help_text="A component whose last word is older is not known, unless something watches it.",
    )
    uses_script = forms.BooleanField(
        label="Let a small script turn an old page to “not known”",
        required=False,
        help_text="Without it the page says in words until when it is true.",
    )
    takes_subscribers = forms.BooleanField(
        label="People may ask to be told by mail",
        required=False,
        help_text="The page links to a form here. An address is told only after it has confirmed.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def draft(self) -> verbs.PageDraft:
        """Return what was written."""
        data = dict(self.cleaned_data)
        data.pop("version")
        data["intro"] = data["intro"].replace("\r\n", "\n")
        return verbs.PageDraft(**data)


def page_initial(page: StatusPage) -> dict[str, object]:
    """Return what the form starts with."""
    return {name: getattr(page, name) for name in PageForm.base_fields}


class ComponentForm(Form):
    """A component of the status page."""

    name = forms.CharField(label="Name", max_length=120, help_text="In public words, such as: Buying.")
    group = forms.CharField(label="Heading", max_length=120, required=False, help_text="Such as: Shop.")
    text = forms.CharField(label="What it is for", max_length=300, required=False)
    position = forms.IntegerField(
        label="Place", min_value=0, max_value=10_000, initial=0, help_text="Small ones first."
    )
    source = forms.ModelChoiceField(
        label="What watches it",
        queryset=Source.objects.filter(disabled_at__isnull=True).order_by("name"),
        required=False,
        to_field_name="slug",
        empty_label="nothing: it is only known when somebody says so",
        help_text="While this source is heard and nothing fires, the component is shown as fine.",
    )
    quiet_min = forms.IntegerField(
        label="Minutes that it may be quiet",
        min_value=1,
        max_value=10_080,
        initial=15,
        help_text="Then it is not known.",
    )
    services = forms.ModelMultipleChoiceField(
        label="Services that its alerts name",
        queryset=Service.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
        help_text="None: each alert of the source counts.",
    )

    def draft(self) -> verbs.ComponentDraft:
        """Return what was written."""
        data = dict(self.cleaned_data)
        return verbs.ComponentDraft(**{**data, "services": list(data["services"])})


def component_initial(one: Component) -> dict[str, object]:
    """Return what the form starts with."""
    return {
        "name": one.name,
        "group": one.group,
        "text": one.text,
        "position": one.position,
        "source": one.source.slug if one.source else "",
        "quiet_min": one.quiet_min,
        "services": [service.slug for service in one.services.all()],
    }


class WindowForm(Form):
    """Public words for a maintenance window."""

    title = forms.CharField(label="What is planned, in public words", max_length=120)
    text = forms.CharField(
        label="What it means for people", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    components = forms.ModelMultipleChoiceField(
        label="What it is about",
        queryset=Component.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: object = None, *, shown: PublicWindow | None, name: str) -> None:
        initial: dict[str, object] = {"title": name[:120]}
        if shown:
            chosen = [one.pk for one in shown.components.all()]
            initial = {"title": shown.title, "text": shown.text, "components": chosen}
        super().__init__(data, initial=initial)  # type: ignore[arg-type]  # a query dict
        self.fields["components"].queryset = queries.components()  # type: ignore[attr-defined]  # a model choice field

    def draft(self) -> verbs.WindowDraft:
        """Return what was written."""
        data = self.cleaned_data
        return verbs.WindowDraft(data["title"], data["text"].replace("\r\n", "\n"), list(data["components"]))


WORDS: dict[str, tuple[str, str]] = {
    "path": ("Folder", "Its whole path. The configuration file allows below which folders (status_folders)."),
    "command": ("Command", "One that the configuration file names (status_commands)."),
    "url": ("Address of the store", "Such as https://s3.eu-central-1.amazonaws.com, or that of your own store."),
    "bucket": ("Bucket", "Its name."),
    "prefix": ("Folder in it", "Such as status. Empty: at its root."),
    "region": ("Region", "Such as eu-central-1. Stores of your own often take us-east-1."),
    "key_id": ("Access key", "The key that may write there, and nothing else."),
    "address": ("Address of the repository", "What git push takes, beginning with https:// or http://."),
    "branch": ("Branch", "Such as gh-pages. It is made when missing."),
    "folder": ("Folder in it", "Such as docs. Empty: at its root."),
}
CAN_STAY_EMPTY = ("prefix", "folder")


class TargetForm(Form):
    """A place that the status page is brought to."""

    name = forms.CharField(label="Name", max_length=120, help_text="How people here call it.")
    every_min = forms.IntegerField(
        label="Minutes until it is made again",
        min_value=1,
        max_value=1440,
        help_text="Changes go out at once. Three times as long without news, and the page says that it is old.",
    )

    def __init__(self, data: object = None, *, kind: str) -> None:
        super().__init__(data, initial={"every_min": 60 if kind == Target.Kind.GIT else 10})  # type: ignore[arg-type]  # a query dict
        self.kind, self.way = kind, publishing.WAYS[kind]
        for name in self.way.names:
            label, help_text = WORDS[name]
            required = name not in CAN_STAY_EMPTY
            self.fields[name] = forms.CharField(label=label, help_text=help_text, required=required, max_length=500)
        if "command" in self.fields:
            known = [(name, name) for name in commands()]
            self.fields["command"] = forms.ChoiceField(label="Command", help_text=WORDS["command"][1], choices=known)
        if self.way.asks_for:
            self.fields["secret"] = forms.CharField(
                label=self.way.asks_for,
                max_length=500,
                required=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
                help_text="It is kept sealed and shown nowhere.",
            )

    def draft(self) -> publishing.Draft:
        """Return what was written."""
        data = self.cleaned_data
        settings = {name: str(data[name]) for name in self.way.names}
        return publishing.Draft(self.kind, data["name"], settings, data.get("secret", ""), data["every_min"])


class WebhookForm(Form):
    """A program that is to be told of public updates."""

    url = forms.CharField(
        label="Address", max_length=500, help_text="It gets JSON by POST, beginning with https:// or http://."
    )


class SubscribeForm(Form):
    """Somebody who wants to be told of public updates."""

    address = forms.EmailField(
        label="Your mail address",
        max_length=254,
        help_text="You get a mail with a link. Only when you confirm there, you are told.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class WordingForm(Form):
    """Words that an update can begin with."""

    name = forms.CharField(label="When to use them", max_length=80, help_text="Such as: a page is slow, first word.")
    stage = forms.ChoiceField(label="How far it is then", choices=Stage.choices, widget=forms.RadioSelect)
    headline = forms.CharField(label="What it is about, in public words", required=False, max_length=desk.MAX_HEADLINE)
    text = forms.CharField(
        label="The words",
        max_length=desk.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Leave gaps such as … where each incident differs; they are filled in before anything is said.",
    )

    def draft(self) -> wordings.Draft:
        """Return what was written."""
        data = self.cleaned_data
        return wordings.Draft(data["name"], data["stage"], data["text"].replace("\r\n", "\n"), data["headline"])


def wording_initial(one: Wording) -> dict[str, object]:
    """Return what the form starts with."""
    return {"name": one.name, "stage": one.stage, "headline": one.headline, "text": one.text}
