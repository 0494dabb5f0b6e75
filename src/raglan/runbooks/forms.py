"""Forms of runbooks. They keep what was typed and say what to do."""

from django import forms

from raglan.alerts import matchers
from raglan.alerts.forms import MatchersField
from raglan.catalog.models import Service
from raglan.people.forms import Form
from raglan.people.models import Team
from raglan.runbooks import actions, folders
from raglan.runbooks.front import MAX_TITLE
from raglan.runbooks.git import Where
from raglan.runbooks.models import Runbook


def _services(label: str, help_text: str) -> "forms.ModelMultipleChoiceField[Service]":
    return forms.ModelMultipleChoiceField(
        label=label,
        help_text=help_text,
        queryset=Service.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
    )


class RunbookForm(Form):
    """A runbook: its text, and what it is about."""

    title = forms.CharField(
        label="Title", max_length=MAX_TITLE, help_text="When to use it, such as “Apache will not start”."
    )
    text = forms.CharField(
        label="Steps",
        max_length=actions.MAX_TEXT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "true", "class": "mono"}),
        help_text="Markdown. A numbered list, or headings that begin with a number, become steps. Commands stand "
        "between lines of three backticks and get a button that copies them.",
    )
    services = _services("Services", "It is offered first in their incidents, and on their alerts.")
    needs = _services(
        "What it needs to work", "If one of these is down as well, whoever follows it should know before."
    )
    needs_words = forms.CharField(
        label="What else it needs",
        required=False,
        max_length=actions.MAX_NEEDS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One thing a line, such as a key, a right or a person.",
    )
    team = forms.ModelChoiceField(
        label="Who looks after it",
        queryset=Team.objects.order_by("name"),
        required=False,
        to_field_name="slug",
        empty_label="nobody in particular",
    )
    alerts = MatchersField(
        label="Which alerts it is for",
        help_text='One condition a line, such as alertname="HttpdDown". All must hold. Empty: those of its services.',
        required=False,
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def draft(self) -> actions.Draft:
        """Return what was written."""
        data = self.cleaned_data
        return actions.Draft(
            title=data["title"],
            text=data["text"].replace("\r\n", "\n"),
            team=data["team"],
            services=list(data["services"]),
            needs=list(data["needs"]),
            needs_words=data["needs_words"].replace("\r\n", "\n"),
            alerts=data["alerts"],
        )


class FolderForm(Form):
    """A git folder whose runbooks are to be copied here."""

    name = forms.CharField(label="Name", max_length=120, help_text="How people here call it, such as “Web team”.")
    address = forms.CharField(
        label="Address of the repository",
        max_length=1000,
        help_text="What git clone takes, beginning with https:// or http://, without user and password.",
    )
    branch = forms.CharField(label="Branch", max_length=200, required=False, help_text="Empty: its main one.")
    folder = forms.CharField(
        label="Folder", max_length=300, required=False, help_text="Such as docs/runbooks. Empty: all of it."
    )
    token = forms.CharField(
        label="Token",
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Only where reading needs one. It is kept sealed and shown nowhere.",
    )
    web_url = forms.CharField(
        label="Where people read the folder",
        max_length=1000,
        required=False,
        help_text="Its address in a browser, so that each runbook here can link to its home.",
    )

    def draft(self) -> folders.Draft:
        """Return what was named."""
        data = {name: str(value).strip() for name, value in self.cleaned_data.items()}
        where = Where(data["address"], data["branch"], data["folder"], data["token"])
        return folders.Draft(data["name"], where, data["web_url"])


def initial(runbook: Runbook) -> dict[str, object]:
    """Return what the form starts with for a runbook."""
    return {
        "title": runbook.title,
        "text": runbook.text,
        "services": [service.slug for service in runbook.services.all()],
        "needs": [service.slug for service in runbook.needs.all()],
        "needs_words": runbook.needs_words,
        "team": runbook.team.slug if runbook.team else "",
        "alerts": matchers.written(matchers.read(runbook.alerts)),
        "seen_version": runbook.version,
    }
