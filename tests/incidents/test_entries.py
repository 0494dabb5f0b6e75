from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, queries, room
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident, Responder
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Kind = Entry.Kind
FIVE_MINUTES = timedelta(minutes=5, seconds=2)


@pytest.fixture
def ask(incident: Incident, mara: Person, bo: Person) -> Entry:
    """An ask to the team in which Bo is."""
    team = world.team(bo, name="Database")
    return actions.post(incident, Said(Kind.ASK, "Can somebody read the slow log?", to_team=team), by=mara)


def kinds(thing: timeline.Subject) -> list[str]:
    return [event.kind for event in timeline.about(thing)]


def test_declaring_opens_a_room_with_its_declarer_in_it(incident: Incident, mara: Person) -> None:
    assert (incident.state, incident.declared_by) == (Incident.State.OPEN, mara)
    assert [item.person for item in Responder.objects.filter(incident=incident)] == [mara]
    assert kinds("now")[0] == "incident.declared"


@pytest.mark.parametrize(("title", "severity", "field"), [(" ", "unknown", "title"), ("x", "sev9", "severity")])
def test_a_room_needs_a_few_words(mara: Person, title: str, severity: str, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        actions.declare(title, by=mara, severity=severity)

    assert caught.value.field == field


def test_the_same_key_posts_once(incident: Incident, mara: Person) -> None:
    entries = [actions.post(incident, Said(Kind.NOTE, "Hello", key="k1"), by=mara) for _ in range(3)]

    assert {entry.pk for entry in entries} == {entries[0].pk}
    assert kinds(entries[0]) == ["entry.posted"]


def test_the_same_key_in_another_room_is_another_entry(incident: Incident, mara: Person) -> None:
    other = actions.declare("Another thing", by=mara)

    for one in (incident, other):
        actions.post(one, Said(Kind.NOTE, "Hello", key="k1"), by=mara)

    assert Entry.objects.count() == 2


def test_a_key_longer_than_is_stored_still_posts_once(incident: Incident, mara: Person) -> None:
    for _ in range(2):
        actions.post(incident, Said(Kind.NOTE, "Hello", key="k" * 200), by=mara)

    assert Entry.objects.count() == 1


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 20_001])
def test_an_entry_needs_words_and_not_too_many(incident: Incident, mara: Person, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        actions.post(incident, Said(Kind.NOTE, text), by=mara)

    assert caught.value.field == "text"


def test_whoever_writes_is_here(incident: Incident, bo: Person) -> None:
    actions.post(incident, Said(Kind.NOTE, "Hello"), by=bo)

    assert Responder.objects.filter(incident=incident, person=bo, left_at__isnull=True).exists()


def test_what_was_written_without_a_connection_keeps_its_time(incident: Incident, mara: Person) -> None:
    then = now() - timedelta(minutes=7)

    entry = actions.post(incident, Said(Kind.NOTE, "Written on the train"), by=mara, at=then)

    assert entry.at == then


def test_an_ask_that_nobody_takes_pages_the_team_after_five_minutes(ask: Entry, outbox: world.Outbox) -> None:
    world.fast_forward(timedelta(minutes=4))
    assert outbox.sent == []
    world.fast_forward(timedelta(minutes=1, seconds=2))

    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]
    assert outbox.sent[0].message.title == "Mara Keller asks Database for help"
    ask.refresh_from_db()
    assert ask.ping_at is None


def test_the_room_tells_what_becomes_of_the_page_for_an_ask(ask: Entry, bo: Person) -> None:
    world.fast_forward(FIVE_MINUTES)
    world.paging.acknowledge(Page.objects.get(), by=bo, via=world.paging.Via.LINK)
    world.fire_all()

    told = Entry.objects.get(incident=ask.incident, kind=Kind.MACHINE)
    assert told.text.startswith("Bo Silva has the page")
    assert Responder.objects.filter(incident=ask.incident, person=bo).exists()


def test_a_taken_ask_pages_nobody(ask: Entry, bo: Person, outbox: world.Outbox) -> None:
    actions.take_ask(ask, by=bo)
    world.fast_forward(FIVE_MINUTES)

    assert (ask.ask_state, ask.taken_by, outbox.sent) == (Entry.AskState.TAKEN, bo, [])


