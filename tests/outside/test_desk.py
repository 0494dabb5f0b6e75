"""A volunteer holds the outside: what is said, when the next word comes, and what those who wait ask."""

from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.outside import asking, desk, queries
from raglan.outside.desk import Word
from raglan.outside.models import Question, StatusUpdate
from raglan.people.models import Person
from raglan.testing import world
from tests.people.mailbox import Mailbox

HALF_AN_HOUR = timedelta(minutes=30)


def kinds(thing: timeline.Subject) -> list[str]:
    return [event.kind for event in timeline.about(thing)]


def test_an_update_is_said_once_whatever_the_number_of_tries(room: Incident, bo: Person) -> None:
    word = Word("looking", "We know that the shop is slow.", HALF_AN_HOUR, key="k")
    first = desk.say(room, word, by=bo)
    assert desk.say(room, word, by=bo) == first
    assert (first.number, StatusUpdate.objects.count()) == (1, 1)
    assert queries.desk(room).next_word_at == first.next_word_at is not None
    assert kinds(f"desk:{room.pk}") == ["status_update.said"]


def test_who_did_not_see_the_last_word_reads_it_first(room: Incident, mara: Person, bo: Person) -> None:
    desk.say(room, Word("looking", "We look."), by=mara)
    with pytest.raises(Conflict, match="meanwhile"):
        desk.say(room, Word("found", "It is Apache.", seen=0), by=bo)
    assert desk.say(room, Word("found", "It is Apache.", seen=1), by=bo).number == 2


