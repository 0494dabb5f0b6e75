"""Lines that stand in several chats from elsewhere stay as long as an import that has them stands."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.test import Client

from raglan.chat import importing
from raglan.chat.models import ChatImport
from raglan.cli import client as over_rest
from raglan.cli.chat import chat as command
from raglan.core import timers as core_timers
from raglan.core.models import Event
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.test_whole_imports import lines, notes

pytestmark = pytest.mark.django_db
State = ChatImport.State


def brought(incident: Incident, first: int, last: int, by: Person) -> ChatImport:
    made = importing.bring_in(incident, lines(last)[first:], by=by).chat_import
    world.fire_all()
    assert made is not None
    made.refresh_from_db()
    return made


def out(made: ChatImport, by: Person) -> tuple[str, int, int]:
    importing.take_out(made, by=by)
    world.fire_all()
    made.refresh_from_db()
    return made.state, made.removed, made.stay


@pytest.mark.parametrize("number", [30, 420])
def test_lines_of_a_second_import_stay_when_the_first_is_taken_out(incident: Incident, bo: Person, number: int) -> None:
    first, second = brought(incident, 0, 20, bo), brought(incident, 10, number, bo)
    assert (second.new, second.known) == (number - 20, 10)
    assert out(first, bo) == (State.GONE, 10, 10)
    assert notes(incident) == [line.text for line in lines(number)[10:]]
    told = Event.objects.get(kind="chat.import_undone").data
    assert (told["lines"], told["stay"]) == (10, 10)
    assert out(second, bo) == (State.GONE, number - 10, 0)
    assert notes(incident) == []


def test_lines_of_the_first_import_stay_when_the_second_is_taken_out(
    client: Client, incident: Incident, bo: Person
) -> None:
    first, second = brought(incident, 0, 20, bo), brought(incident, 10, 30, bo)
    assert out(second, bo) == (State.GONE, 10, 10)
    assert notes(incident) == [line.text for line in lines(20)]
    client.force_login(bo)
    shown = client.get(f"/chat-imports/{second.pk}/").content.decode()
    assert "10 lines stay: somebody went on with them here, another chat that was brought in has them, too," in shown
    assert out(first, bo) == (State.GONE, 20, 0)


def test_one_that_has_still_to_come_does_not_hold_and_brings_them_anew(incident: Incident, bo: Person) -> None:
    first = brought(incident, 0, 420, bo)
    second = importing.bring_in(incident, lines(450), by=bo).chat_import
    assert second is not None
    core_timers.fire_due(1)  # its first part, of fifty lines
    assert out(first, bo)[0] == State.GONE
    second.refresh_from_db()
    assert (second.state, second.new + second.known) == (State.THERE, 450)
    assert notes(incident) == [line.text for line in lines(450)]
    assert out(second, bo) == (State.GONE, 450, 0)


def test_one_that_stopped_holds_what_came_with_it(incident: Incident, bo: Person) -> None:
    first = brought(incident, 0, 30, bo)
    second = importing.bring_in(incident, lines(400), by=bo).chat_import
    assert second is not None
    core_timers.fire_due(1)
    incidents.stand_down(incident, by=bo)
    world.fire_all()
    second.refresh_from_db()
    assert second.state == State.STOPPED
    assert out(first, bo) == (State.GONE, 0, 30)
    assert notes(incident) == [line.text for line in lines(50)]


def test_two_that_are_taken_out_at_the_same_time_hold_nothing_for_each_other(incident: Incident, bo: Person) -> None:
    both = [brought(incident, 0, 400, bo), brought(incident, 0, 420, bo)]
    for one in both:
        importing.take_out(one, by=bo)
    world.fire_all()
    assert notes(incident) == []
    assert {one.state for one in ChatImport.objects.all()} == {State.GONE}


def test_a_further_portion_that_is_there_already_stays_with_its_import(incident: Incident, bo: Person) -> None:
    first, second = brought(incident, 0, 20, bo), brought(incident, 20, 30, bo)
    for _ in range(2):  # also where the answer was lost, and the portion comes again
        importing.bring_in(incident, lines(20), by=bo, after=second)
    second.refresh_from_db()
    assert (second.total, second.new, second.known) == (30, 10, 20)
    assert out(first, bo) == (State.GONE, 0, 20)
    assert out(second, bo) == (State.GONE, 30, 0)


def test_a_chat_of_which_all_is_there_makes_no_import(incident: Incident, bo: Person) -> None:
    brought(incident, 0, 20, bo)
    assert importing.bring_in(incident, lines(10), by=bo).chat_import is None
    assert ChatImport.objects.count() == 1


def test_the_command_leaves_no_portion_without_its_import(
    client: Client, incident: Incident, bo: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(bo)
    monkeypatch.setattr("raglan.cli.chat.AT_ONCE", 1)

    def send(path: str, body: object) -> dict[str, object]:
        answered = client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json")
        assert answered.status_code == 200, answered.content
        return dict(answered.json())

    monkeypatch.setattr(over_rest, "post", send)
    rows = [f"2026-05-04 14:0{minute} Rowan: {minute}\n" for minute in range(4)]
    said = list[str]()
    for number in (2, 4):
        (tmp_path / "chat.txt").write_text("".join(rows[:number]))
        words = ["import", str(tmp_path / "chat.txt"), "--incident", str(incident.pk)]
        said.append(CliRunner().invoke(command, words, catch_exceptions=False).output.splitlines()[-1])
    assert said == [
        "chat.txt: 2 lines came in, 0 were there already",
        "chat.txt: 2 lines came in, 2 were there already",
    ]
    first, second = ChatImport.objects.order_by("pk")
    assert out(first, bo) == (State.GONE, 0, 2)
    assert notes(incident) == ["0", "1", "2", "3"]
    assert out(second, bo) == (State.GONE, 4, 0)


# Rooms that are merged ------------------------------------------------------------------------------------------------


def test_lines_that_passed_to_a_new_import_stay_with_it_when_a_merge_is_undone(
    incident: Incident, bo: Person, mara: Person
) -> None:
    there = incidents.declare("All of it", by=mara)
    old = brought(incident, 0, 420, bo)
    incidents.merge(incident, there, by=bo)
    importing.take_out(old, by=bo)
    core_timers.fire_due(1)
    anew = importing.bring_in(there, lines(420)[-50:], by=bo).chat_import
    back = incidents.undo_merge(incident, by=bo)
    world.fire_all()
    old.refresh_from_db()
    assert anew is not None
    assert (old.state, old.incident, notes(back)) == (State.GONE, back, [])
    assert notes(there) == [line.text for line in lines(420)[-50:]]
    assert out(anew, bo) == (State.GONE, 50, 0)


def test_lines_whose_first_import_was_taken_out_stay_with_the_second_when_a_merge_is_undone(
    incident: Incident, bo: Person, mara: Person
) -> None:
    there = incidents.declare("All of it", by=mara)
    old = brought(incident, 0, 20, bo)
    incidents.merge(incident, there, by=bo)
    old.refresh_from_db()
    anew = brought(there, 10, 30, bo)
    assert out(old, bo) == (State.GONE, 10, 10)
    back = incidents.undo_merge(incident, by=bo)
    assert (notes(back), notes(there)) == ([], [line.text for line in lines(30)[10:]])
    moved = Event.objects.get(kind="incident.unmerged").data["moved"]
    assert isinstance(moved, dict)
    assert not set(moved["entries"]) & set(there.entries.values_list("pk", flat=True))
    assert out(anew, bo) == (State.GONE, 20, 0)


def test_lines_that_both_have_go_back_with_the_import_that_brought_them(
    incident: Incident, bo: Person, mara: Person
) -> None:
    there = incidents.declare("All of it", by=mara)
    old = brought(incident, 0, 20, bo)
    incidents.merge(incident, there, by=bo)
    anew = brought(there, 10, 30, bo)
    back = incidents.undo_merge(incident, by=bo)
    assert (len(notes(back)), len(notes(there))) == (20, 10)
    assert importing.bring_in(there, lines(30)[10:], by=bo).new == 10
    assert out(anew, bo)[0] == State.GONE
    assert notes(back) == [line.text for line in lines(20)]
    old.refresh_from_db()
    assert out(old, bo) == (State.GONE, 20, 0)