def test_the_first_helper_stays_named_and_the_second_is_in_the_room(ask: Entry, bo: Person) -> None:
    ines = world.person("Ines Roth")
    for helper in (bo, ines):
        actions.take_ask(ask, by=helper)

    assert ask.taken_by == bo
    assert Responder.objects.filter(incident=ask.incident, person=ines).exists()
    assert kinds(ask).count("ask.taken") == 1


@pytest.mark.parametrize("twice", [1, 2])
def test_a_closed_ask_pages_nobody(ask: Entry, mara: Person, outbox: world.Outbox, twice: int) -> None:
    for _ in range(twice):
        actions.close_ask(ask, by=mara)
    world.fast_forward(FIVE_MINUTES)

    assert (ask.ask_state, outbox.sent) == (Entry.AskState.ANSWERED, [])
    assert kinds(ask).count("ask.closed") == 1


def test_an_ask_to_nobody_in_particular_pages_nobody(incident: Incident, mara: Person, outbox: world.Outbox) -> None:
    actions.post(incident, Said(Kind.ASK, "Does anybody know this error?"), by=mara)
    world.fast_forward(FIVE_MINUTES)

    assert outbox.sent == []


def test_the_end_of_the_incident_ends_its_asks(ask: Entry, mara: Person, outbox: world.Outbox) -> None:
    actions.stand_down(ask.incident, by=mara)
    world.fast_forward(FIVE_MINUTES)

    assert outbox.sent == []


def test_only_an_ask_can_be_taken(incident: Incident, mara: Person) -> None:
    note = actions.post(incident, Said(Kind.NOTE, "Hello"), by=mara)

    with pytest.raises(Conflict):
        actions.take_ask(note, by=mara)


def test_a_verification_counts_each_person_once(incident: Incident, mara: Person, bo: Person) -> None:
    question = actions.post(incident, Said(Kind.VERIFY, "Is the login slow for you, too?"), by=mara)

    for person, side in ((mara, "yes"), (bo, "yes"), (bo, "no")):
        actions.answer(question, side, by=person)

    sides = dict(question.answers.values_list("person__name", "side"))
    assert sides == {"Mara Keller": "yes", "Bo Silva": "no"}


def test_who_changes_sides_keeps_what_was_seen_before(incident: Incident, mara: Person) -> None:
    question = actions.post(incident, Said(Kind.VERIFY, "Is the login slow for you, too?"), by=mara)
    said = []

    for side, text in (
        ("yes", "4 s in Berlin"),
        ("yes", ""),
        ("no", ""),
        ("yes", ""),
        ("no", "0.2 s now"),
        ("no", "9 s"),
    ):
        said.append(actions.answer(question, side, by=mara, text=text).text)

    kept = "Before, “Yes, me too”: 4 s in Berlin"
    assert said == ["4 s in Berlin", "4 s in Berlin", kept, kept, f"0.2 s now {kept}", f"9 s {kept}"]


@pytest.mark.parametrize("side", ["", "perhaps"])
def test_a_verification_has_two_sides(incident: Incident, mara: Person, side: str) -> None:
    question = actions.post(incident, Said(Kind.VERIFY, "Slow for you, too?"), by=mara)

    with pytest.raises(BadInput):
        actions.answer(question, side, by=mara)


def test_what_is_no_verification_can_not_be_answered(incident: Incident, mara: Person) -> None:
    note = actions.post(incident, Said(Kind.NOTE, "Hello"), by=mara)

    with pytest.raises(Conflict):
        actions.answer(note, "yes", by=mara)


def test_what_happened_hangs_under_the_intention_and_closes_it(incident: Incident, mara: Person, bo: Person) -> None:
    doing = actions.post(incident, Said(Kind.DOING, "Restarting one host"), by=mara)
    assert doing.ask_state == Entry.AskState.WAITING

    actions.tell_outcome(doing, "  It came back. ", by=bo)

    doing.refresh_from_db()
    assert (doing.outcome, doing.outcome_by, doing.ask_state) == ("It came back.", bo, Entry.AskState.ANSWERED)


def test_an_outcome_needs_words(incident: Incident, mara: Person) -> None:
    doing = actions.post(incident, Said(Kind.DOING, "Restarting one host"), by=mara)

    with pytest.raises(BadInput):
        actions.tell_outcome(doing, "  ", by=mara)


