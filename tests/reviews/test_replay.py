"""Events of reviews are enough: told to an older copy of the state, they give the stored one.

A moment is a copy of an entry; its words are told by the entry's own events.
"""

from collections.abc import Callable

import pytest

from raglan.core import timeline
from raglan.incidents import actions as incidents
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.reviews import actions, events
from raglan.reviews.models import Moment, Reply, Review
from raglan.reviews.questions import QUESTIONS
from raglan.testing import replay, world

REVIEW = (
    *("incident_id", "title", "summary", "surprised", "went_right", "state", "version"),
    *("created_at", "updated_at"),
)


def stored() -> replay.State:
    moments = Moment.objects.values("review_id", "entry_id", "in_story")
    replies = Reply.objects.values("review_id", "question", "person_id", "text", "at")
    return {
        "reviews": replay.rows(Review, REVIEW),
        "moments": {(row["review_id"], row["entry_id"]): dict(row) for row in moments},
        "replies": {(row["review_id"], row["question"], row["person_id"]): dict(row) for row in replies},
    }


def tell(  # noqa: C901 -- one case for each kind of event
    state: replay.State, event: timeline.Happened, said: timeline.EventPayload
) -> None:
    """Let a copy of the state hear of one event."""
    pk = next((int(name[7:]) for name in event.subjects if name.startswith("review:")), 0)
    review = state["reviews"].get(pk, {})
    match said:
        case events.ReviewDrafted():
            drafted(state, said)
        case events.ReviewWritten():
            review.update({**said.model_dump(exclude={"written_at"}), "updated_at": said.written_at})
        case events.ReviewShared():
            review.update(state="shared", updated_at=said.shared_at)
        case events.MomentKept():
            state["moments"][pk, said.entry]["in_story"] = said.in_story
        case events.MomentsTakenOut():
            for entry in said.entries:
                del state["moments"][pk, entry]
        case events.ReplyWritten():
            own: replay.Row = {"review_id": pk, "question": said.question, "person_id": said.person}
            state["replies"].pop((pk, said.question, said.person), None)
            if said.text:
                row = {**own, "text": said.text, "at": said.replied_at}
                state["replies"][pk, said.question, said.person] = row


def drafted(state: replay.State, said: events.ReviewDrafted) -> None:
    if said.review not in state["reviews"]:
        own = {"pk": said.review, "incident_id": said.incident, "title": said.title, "summary": said.summary}
        times: replay.Row = {"created_at": said.drafted_at, "updated_at": said.drafted_at}
        state["reviews"][said.review] = {**replay.fresh(Review, REVIEW), **own, **times}
    for entry in said.entries:
        state["moments"][said.review, entry] = {"review_id": said.review, "entry_id": entry, "in_story": True}


def drafting(room: Incident, mara: Person) -> Review:
    incidents.stand_down(room, by=mara, words="Over")
    world.fire_all()
    return Review.objects.get()


def drafting_again(room: Incident, mara: Person) -> None:
    drafting(room, mara)
    incidents.reopen(room, by=mara, why="Back")
    drafting(room, mara)


def writing(room: Incident, mara: Person) -> None:
    review = drafting(room, mara)
    for version in (0, 1):
        actions.write(review, title="t", summary="s", surprised="p", went_right="r", seen_version=version, by=mara)


def telling_the_story(room: Incident, mara: Person) -> None:
    review = drafting(room, mara)
    entry = review.moments.all()[0].entry_id
    for in_story in (False, True, False):
        actions.keep_moment(review, entry, in_story=in_story, by=mara)


def letting_go(room: Incident, mara: Person) -> None:
    brought = incidents.post(room, Said(Entry.Kind.NOTE, "from elsewhere", author_words="Rowan"), by=None)
    drafting(room, mara)
    incidents.take_entries_out(room, [brought.pk], by=mara)
    world.fire_all()
    assert not Moment.objects.filter(entry_id=brought.pk).exists()


def replying(room: Incident, mara: Person) -> None:
    review = drafting(room, mara)
    for question, text in ((0, "a"), (0, "b"), (1, "c"), (1, " ")):
        actions.reply(review, QUESTIONS[question].key, text, by=mara)


def sharing(room: Incident, mara: Person) -> None:
    actions.share(drafting(room, mara), by=mara)


@pytest.mark.parametrize(
    "act",
    [drafting, drafting_again, writing, telling_the_story, letting_go, replying, sharing],
    ids=lambda act: act.__name__,
)
def test_events_told_to_an_older_copy_give_the_stored_state(
    db: None, act: Callable[[Incident, Person], object]
) -> None:
    mara = world.person("Mara Keller")
    room = incidents.declare("Apache is down", by=mara)
    incidents.post(room, Said(Entry.Kind.NOTE, "The login answers 503"), by=mara)

    assert replay.differences(stored, tell, lambda: act(room, mara)) == {}
