"""Screens of the desk: who holds the outside, what was said, what is asked."""

import secrets
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.core.keys import key_of
from raglan.incidents import checklists, room
from raglan.incidents.models import Incident, ServiceState
from raglan.incidents.queries import incident as room_of
from raglan.outside import asking, queries
from raglan.outside import desk as verbs
from raglan.outside.forms import NEXT_WORD, HandOverForm, QuestionForm, WordForm, wait_of
from raglan.outside.models import Question, Stage
from raglan.outside.panel import holds
from raglan.people.access import Scope, needs, reader
from raglan.ui import typed

SHOWN = 40


def _head(incident: Incident) -> dict[str, object]:
    found = queries.desk(incident)
    owes = queries.owes_last_word(incident)
    return {"desk": found, "is_late": queries.is_late(found, now()), "owes": owes, "promises": NEXT_WORD}


def _words(incident: Incident) -> dict[str, object]:
    found = queries.updates(incident)
    is_told = queries.page().is_on and found.filter(is_public=True).exists()
    failing = queries.targets().filter(failing_since__isnull=False) if is_told else ()
    return {"updates": list(found[:SHOWN]), "update_count": found.count(), "failing": list(failing)}


def _questions(incident: Incident) -> dict[str, object]:
    found = queries.questions(incident)
    return {
        "questions": list(found[:SHOWN]),
        "waiting": found.filter(state=Question.State.WAITING).count(),
        "question_count": found.count(),
    }


def _standing(incident: Incident) -> dict[str, object]:
    return {"look": room.look_of(incident.service_state)}


PARTS: dict[str, Callable[[Incident], dict[str, object]]] = {
    "head": _head,
    "words": _words,
    "questions": _questions,
    "standing": _standing,
}


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The desk of a room."""
    return _show(request, room_of(pk), QuestionForm(initial={"key": secrets.token_hex(16)}))


def _show(request: HttpRequest, incident: Incident, form: QuestionForm) -> HttpResponse:
    topic, context = f"desk:{incident.pk}", {"incident": incident, "form": form, "may": reader(request).may_respond}
    for gather in PARTS.values():
        context |= gather(incident)
    context |= {
        "topic": topic,
        "room_topic": timeline.ref(incident),
        "live_topics": f"{topic} {timeline.ref(incident)}",
        "live_since": timeline.newest_id(),
        "lists": checklists.in_room(incident, [checklists.OUTSIDE]) if holds(incident, reader(request)) else [],
    }
    return render(request, "outside/desk.html", context, status=422 if form.errors else 200)


@require_GET
def part(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One part of the desk, for a page that heard that something changed."""
    if name not in PARTS:
        raise NotFound("There is no such part of the desk.")
    incident = room_of(pk)
    context = {"incident": incident, "may": reader(request).may_respond, **PARTS[name](incident)}
    return render(request, f"outside/part_{name}.html", context)


