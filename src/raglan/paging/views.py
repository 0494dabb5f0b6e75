"""Screens of paging: the page that a message opens, and a page's history."""

from datetime import timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound, RaglanError
from raglan.paging import actions, chats, coming, last_resort, ports, queries, returning
from raglan.paging.models import ChatCall, Notification, Page
from raglan.people import reading
from raglan.people.access import Scope, require
from raglan.people.models import Person

SNOOZES = ((15, "15 minutes"), (30, "30 minutes"), (60, "1 hour"), (240, "4 hours"), (720, "12 hours"))
SHOWN = 50


@login_not_required
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """The page that a push, a mail or a call opens. Opening it tells nobody anything; only a button does.

    The token is signed for one page and one person and is the proof that a CSRF token would be; no session is read.
    """
    found = queries.by_token(token)
    if found is None:
        raise NotFound("This link is over, or lost its end on the way. Sign in to see open pages.")
    page, person = found
    if request.method == "POST":
        answer(page, person, request.POST.get("answer", ""), via=actions.Via.LINK)
        return redirect(request.path)
    with timezone.override(ZoneInfo(person.time_zone)), reading.read_for(person):
        response = render(request, "paging/paged.html", _context(page, person, token))
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response


def answer(page: Page, person: Person, said: str, *, via: actions.Via) -> None:
    """Do what the button says. Somebody else having it is an answer too, not an error."""
    match said:
        case "have":
            try:
                actions.acknowledge(page, by=person, via=via)
            except actions.AlreadyTaken:
                actions.join(page, by=person, via=via)
        case "join":
            actions.join(page, by=person, via=via)
        case "pass":
            actions.pass_on(page, by=person, via=via)
        case _:
            raise BadInput("answer", "is not one of the buttons")


def _context(page: Page, person: Person, token: str) -> dict[str, object]:
    reached = queries.last_reached(page, person)
    around = ports.around(page)
    return {
        "paged": page,
        "who": person,
        "token": token,
        "reached": reached,
        "around": around,
        "links": ports.links(page),
        "own_answer": queries.own_answer(page, reached),
        "is_added": reached is not None and reached.is_added,
        "other_has_it": page.acknowledged_by if page.acknowledged_by_id not in (None, person.pk) else None,
        "is_open": page.state in actions.OPEN,
        "next_people": coming.next_people(page, page.next_step_at) if page.next_step_at else [],
        "behind": coming.behind(page),
        "history": queries.history(page),
        "without_database": last_resort.messages(page),
        "calls": page.calls.order_by("pk"),
        "chat_calls": [_chat_call(call) for call in page.chat_calls.order_by("pk")],
    }


def _chat_call(call: ChatCall) -> tuple[ChatCall, str, str]:
    """Return a call with the name of its chat, and why it waits, where that is known."""
    waits = call.state == Notification.State.WAITING
    return call, chats.name_of(call.chat), (call.error or chats.away(call.chat)) if waits else ""


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A page with its history, for everyone who is signed in."""
    page = _page(pk)
    person = cast("Person", request.user)
    context = _context(page, person, "") | {"live_topics": f"page:{pk}", "snoozes": SNOOZES}
    context["others"] = Person.objects.filter(is_active=True).exclude(pk=person.pk).order_by("name")
    return render(request, "paging/page.html", context)


@require_GET
def part(request: HttpRequest, pk: int) -> HttpResponse:
    """The page's body, for a screen that heard that something changed."""
    return render(request, "paging/part_page.html", _context(_page(pk), cast("Person", request.user), ""))


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """All pages in one list: those that want somebody, those that somebody has, those taken long ago, or all."""
    kinds = {"open": queries.open_pages, "live": queries.live_pages, "old": queries.long_ago, "all": queries.pages}
    chosen = request.GET.get("state", "live")
    before = request.GET.get("before", "")
    found = kinds.get(chosen, queries.live_pages)().filter(is_test=False).select_related("acknowledged_by")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found[: SHOWN + 1])
    context = {
        "pages": rows[:SHOWN],
        "more": rows[SHOWN - 1].pk if len(rows) > SHOWN else None,
        "chosen": chosen if chosen in kinds else "live",
        "kinds": (("open", "Nobody yet"), ("live", "Not over"), ("old", "Taken long ago"), ("all", "All")),
    }
    return render(request, "paging/pages.html", context)


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Snooze a page, give it back, hand it on, or ask somebody as well."""
    by = cast("Person", request.user)
    require(by, Scope.RESPOND)
    page = _page(pk)
    try:
        messages.success(request, _change(page, by, request.POST))
    except RaglanError as error:
        messages.error(request, error.sentence)
    return redirect("paging:page", pk)


def _change(page: Page, by: Person, said: QueryDict) -> str:
    match said.get("do", ""):
        case "snooze":
            minutes = said.get("minutes", "")
            if minutes not in {str(number) for number, _ in SNOOZES}:
                raise BadInput("minutes", "is not one of the times")
            until = now() + timedelta(minutes=int(minutes))
            returning.snooze(page, until=until, by=by, via=actions.Via.SCREEN)
            return "It comes back to you then."
        case "give-back":
            returning.give_back(page, by=by)
            return "It is nobody’s again; its steps begin anew."
        case "hand-on":
            to = _somebody(said.get("person", ""))
            returning.hand_on(page, to=to, by=by)
            return f"{to.name} is asked now."
        case "add":
            to = _somebody(said.get("person", ""))
            returning.add_people(page, [to], by=by)
            return f"{to.name} is asked to join."
        case _:
            raise BadInput("do", "is not one of the buttons")


def _somebody(word: str) -> Person:
    is_number = word.isdecimal() and len(word) < 19
    found = Person.objects.filter(pk=int(word), is_active=True).first() if is_number else None
    if found is None:
        raise BadInput("person", "choose somebody")
    return found


@require_POST
def respond(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a page from its screen."""
    person = cast("Person", request.user)
    require(person, Scope.RESPOND)
    answer(_page(pk), person, request.POST.get("answer", ""), via=actions.Via.SCREEN)
    return redirect("paging:page", pk)


def _page(pk: int) -> Page:
    found = queries.pages().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such page.")
    return found
