"""Screens of reviews: the timeline on one side, the story on the other."""

from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from raglan.core.decode import clean_text
from raglan.core.errors import Conflict
from raglan.incidents import learned_needs
from raglan.incidents.room import KINDS
from raglan.people.access import Scope, require
from raglan.people.models import Person
from raglan.reviews import actions, queries
from raglan.reviews.forms import ReviewForm
from raglan.reviews.models import Review


def _writer(request: HttpRequest) -> Person:
    person = cast("Person", request.user)
    require(person, Scope.RESPOND)
    return person


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Read or write a review."""
    if request.method == "POST":
        _writer(request)
    review = queries.review(pk)
    form = ReviewForm(request.POST or None, initial=_now(review))
    theirs = None
    if request.method == "POST" and form.is_valid():
        theirs = _save(request, review, form)
        if theirs is None:
            return redirect("reviews:edit", pk)
    groups = queries.asked(review)
    page = Paginator(review.moments.all(), queries.MOMENTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "review": review,
        "form": form,
        "theirs": theirs,
        "page": page,
        "moments": [(moment, KINDS.get(moment.kind)) for moment in page],
        "groups": [(name, asked, sum(len(one.replies) for one in asked)) for name, asked in groups.items()],
        "reader": request.user,
        "proposed": learned_needs.proposed(review.incident),
        "unknown": learned_needs.unknown_tools(review.incident),
    }
    return render(request, "reviews/edit.html", context, status=422 if form.errors else 200)


def _now(review: Review) -> dict[str, object]:
    return {
        "title": review.title,
        "summary": review.summary,
        "surprised": review.surprised,
        "went_right": review.went_right,
        "version": review.version,
    }


def _save(request: HttpRequest, review: Review, form: ReviewForm) -> Review | None:
    data = form.cleaned_data
    try:
        actions.write(
            review,
            title=data["title"],
            summary=data["summary"],
            surprised=data["surprised"],
            went_right=data["went_right"],
            seen_version=data["version"],
            by=_writer(request),
        )
    except Conflict as error:
        form.add_error(None, error.sentence)
        theirs = queries.review(review.pk)
        form.data = {name: form.data[name] for name in form.data} | {"version": str(theirs.version)}
        return theirs
    messages.success(request, "Saved.")
    return None


@require_POST
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a question."""
    person, question = _writer(request), request.POST.get("question", "")
    actions.reply(queries.review(pk), question, clean_text(request.POST.get("text", "")), by=person)
    return redirect(f"/reviews/{pk}/#q-{question}")


@require_POST
def moment(request: HttpRequest, pk: int, entry_id: int) -> HttpResponse:
    """Take a moment into the story or leave it out."""
    person, in_story = _writer(request), request.POST.get("in_story") == "yes"
    review = queries.review(pk)
    actions.keep_moment(review, entry_id, in_story=in_story, by=person)
    page = queries.page_of(review, entry_id)
    return redirect(f"/reviews/{pk}/{f'?page={page}' if page > 1 else ''}#m{entry_id}")


@require_POST
def need(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a tool which was lost needs what the incident was about."""
    person, review = _writer(request), queries.review(pk)
    tool, _, needed = clean_text(request.POST.get("need", "")).partition(" ")
    learned_needs.accept(review.incident, tool, needed, by=person)
    messages.success(request, "The catalog knows it from now on.")
    return redirect(f"/reviews/{pk}/#needs")


@require_POST
def share(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a draft for reading."""
    person = _writer(request)
    actions.share(queries.review(pk), by=person)
    messages.success(request, "Everyone can read it now. Ask those whose view is missing.")
    return redirect("reviews:edit", pk)
