"""Screens of interviews: the kit to print, rounds of talks, themes and quotes."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.errors import Conflict
from raglan.people.access import Scope, reader, require
from raglan.people.forms import Form
from raglan.people.models import Person
from raglan.processes import actions, interviews, kit, queries
from raglan.processes.interview_models import InterviewRound

PER_PAGE = 50
form_methods = require_http_methods(["GET", "HEAD", "POST"])


class RoundForm(Form):
    """What somebody wants to understand."""

    question = forms.CharField(label="What do you want to understand", max_length=interviews.MAX_QUESTION)
    planned = forms.IntegerField(
        label="With how many people", min_value=interviews.FEWEST, max_value=interviews.MOST, initial=6
    )


class ThemeForm(Form):
    """What came up in several talks."""

    title = forms.CharField(label="Theme", max_length=interviews.MAX_TITLE)
    words = forms.CharField(
        label="What it is about",
        required=False,
        max_length=interviews.MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class QuoteForm(Form):
    """What somebody said."""

    theme = forms.TypedChoiceField(label="Theme", coerce=int)
    words = forms.CharField(
        label="What they said", max_length=interviews.MAX_QUOTE, widget=forms.Textarea(attrs={"rows": 2})
    )
    described_as = forms.CharField(
        label="How they want to be described",
        max_length=interviews.MAX_AS,
        help_text="Such as: somebody who changes cookbooks each week.",
    )
    speaker = forms.ModelChoiceField(
        label="Who said it",
        queryset=Person.objects.filter(is_active=True).order_by("name"),
        required=False,
        empty_label="somebody who is not here; they read it and said yes",
        help_text="Never shown. They are asked by mail, and only then it shows.",
    )

    def __init__(self, *args: object, of: InterviewRound, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]  # passed on as they come
        listed = list(of.themes.order_by("pk").values_list("pk", "title"))
        self.fields["theme"].choices = listed  # type: ignore[attr-defined]


@form_methods
def rounds(request: HttpRequest, slug: str) -> HttpResponse:
    """Rounds of talks about a process; begin one."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    process, form = queries.process(slug), RoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = form.attempt(lambda: interviews.begin(process, data["question"], data["planned"], by=person))
        if made is not None:
            return redirect("processes:interviews", slug, made.pk)
    context = {
        "process": process,
        "page": Paginator(interviews.rounds(process), PER_PAGE).get_page(request.GET.get("page")),
        "form": form,
        "may": person.may_respond,
    }
    return render(request, "processes/rounds.html", context, status=422 if form.errors else 200)


@require_GET
def interview_kit(request: HttpRequest, slug: str) -> HttpResponse:
    """Whom to ask, what to say before, the guide, and a friction log to print."""
    process = queries.process(slug)
    context = {
        "process": process,
        "kit": {"whom": kit.WHOM, "consent": kit.CONSENT, "guide": kit.GUIDE},
        "columns": kit.LOG_COLUMNS,
        "steps": actions.standing(process),
        "rows": range(kit.LOG_ROWS),
    }
    return render(request, "processes/kit.html", context)


@form_methods
def one_round(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One round: how many talks were held, themes, quotes; add to it."""
    person, do = reader(request), request.POST.get("do", "")
    if request.method == "POST":
        require(person, Scope.RESPOND)
    found = interviews.one_round(queries.process(slug), pk)
    theme = ThemeForm(request.POST if do == "theme" else None, prefix="theme")
    quote = QuoteForm(request.POST if do == "quote" else None, prefix="quote", of=found)
    if request.method == "POST" and _added(request, found, theme, quote):
        return redirect("processes:interviews", slug, pk)
    context = {
        "process": found.process,
        "round": found,
        "themes": interviews.themes(found, person),
        "theme_form": theme,
        "quote_form": quote,
        "may": person.may_respond,
        "reader": person,
    }
    is_wrong = bool(theme.errors or quote.errors)
    return render(request, "processes/round.html", context, status=422 if is_wrong else 200)


def _added(request: HttpRequest, found: InterviewRound, theme: ThemeForm, quote: QuoteForm) -> bool:
    """Add what was posted; tell whether all is done."""
    person = reader(request)
    if theme.is_bound:
        data = theme.cleaned_data if theme.is_valid() else {}
        return bool(data) and None is not theme.attempt(
            lambda: interviews.write_theme(found, data["title"], data["words"], by=person)
        )
    if quote.is_bound:
        data = quote.cleaned_data if quote.is_valid() else {}
        return bool(data) and None is not quote.attempt(
            lambda: interviews.quote(interviews.theme(found, data["theme"]), _said(data), by=person)
        )
    try:
        interviews.hold(found, by=person)
    except Conflict as error:
        messages.error(request, error.sentence)
    return True


def _said(data: dict[str, object]) -> interviews.Quoted:
    speaker = data["speaker"]
    known = speaker if isinstance(speaker, Person) else None
    return interviews.Quoted(str(data["words"]), str(data["described_as"]), known)


@require_POST
def turn_quote(request: HttpRequest, slug: str, pk: int, quote: int) -> HttpResponse:
    """Approve one's own words, or take them back."""
    person = reader(request)
    found = interviews.one_quote(interviews.one_round(queries.process(slug), pk), quote)
    if request.POST.get("do") == "approve":
        interviews.approve(found, by=person)
    else:
        interviews.take_back(found, by=person)
    return redirect("processes:interviews", slug, pk)
