"""Forms of automation cards."""

from django import forms

from raglan.changes import automation
from raglan.changes.automation_models import AutomationCard, Question
from raglan.people.forms import Form
from raglan.people.models import Team

HELP = {
    Question.NOTICE: "Who or what sees it, and after how long. Does that still work when the automation broke it?",
    Question.TRY: "On what, how far it reaches there, and how one sees that it is well.",
    Question.STOP: "The command or switch, who may, how long until the last machine has heard.",
    Question.BY_HAND: "Who has done it lately, how long a machine takes, where it is written.",
}


def _answer(question: Question) -> forms.CharField:
    return forms.CharField(
        label=str(question.label),
        required=False,
        max_length=automation.MAX_ANSWER,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=HELP[question],
    )


class AutomationForm(Form):
    """A card with its four answers."""

    title = forms.CharField(
        label="Name",
        max_length=automation.MAX_TITLE,
        help_text="As people call it, such as Chef, or the nightly reboot.",
    )
    acts_on = forms.CharField(
        label="What it acts on",
        max_length=automation.MAX_ACTS_ON,
        help_text="Such as: all web hosts, every 10 minutes.",
    )
    notice = _answer(Question.NOTICE)
    try_safely = _answer(Question.TRY)
    stop = _answer(Question.STOP)
    by_hand = _answer(Question.BY_HAND)
    team = forms.ModelChoiceField(
        label="Who keeps the answers true",
        queryset=Team.objects.order_by("name"),
        required=False,
        to_field_name="slug",
        empty_label="nobody in particular",
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def draft(self) -> automation.Draft:
        """Return what was written."""
        data = self.cleaned_data
        answers = {str(question): data[FIELDS[question]].replace("\r\n", "\n") for question in Question}
        return automation.Draft(data["title"], data["acts_on"], answers, data["team"])


FIELDS = {
    Question.NOTICE: "notice",
    Question.TRY: "try_safely",
    Question.STOP: "stop",
    Question.BY_HAND: "by_hand",
}


def initial(card: AutomationCard) -> dict[str, object]:
    """Return what the form starts with for a card."""
    own = {FIELDS[one.question]: one.answer.text if one.answer else "" for one in automation.answered([card])[card.pk]}
    team = card.team.slug if card.team else ""
    return {"title": card.title, "acts_on": card.acts_on, "team": team, "seen_version": card.version, **own}
