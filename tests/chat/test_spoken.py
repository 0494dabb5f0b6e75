"""What can be said in one line of chat: an update with its promise, an ask with its whom, an act with its result."""

from datetime import timedelta

import pytest

from raglan.chat.models import Post, Room, Workspace
from raglan.chat.words import answers_of
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, HeadsUp, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory, test_commands
from tests.chat.conftest import send
from tests.chat.test_commands import Desk

pytestmark = pytest.mark.django_db
desk = test_commands.desk


def promise(incident: Incident, by: Person, **more: object) -> None:
    standing = incidents.Standing("Slow", next_update=timedelta(minutes=20), **more)  # type: ignore[arg-type]  # by name
    incidents.write_standing(incident, standing, by=by)
    Incident.objects.filter(pk=incident.pk).update(standing_at=now() - timedelta(minutes=2))


def test_an_update_keeps_what_was_promised_or_promises_anew(desk: Desk, incident: Incident, bo: Person) -> None:
    promise(incident, bo, know=["httpd is down"])
    incident.refresh_from_db()
    promised = incident.next_update_at
    desk.says("!update Slow but up")
    incident.refresh_from_db()
    assert (incident.summary, incident.next_update_at, incident.know) == ("Slow but up", promised, ["httpd is down"])
    desk.says("!update Up; next: 10 min")
    incident.refresh_from_db()
    assert incident.next_update_at is not None
    assert incident.standing_at is not None
    assert incident.summary == "Up"
    assert 0 <= (incident.next_update_at - incident.standing_at - timedelta(minutes=10)).total_seconds() < 5
    told = desk.says("!update")[0]
    assert told.startswith("Bo Silva wrote at ")
    assert " UTC: “Up”. Next update: " in told
    assert desk.says("!update Up\nnext: soon")[0].startswith("next: ")
    desk.says("!update Up for good; next: none")
    incident.refresh_from_db()
    assert (incident.summary, incident.next_update_at) == ("Up for good", None)
    desk.says('!update The page says "Down; next: soon"')
    incident.refresh_from_db()
    assert (incident.summary, incident.next_update_at) == ('The page says "Down; next: soon"', None)


def test_an_update_does_not_write_over_what_nobody_there_can_have_read(
    desk: Desk, incident: Incident, mara: Person
) -> None:
    promise(incident, mara)
    Incident.objects.filter(pk=incident.pk).update(standing_at=now())
    refused = desk.says("!update Up again")[0]
    assert refused.startswith("Not written: Mara Keller wrote at ")
    assert "“Slow”" in refused
    incident.refresh_from_db()
    assert incident.summary == "Slow"
    Incident.objects.filter(pk=incident.pk).update(standing_at=now() - timedelta(minutes=1))
    desk.says("!update Up again")
    incident.refresh_from_db()
    assert incident.summary == "Up again"


def test_two_who_do_the_same_are_told_of_each_other_once(desk: Desk, mara: Person) -> None:
    memory.known(desk.chat, mara, "@mara")
    desk.says("!doing restart httpd on web0012")
    shown = desk.says("!doing restart httpd on web0012", "@mara")
    first, second = Entry.objects.filter(kind=Entry.Kind.DOING).order_by("pk")
    text = "“restart httpd on web0012”"
    told = f"Bo Silva and Mara Keller are doing the same: #{second.pk} {text} and #{first.pk} {text}."
    assert [line for line in shown if "the same" in line] == [f"{told} Please speak with each other."]


def test_a_severity_alone_is_no_new_name(desk: Desk, incident: Incident, bo: Person) -> None:
    shown = desk.says("!severity users are held up")
    assert len(shown) == 1
    assert shown[0].startswith("Bo Silva: What users feel: Users are held up.")
    incident.refresh_from_db()
    incidents.stand_down(incident, by=bo)
    incidents.rename(incident, incident.title, severity="sev1", by=bo)
    assert "What users feel: Users cannot use it." in desk.says("!help")
    assert not any("called now" in line for line in desk.there.rooms[desk.room])