def test_an_outcome_of_an_ask_stops_its_page(ask: Entry, mara: Person, outbox: world.Outbox) -> None:
    actions.tell_outcome(ask, "Found it ourselves", by=mara)
    world.fast_forward(FIVE_MINUTES)

    assert outbox.sent == []


def test_a_closed_room_takes_no_more_words(incident: Incident, mara: Person) -> None:
    actions.stand_down(incident, by=mara)

    with pytest.raises(Conflict, match="Reopen it"):
        actions.post(incident, Said(Kind.NOTE, "One more thing"), by=mara)


@pytest.mark.parametrize("result", Entry.Result.values)
def test_one_tap_says_what_an_act_did(incident: Incident, mara: Person, result: str) -> None:
    doing = actions.post(incident, Said(Kind.DOING, "Restarting one host"), by=mara)

    actions.tell_outcome(doing, "", by=mara, result=result)

    doing.refresh_from_db()
    assert (doing.result, doing.outcome) == (result, Entry.Result(result).label)


def test_an_unknown_result_is_refused(incident: Incident, mara: Person) -> None:
    doing = actions.post(incident, Said(Kind.DOING, "Restarting one host"), by=mara)

    with pytest.raises(BadInput) as caught:
        actions.tell_outcome(doing, "It went well", by=mara, result="splendid")

    assert caught.value.field == "result"


def test_who_is_stuck_waits_until_somebody_can_help(incident: Incident, mara: Person, bo: Person) -> None:
    stuck = actions.post(incident, Said(Kind.STUCK, "Out of ideas with the configuration"), by=mara)
    assert list(queries.open_asks(incident)) == [stuck]

    actions.take_ask(stuck, by=bo)

    assert (stuck.ask_state, stuck.taken_by) == (Entry.AskState.TAKEN, bo)


@pytest.mark.parametrize("kind", [Kind.TRIED, Kind.RULED_OUT])
def test_what_was_tried_or_ruled_out_waits_for_nobody(incident: Incident, mara: Person, kind: Entry.Kind) -> None:
    assert actions.post(incident, Said(kind, "The old package is gone"), by=mara).ask_state == Entry.AskState.NONE


def test_rest_gives_the_timeline_in_the_order_of_the_room_too(incident: Incident, mara: Person, rest: Call) -> None:
    at = now()
    for minutes, text in ((5, "second"), (0, "first"), (5, "third")):
        said = Said(Entry.Kind.NOTE, text, key=text)
        actions.post(incident, said, by=mara, at=at + timedelta(minutes=minutes))
    path = f"/incidents/{incident.pk}/timeline?show=people"

    def texts(more: str) -> list[str]:
        return [entry["text"] for entry in rest(mara, "GET", path + more)][-3:]

    assert texts("") == ["second", "first", "third"]
    assert texts("&order=written") == ["first", "second", "third"]
    read, after = [], 0
    for _ in range(9):
        for entry in rest(mara, "GET", f"{path}&order=written&limit=1&after={after}"):
            read.append(entry["text"])
            after = entry["id"]
    assert read[-3:] == ["first", "second", "third"]
    assert texts("&order=written&after=999999") == ["first", "second", "third"]


def test_a_second_outcome_keeps_the_first_one_readable(
    incident: Incident, mara: Person, bo: Person, rest: Call
) -> None:
    doing = actions.post(incident, Said(Kind.DOING, "Restarting httpd"), by=mara)
    actions.tell_outcome(doing, "It came back", by=mara, result="worked")
    for _ in range(2):
        actions.tell_outcome(doing, "It fell over again", by=bo, result="worse")

    told = rest(mara, "GET", f"/entries/{doing.pk}")
    assert (told["outcome"], told["earlier"]) == ("It fell over again", [])
    before = [(item["person"], item["text"], item["result"]) for item in told["outcomes_before"]]
    assert before == [("Mara Keller", "It came back", "worked")]
    client = Client()
    client.force_login(bo)
    for address in (f"/incidents/{incident.pk}/", f"/entries/{doing.pk}/"):
        assert "It came back" in client.get(address).content.decode()
    actions.stand_down(incident, by=mara)
    with pytest.raises(Conflict):
        actions.tell_outcome(doing, "Too late", by=bo)


