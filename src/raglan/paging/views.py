"""Screens of paging: the page that a message opens, and a page's history."""

from typing import cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.errors import BadInput, NotFound
from raglan.paging import actions, ports, queries
from raglan.paging.models import Page, Reached
from raglan.people.access import Scope, require
from raglan.people.models import Person

ANSWERS = {"have": "have", "join": "join", "pass": "pass"}


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
    with timezone.override(ZoneInfo(person.time_zone)):
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
    reached = Reached.objects.filter(page=page, person=person).order_by("-pk").first()
    around = ports.around(page)
    return {
        "paged": page,
        "who": person,
        "token": token,
        "reached": reached,
        "around": around,
        "own_answer": reached.answer if reached else Reached.Answer.NONE,
        "other_has_it": page.acknowledged_by if page.acknowledged_by_id not in (None, person.pk) else None,
        "is_open": page.state in actions.OPEN,
        "next_people": queries.next_people(page, page.next_step_at) if page.next_step_at else [],
        "history": queries.history(page),
    }


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A page with its history, for everyone who is signed in."""
    page = _page(pk)
    person = cast("Person", request.user)
    context = _context(page, person, "") | {"live_topics": f"page:{pk}"}
    return render(request, "paging/page.html", context)


@require_GET
def part(request: HttpRequest, pk: int) -> HttpResponse:
    """The page's body, for a screen that heard that something changed."""
    return render(request, "paging/part_page.html", _context(_page(pk), cast("Person", request.user), ""))


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