def test_an_ask_says_to_whom_about_what_and_what_if_nobody_answers(desk: Desk, bo: Person, mara: Person) -> None:
    memory.known(desk.chat, mara, "@mara:example")
    team = world.team(bo)
    shown = desk.says(f"!ask @mara:example can you look?; about: DNS; if nobody: page @{team.slug} after 10 min")
    entry = Entry.objects.latest("pk")
    assert (entry.text, entry.to_person, entry.to_topic) == ("can you look?", mara, "DNS")
    assert (entry.ping_team, entry.ping_after_s) == (team, 600)
    assert entry.ping_at is not None
    assert f"asks for help: can you look? (to Mara Keller about DNS) – Whoever can help: !take {entry.pk}." in shown[0]
    assert shown[0].endswith(f" If nobody does, {team.name} is paged at {entry.ping_at:%H:%M} UTC")
    desk.says("!ask @Mara are you there?; if nobody: nothing")
    entry = Entry.objects.latest("pk")
    assert (entry.to_person, entry.ping_at) == (mara, None)
    desk.says('!ask who knows it?; about: "zones; if nobody: page @moon"; if nobody: nothing')
    assert Entry.objects.latest("pk").to_topic == "zones; if nobody: page @moon"
    assert desk.says("!ask who knows pins?; if nobody: page @moon")[0].startswith("There is no team or person @moon")
    assert desk.says("!stuck @nobody-here hello")[0].startswith("Bo Silva is stuck on: @nobody-here hello")


def test_an_ask_that_would_page_nobody_is_refused(desk: Desk, bo: Person) -> None:
    empty = world.team(name="Web")
    why = "Nobody is in Web, so that nobody would be paged; ask a person, or another team."

    assert desk.says(f"!ask @{empty.slug} can you look?") == [why]
    assert desk.says(f"!stuck on DNS; if nobody: page @{empty.slug}") == [why]
    assert not Entry.objects.filter(kind__in=("ask", "stuck")).exists()


def test_an_ask_is_handed_back(desk: Desk) -> None:
    desk.says("!ask who can read the queue?")
    assert desk.says("!back") == ["You have taken nothing in this room that waits."]
    desk.says("!take")
    desk.says("!back I have no right to")
    entry = Entry.objects.get(kind=Entry.Kind.ASK)
    assert (entry.ask_state, entry.taken_by) == ("waiting", None)
    assert Entry.objects.latest("pk").text.endswith("I have no right to")
    assert desk.says(f"!back {entry.pk}") == [f"#{entry.pk} is not taken."]


def buttons(about: str) -> list[str]:
    post = Post.objects.filter(text__contains=about, kind=Post.Kind.LINE).latest("pk")
    return [command for _, command in answers_of(post)]


def test_an_act_is_ended_by_a_button_that_writes_over_nothing(desk: Desk) -> None:
    desk.says("!doing restart httpd")
    entry = Entry.objects.get(kind=Entry.Kind.DOING)
    pressed = [f"done {entry.pk} {word}" for word in ("worked", "nothing", "worse")]
    assert buttons("restart httpd") == pressed
    desk.says(f"!{pressed[0]}")
    entry.refresh_from_db()
    assert (entry.result, entry.outcome) == ("worked", "It worked")
    assert "is told already" in desk.says(f"!{pressed[2]}")[0]
    desk.says(f"!done {entry.pk} worse: it is down again")
    entry.refresh_from_db()
    assert (entry.result, entry.outcome) == ("worse", "it is down again")
    assert buttons("restart httpd") == []


def test_a_heads_up_is_thanked_for_by_a_button_once(desk: Desk, incident: Incident, mara: Person) -> None:
    memory.known(desk.chat, mara, "@mara")
    given = incidents.give_heads_up(incidents.Warned("it was me"), by=mara)
    world.fire_all()
    send(desk.chat)
    desk.room = f"inc-{given.incident_id}"
    assert buttons("it was me") == ["thanks if-waiting"]
    desk.says("!thanks if-waiting")
    assert HeadsUp.objects.get().thanked_at is not None
    assert "Thanks were said already" in desk.says("!thanks if-waiting")[0]


def test_files_of_an_entry_are_named_there(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, bo: Person
) -> None:
    files = [incidents.Upload("errors.txt", b"error"), incidents.Upload("more.txt", b"more")]
    entry = incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "look", files=files), by=bo)
    world.fire_all()
    send(chat)
    said = there.rooms[room.external_id][-1]
    assert said.startswith("Bo Silva: look (with errors.txt, more.txt: http")
    assert said.endswith(f"/entries/{entry.pk}/)")  # the room may show newer ones only by then