@require_POST
@needs(Scope.RESPOND)
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the outside, let it go, or promise the next word for another time."""
    incident, person = room_of(pk), reader(request)
    match request.POST.get("do"):
        case "take":
            verbs.hold(incident, person, by=person)
        case "let-go":
            verbs.hold(incident, None, by=person)
        case "promise":
            word = request.POST.get("next_word", "")
            if word not in {str(minutes) for minutes, _ in NEXT_WORD}:
                raise BadInput("next_word", "choose one of the times")
            verbs.promise(incident, wait_of(int(word)), by=person)
        case _:
            raise BadInput("do", "is not one of the buttons")
    return redirect("outside:desk", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the outside to somebody else, with a note."""
    incident, person = room_of(pk), reader(request)
    found = queries.desk(incident)
    form = HandOverForm(request.POST or None, but=found.holder)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if form.attempt(lambda: verbs.hold(incident, data["person"], by=person, note=data["note"])):
            messages.success(request, f"{data['person'].name} holds the outside now, and is told by mail.")
            return redirect("outside:desk", pk)
    context = {"incident": incident, "desk": found, "form": form}
    return render(request, "outside/hand_over.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def say(request: HttpRequest, pk: int) -> HttpResponse:
    """Write an update, look at it, then say it. What is said is what was looked at."""
    incident, person = room_of(pk), reader(request)
    last = queries.updates(incident).first()
    number = last.number if last else 0
    start = {
        "stage": last.stage if last else Stage.LOOKING,
        "key": secrets.token_hex(16),
        "seen": number,
        "next_word": 0 if last and last.stage == Stage.OVER else 30,
    }
    page, parts = queries.page(), list(queries.components())
    if last and last.is_public:
        start |= {"is_public": True, "headline": last.headline}
        start |= {f"part_{word.component_id}": word.state for word in last.words.all()}
    start |= _words_to_begin_with(request.GET.get("with", ""), headline=str(start.get("headline", "")))
    form, is_looked_at = WordForm(request.POST or None, initial=start, parts=parts if page.is_on else ()), False
    if request.method == "POST" and form.is_valid() and form.attempt(lambda: bool(verbs.check(form.word()))):
        is_looked_at = request.POST.get("do") == "say" and form.cleaned_data["looked"] == form.digest()
        if is_looked_at and form.attempt(lambda: bool(verbs.say(incident, form.word(), by=person))):
            messages.success(request, "It is said.")
            return redirect("outside:desk", pk)
    context = {"incident": incident, "form": form, "last": last, "is_preview": form.is_bound and not form.errors}
    if request.method == "POST":
        _look_again(request, form, number)
    if context["is_preview"]:
        word = form.word()
        said = [(one, ServiceState(word.states[one.pk]).label) for one in parts if one.pk in word.states]
        context |= {"word": word, "stage_words": Stage(word.stage).label, "comes": _comes(word), "said": said}
    context["meanwhile"] = last if form.non_field_errors() else None
    context["wordings"] = list(queries.wordings())
    context["can_be_public"] = page.is_on and queries.may_go_out(incident)
    return render(request, "outside/say.html", context, status=422 if form.errors else 200)


def _words_to_begin_with(number: str, *, headline: str) -> dict[str, object]:
    """Return what the form starts with when somebody chose words; a story that has a headline keeps it."""
    if not number.isdecimal() or len(number) > 18:
        return {}
    found = queries.wording(int(number))
    return {"stage": found.stage, "text": found.text, "headline": headline or found.headline}


def _comes(word: verbs.Word) -> object:
    return now() + word.next_word if word.next_word else None


def _look_again(request: HttpRequest, form: WordForm, number: int) -> None:
    """Let the form say what is shown with it: the digest of what was written, and the newest update."""
    data = request.POST.copy()
    data["looked"] = form.digest() if not form.errors else ""
    data["seen"] = str(number)
    form.data = data


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a question to the desk."""
    person, incident, form = reader(request), room_of(pk), QuestionForm(request.POST)
    if not form.is_valid():
        return _show(request, incident, form)
    key = key_of(form.cleaned_data["key"])
    if not form.attempt(lambda: asking.ask(incident, form.cleaned_data["text"], by=person, key=key)):
        return _show(request, incident, form)
    messages.success(request, "Your question waits at the desk. You get the answer by mail, and find it here.")
    return redirect("outside:desk", pk)


@require_POST
@needs(Scope.RESPOND)
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a question, or put it off until the next update."""
    question, person = queries.question(pk), reader(request)
    try:
        if request.POST.get("do") == "next":
            asking.put_off(question, by=person)
        else:
            asking.answer(question, clean_text(request.POST.get("answer", "")), by=person)
    except (BadInput, Conflict) as error:
        place = f"/incidents/{question.incident_id}/outside/#q{pk}"
        return typed.refuse(request, f"answer-{pk}", error, place, at="answer")
    return redirect("outside:desk", question.incident_id)


@require_POST
@needs(Scope.RESPOND)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a public update off the status page."""
    update = verbs.withdraw(queries.update(pk), by=reader(request))
    messages.success(request, "It goes from the status page now. Who got it by mail or by a feed has it still.")
    return redirect("outside:desk", update.incident_id)