@pytest.mark.parametrize(
    ("word", "field"),
    [
        (Word("fine", "x"), "stage"),
        (Word("over", "  "), "text"),
        (Word("over", "x" * 4001), "text"),
        (Word("over", "x", timedelta(days=8)), "next_word"),
        (Word("over", "x", timedelta(seconds=1)), "next_word"),
    ],
)
def test_what_can_not_be_said_names_its_field(room: Incident, bo: Person, word: Word, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        desk.say(room, word, by=bo)
    assert refused.value.field == field


def test_the_holder_is_reminded_once_when_the_word_is_due_and_it_is_late_from_then_on(
    room: Incident, bo: Person, mailbox: Mailbox
) -> None:
    desk.hold(room, bo, by=bo)
    desk.promise(room, HALF_AN_HOUR, by=bo)
    CLOCK.move(timedelta(minutes=29))
    world.fire_all()
    assert (mailbox.taken, queries.is_late(queries.desk(room), now())) == ([], False)

    world.fast_forward(timedelta(minutes=2))

    [(to, said)] = mailbox.taken
    assert (to, said["Subject"]) == (bo.email, f"The promised word is due: incident {room.pk}")
    assert mailbox.link() == f"/incidents/{room.pk}/outside/"
    assert queries.is_late(queries.desk(room), now())
    world.fast_forward(timedelta(minutes=60))
    assert (len(mailbox.taken), kinds(f"desk:{room.pk}")) == (1, ["desk.held", "desk.promised", "desk.late"])


def test_whoever_gets_the_desk_reads_for_which_day_the_next_word_is_promised(
    room: Incident, mara: Person, bo: Person, mailbox: Mailbox
) -> None:
    promised = desk.promise(room, timedelta(days=3), by=bo).next_word_at
    desk.hold(room, mara, by=bo)
    world.fire_all()
    assert promised is not None
    assert f"The next word is promised for {promised:%a %H:%M} UTC." in mailbox.text()


def test_a_word_in_time_ends_the_promise_and_makes_the_next_one(room: Incident, bo: Person, mailbox: Mailbox) -> None:
    desk.hold(room, bo, by=bo)
    desk.say(room, Word("looking", "We look.", HALF_AN_HOUR), by=bo)
    CLOCK.move(timedelta(minutes=20))
    desk.say(room, Word("over", "It is over."), by=bo)
    world.fast_forward(timedelta(minutes=60))
    assert mailbox.taken == []
    assert queries.desk(room).next_word_at is None
    assert not Timer.objects.filter(kind=desk.REMIND).exists()


def test_when_nobody_holds_it_the_lead_is_reminded(room: Incident, mara: Person, bo: Person, mailbox: Mailbox) -> None:
    desk.promise(room, HALF_AN_HOUR, by=bo)
    world.fast_forward(timedelta(minutes=31))
    assert [to for to, _ in mailbox.taken] == [mara.email]


def test_the_outside_is_handed_over_with_a_note(room: Incident, mara: Person, bo: Person, mailbox: Mailbox) -> None:
    desk.hold(room, bo, by=bo)
    assert desk.hold(room, bo, by=bo).holder == bo
    desk.hold(room, mara, by=bo, note="Sales asks about the export")
    world.fire_all()
    assert [to for to, _ in mailbox.taken] == [mara.email]
    assert "Sales asks about the export" in mailbox.text()
    assert queries.desk(room).holder == mara
    assert desk.hold(room, None, by=mara).holder is None
    assert kinds(f"desk:{room.pk}") == ["desk.held"] * 3


def test_when_the_room_closes_the_holder_is_reminded_of_the_last_word(
    room: Incident, mara: Person, bo: Person, mailbox: Mailbox
) -> None:
    desk.hold(room, bo, by=bo)
    incidents.reopen(incidents.stand_down(room, by=mara), by=mara, why="Not over")
    world.fire_all()
    assert mailbox.taken == []  # nobody outside was told anything
    desk.say(room, Word("looking", "We look."), by=bo)
    incidents.stand_down(room, by=mara)
    world.fire_all()
    assert [to for to, _ in mailbox.taken] == [bo.email]
    assert "have not heard that it is over" in mailbox.text()
    room.refresh_from_db()
    assert queries.owes_last_word(room)
    desk.say(room, Word("over", "It is over."), by=bo)
    assert not queries.owes_last_word(room)


def test_who_only_looks_can_not_hold_it(room: Incident, bo: Person, vera: Person) -> None:
    with pytest.raises(BadInput):
        desk.hold(room, vera, by=bo)


def test_a_question_lands_at_the_desk_and_not_in_the_room(room: Incident, vera: Person) -> None:
    before = kinds(room), Entry.objects.count()
    first = asking.ask(room, "Can we still sell?", by=vera, key="q")
    assert asking.ask(room, "Can we still sell?", by=vera, key="q") == first
    assert (kinds(room), Entry.objects.count()) == before
    assert kinds(f"desk:{room.pk}") == ["question.asked"]


def test_an_answer_goes_to_whoever_asked_and_only_once(
    room: Incident, vera: Person, mara: Person, bo: Person, mailbox: Mailbox
) -> None:
    question = asking.ask(room, "Can we still sell?", by=vera, key="q")
    asking.answer(question, "Yes, slowly.", by=bo)
    with pytest.raises(Conflict):
        asking.answer(question, "No.", by=mara)
    world.fire_all()
    assert [to for to, _ in mailbox.taken] == [vera.email]
    assert "Yes, slowly." in mailbox.text()


def test_what_is_put_off_is_answered_by_the_next_update(
    room: Incident, vera: Person, bo: Person, mailbox: Mailbox
) -> None:
    put_off, other = (asking.ask(room, text, by=vera, key=text) for text in ("Until when?", "And the export?"))
    asking.put_off(put_off, by=bo)
    asking.put_off(put_off, by=bo)
    update = desk.say(room, Word("found", "Until four, we think."), by=bo)
    put_off.refresh_from_db()
    other.refresh_from_db()
    assert (put_off.state, put_off.answered_in) == (Question.State.ANSWERED, update)
    assert other.state == Question.State.WAITING
    world.fire_all()
    assert [to for to, _ in mailbox.taken] == [vera.email]
    assert "Until four" in mailbox.text()


@pytest.mark.parametrize("text", ["", " \n", "x" * 2001])
def test_a_question_has_words_and_an_end(room: Incident, vera: Person, text: str) -> None:
    with pytest.raises(BadInput):
        asking.ask(room, text, by=vera, key="q")


def test_too_many_questions_wait_for_the_next_word(
    room: Incident, vera: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_WAITING", 1)
    asking.ask(room, "One?", by=vera, key="1")
    with pytest.raises(Conflict):
        asking.ask(room, "Two?", by=vera, key="2")