def test_other_words_under_a_key_that_stands_already_are_kept_beside_it(
    incident: Incident, mara: Person, browser: Callable[[Person], Client]
) -> None:
    address = f"/incidents/{incident.pk}/entries/"
    for text in ("Sent, and its answer lost", "Changed after that", "Changed after that"):
        browser(mara).post(address, {"kind": "note", "text": text, "entry_key": "k1"})

    said = [entry.text for entry in Entry.objects.order_by("pk")]
    assert said == ["Sent, and its answer lost", "Changed after that"]
    first = Entry.objects.get(key="k1")
    actions.correct(first, "Corrected meanwhile", by=mara)
    browser(mara).post(address, {"kind": "note", "text": "Sent, and its answer lost", "entry_key": "k1"})
    assert Entry.objects.count() == 2


def test_a_file_that_is_added_while_an_entry_is_on_its_way_hangs_at_it(
    incident: Incident, mara: Person, browser: Callable[[Person], Client]
) -> None:
    address, client = f"/incidents/{incident.pk}/entries/", browser(mara)
    fields = {"kind": "note", "text": "See the graph", "entry_key": "k1"}
    client.post(address, fields)
    for _ in range(2):
        client.post(address, fields | {"files": SimpleUploadedFile("graph.txt", b"12 13 99")})

    [entry] = Entry.objects.all()
    assert [one.name for one in entry.attachments.all()] == ["graph.txt"]
    actions.stand_down(incident, by=mara)
    other = fields | {"files": SimpleUploadedFile("late.txt", b"later")}
    assert client.post(address, other).status_code == 409
    assert client.post(address, fields).status_code == 302
    assert entry.attachments.count() == 1


@pytest.mark.parametrize(
    "changed", [{"to": "person:BO"}, {"to_topic": "disks"}, {"otherwise": "nothing"}, {"after": "20"}]
)
def test_an_ask_that_goes_to_somebody_else_is_another_one(
    incident: Incident, mara: Person, bo: Person, browser: Callable[[Person], Client], changed: dict[str, str]
) -> None:
    team = world.team(bo, name="Disks")
    address, client = f"/incidents/{incident.pk}/entries/", browser(mara)
    fields = {"kind": "ask", "text": "Who knows?", "entry_key": "k1", "to": f"team:{team.slug}"}
    fields |= {"otherwise": "same", "after": "5"}
    other = fields | {name: value.replace("BO", str(bo.pk)) for name, value in changed.items()}
    for said in (fields, fields, other, other, fields):
        client.post(address, said)

    one, two = Entry.objects.order_by("pk")
    assert [entry.text for entry in (one, two)] == ["Who knows?"] * 2
    assert (one.to_team, one.to_person, one.ping_after_s) == (team, None, 300)
    actions.hand_back(actions.take_ask(one, by=bo), by=bo)
    client.post(address, fields)
    assert Entry.objects.filter(kind="ask").count() == 2


def test_a_form_that_is_refused_keeps_whom_it_asks(
    incident: Incident, mara: Person, bo: Person, browser: Callable[[Person], Client]
) -> None:
    actions.be_here(incident, by=bo)
    fields = {
        "kind": "ask",
        "text": " ",
        "to": f"person:{bo.pk}",
        "to_topic": "the mirror",
        "otherwise": "nothing",
        "after": "20",
    }

    answer = browser(mara).post(f"/incidents/{incident.pk}/entries/", fields)

    shown = answer.content.decode()
    assert answer.status_code >= 400
    assert f'<option value="person:{bo.pk}" selected>Bo' in shown
    assert 'value="the mirror"' in shown
    assert '<option value="nothing" selected>' in shown
    assert '<option value="20" selected>' in shown


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_what_came_late_is_on_one_of_the_pages_of_the_room(
    incident: Incident, mara: Person, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    for minutes, text in ((50, "third"), (60, "fourth"), (10, "first"), (20, "second")):
        said = Said(Kind.NOTE, text, key=text)
        actions.post(incident, said, by=mara, at=at + timedelta(minutes=minutes))
    monkeypatch.setattr(room, "PAGE_SIZE", 1)

    texts, before = [], 0
    for _ in range(9):
        view = room.View(show="people", oldest_first=order == "oldest", before=before)
        found: Any = room.lines(incident, mara, view)
        texts += [line.entry.text for line in found["lines"]]
        before = found["more_after"]
        if not before:
            break

    told = [text for text in texts if text in ("first", "second", "third", "fourth")]
    assert told == ["first", "second", "third", "fourth"][:: 1 if order == "oldest" else -1]
