"""Two rooms become one and are taken apart again; some of a room goes on in a new one. Nothing is lost."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from raglan.alerts.models import AlertGroup
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, moving, privacy, queries, task_queries
from raglan.incidents.actions import Chosen, Said, ToDo, Warned
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

pytestmark = pytest.mark.django_db
Kind = Entry.Kind


@pytest.fixture
def dns(mara: Person, bo: Person, outbox: world.Outbox) -> Incident:
    """A room with something of all that belongs to one."""
    httpd = world.service("httpd", world.team(bo))
    world.route(1, world.policy((300, [bo])))
    room = actions.give_heads_up(Warned("I changed the resolvers", services=[httpd]), by=mara).incident
    assert room is not None
    world.ingest(world.source(), world.signal())
    world.fire_all()
    actions.post(room, Said(Kind.ASK, "Who knows the resolvers?", key="k", to_person=bo), by=mara)
    actions.post(room, Said(Kind.DOING, "Restart one"), by=bo)
    actions.add_task(room, ToDo("Call the vendor", owner=bo), by=mara)
    actions.lose_tool(room, "Dashboards", by=mara)
    return actions.take_lead(room, bo, by=mara)


def texts(room: Incident) -> list[str]:
    return [entry.text for entry in queries.entries(room, oldest_first=True)]


def test_all_of_it_goes_on_in_the_other_room_in_its_place_by_time(
    incident: Incident, dns: Incident, mara: Person
) -> None:
    actions.post(incident, Said(Kind.NOTE, "Said first", key="k"), by=mara, at=now() - timedelta(hours=1))
    before = texts(dns)
    there = actions.merge(dns, incident, by=mara)
    told, came = texts(there), queries.entries(there, oldest_first=True).filter(came_from=dns)
    assert told[0] == "Said first"
    assert [entry.text for entry in came] == before
    assert f"merged incident {dns.pk} into this one" in " ".join(told[-2:])
    assert [entry.text for entry in queries.open_asks(there)] == ["Who knows the resolvers?"]
    assert [entry.text for entry in queries.open_intentions(there)] == ["Restart one"]
    assert [task.text for task in task_queries.open_tasks(there)] == ["Call the vendor"]
    assert [tool.name for tool in queries.lost_tools(there)] == ["Dashboards"]
    assert list(queries.groups_of(there)) == [AlertGroup.objects.get()]
    assert [item.page.title for item in queries.pages_of(there)] == ["HttpdDown"]
    assert [service.slug for service in there.services.all()] == ["httpd"]
    assert {item.person.name for item in queries.here(there).responders} == {"Mara Keller", "Bo Silva"}
    assert (there.lead, there.heads_ups.count()) == (dns.lead, 1)
    moved = Entry.objects.get(text="Who knows the resolvers?")
    assert (moved.came_from, moved.incident) == (dns, there)


def test_the_old_room_is_closed_and_leads_on(
    incident: Incident, dns: Incident, mara: Person, browser: Callable[[Person], Client], rest: Call
) -> None:
    actions.merge(dns, incident, by=mara)
    actions.merge(dns, incident, by=mara)
    dns.refresh_from_db()
    assert (dns.state, dns.merged_into, dns.closing_words) == (
        "closed",
        incident,
        f"Merged into incident {incident.pk}.",
    )
    answer = browser(mara).get(f"/incidents/{dns.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/incidents/{incident.pk}/")
    assert rest(mara, "GET", f"/incidents/{dns.pk}")["merged_into"] == incident.pk


def test_the_old_room_is_not_reopened_beside_it_nor_closes_the_other(
    incident: Incident, dns: Incident, mara: Person
) -> None:
    there = actions.merge(dns, incident, by=mara)
    with pytest.raises(Conflict, match="goes on as incident"):
        actions.reopen(dns, by=mara, why="Again")
    actions.stand_down(dns, by=mara)
    there.refresh_from_db()
    assert there.state == "open"


def test_words_for_the_old_room_land_in_the_new_one(incident: Incident, dns: Incident, mara: Person) -> None:
    there = actions.merge(dns, incident, by=mara)
    entry = actions.post(dns, Said(Kind.NOTE, "Was typed before"), by=mara)
    again = actions.post(dns, Said(Kind.ASK, "Who knows the resolvers?", key="k"), by=mara)
    assert (entry.incident, again.incident) == (there, there)
    assert Entry.objects.filter(text="Who knows the resolvers?").count() == 1


def test_it_is_taken_out_again_with_what_it_brought(incident: Incident, dns: Incident, mara: Person) -> None:
    before, here = texts(dns), {item.person_id for item in queries.here(dns).responders}
    there = actions.merge(dns, incident, by=mara)
    actions.post(there, Said(Kind.NOTE, "Said together"), by=mara)
    back = actions.undo_merge(dns, by=mara)
    actions.undo_merge(dns, by=mara)
    assert (back.state, back.merged_into) == ("open", None)
    assert texts(back)[: len(before)] == before
    assert "Said together" in texts(there)
    assert not Entry.objects.filter(came_from__isnull=False).exists()
    assert [service.slug for service in back.services.all()] == ["httpd"]
    assert there.services.count() == there.joined_groups.count() == there.tasks.count() == 0
    assert {item.person_id for item in queries.here(back).responders} <= here


def test_what_stands_against_it_is_said(incident: Incident, dns: Incident, mara: Person) -> None:
    there = actions.merge(dns, incident, by=mara)
    chosen = Chosen("Only this", entries=[Entry.objects.get(text="Restart one").pk])
    actions.split(there, chosen, by=mara)
    with pytest.raises(Conflict, match="went on to another incident"):
        actions.undo_merge(dns, by=mara)
    actions.stand_down(there, by=mara)
    with pytest.raises(Conflict, match="Reopen it first"):
        actions.undo_merge(dns, by=mara)


def test_a_room_is_not_merged_with_itself_with_a_closed_one_or_in_a_circle(incident: Incident, mara: Person) -> None:
    other = actions.declare("Mail is late", by=mara)
    with pytest.raises(BadInput):
        actions.merge(incident, incident, by=mara)
    actions.merge(other, incident, by=mara)
    with pytest.raises(Conflict, match="was merged into this one"):
        actions.merge(incident, other, by=mara)
    with pytest.raises(Conflict, match="already"):
        actions.merge(other, actions.declare("Third", by=mara), by=mara)
    closed = actions.stand_down(actions.declare("Over", by=mara), by=mara)
    with pytest.raises(Conflict, match="is closed"):
        actions.merge(incident, closed, by=mara)


@pytest.mark.parametrize(("outcome", "is_private"), [("private", True), ("open", False)])
def test_a_private_one_is_merged_with_an_open_one_only_when_it_is_said_what_comes_of_it(
    incident: Incident, mara: Person, bo: Person, outcome: str, is_private: bool
) -> None:
    private = actions.make_private(actions.declare("A key leaked", by=mara), "A key", by=mara, whom=[bo])
    with pytest.raises(Conflict, match="One of the two is private"):
        actions.merge(private, incident, by=mara)
    there = actions.merge(private, incident, by=mara, outcome=outcome)
    assert there.is_private is is_private
    assert {line.who for line in privacy.listed(there)} == ({"Mara Keller", "Bo Silva"} if is_private else set())


def test_some_of_a_room_goes_on_in_a_new_one_and_both_say_so(dns: Incident, mara: Person) -> None:
    group, entry = AlertGroup.objects.get(), Entry.objects.get(text="Restart one")
    chosen = Chosen("Only httpd", [entry.pk], [group.pk], services=list(dns.services.all()), key="s")
    new = actions.split(dns, chosen, by=mara)
    assert actions.split(dns, chosen, by=mara) == new
    assert list(queries.groups_of(new)) == [group]
    assert [item.page for item in queries.pages_of(new)] == [group.page]
    assert (list(dns.services.all()), [service.slug for service in new.services.all()]) == ([], ["httpd"])
    entry.refresh_from_db()
    assert (entry.incident, entry.came_from) == (new, dns)
    assert texts(new)[-1] == f"Mara Keller took this out of incident {dns.pk}: “{dns.title}”."
    assert texts(dns)[-1] == f"Mara Keller took some of this into incident {new.pk}: “Only httpd”."
    with pytest.raises(BadInput):
        actions.split(dns, Chosen("Not mine", [entry.pk]), by=mara)


def test_what_is_split_from_a_private_room_is_private(incident: Incident, mara: Person, bo: Person) -> None:
    entry = actions.post(incident, Said(Kind.NOTE, "The key"), by=mara)
    room = actions.make_private(incident, "A key", by=mara, whom=[bo])
    new = actions.split(room, Chosen("Another", [entry.pk]), by=mara)
    assert {line.who for line in privacy.listed(new)} == {"Mara Keller", "Bo Silva"}
    assert new.is_private


def test_over_rest_and_on_screens(
    incident: Incident, dns: Incident, mara: Person, rest: Call, browser: Callable[[Person], Client]
) -> None:
    entry = Entry.objects.get(text="Restart one")
    new = rest(mara, "POST", f"/incidents/{dns.pk}/split", {"title": "One", "entry_ids": [entry.pk], "key": "a"})
    assert rest(mara, "GET", f"/incidents/{new['id']}/timeline")[0]["came_from"] == dns.pk
    merged = rest(mara, "POST", f"/incidents/{new['id']}/merge", {"into": incident.pk})
    assert merged["id"] == incident.pk
    assert rest(mara, "POST", f"/incidents/{new['id']}/merge/undo")["state"] == "open"
    client = browser(mara)
    assert b"Dashboards" not in client.get(f"/incidents/{dns.pk}/merge/").content
    assert b"Call the vendor" in client.get(f"/incidents/{dns.pk}/split/").content
    client.post(f"/incidents/{new['id']}/merge/", {"into": dns.pk})
    assert f"from {new['id']}".encode() in client.get(f"/incidents/{dns.pk}/").content
    client.post(f"/incidents/{dns.pk}/merge/", {"undo": new["id"]})
    assert Incident.objects.get(pk=new["id"]).state == "open"
    answer = client.post(
        f"/incidents/{dns.pk}/split/", {"title": "Two", "entries": [dns.entries.first().pk], "key": "b"}
    )
    assert Incident.objects.get(title="Two").pk == int(answer["Location"].split("/")[2])


def test_a_long_room_goes_over_and_comes_back_some_rows_at_a_time(
    incident: Incident, dns: Incident, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "AT_ONCE", 20)
    at, other = dns.declared_at, actions.declare("Something else", by=mara)
    for number in range(3):
        actions.post(incident, Said(Kind.NOTE, f"Here {number}", key=f"key {number}"), by=mara)
    Entry.objects.bulk_create(
        Entry(
            incident=dns, key=f"key {number}", kind="note", text=f"Line {number}", author=mara, at=at, came_from=other
        )
        for number in range(70)
    )
    before = set(dns.entries.values_list("pk", "key"))

    def longest() -> int:
        return max(len(re.findall(r"%s|\b\d+\b", found)) for found in re.findall(r" IN \(([^)]*)\)", " ".join(asked)))

    with CaptureQueriesContext(connection) as seen:
        there = actions.merge(dns, incident, by=mara)
    asked = [one["sql"] for one in seen]
    assert longest() <= 20
    came = {(pk, key) for pk, key in there.entries.filter(came_from__in=[dns, other]).values_list("pk", "key")}
    assert {pk for pk, _ in came} >= {pk for pk, _ in before}
    assert sum(key.startswith(f"from-{dns.pk}-") for _, key in came) == 3
    with CaptureQueriesContext(connection) as seen:
        actions.undo_merge(dns, by=mara)
    asked = [one["sql"] for one in seen]
    assert longest() <= 20
    assert {pk for pk, _ in before} <= set(dns.entries.values_list("pk", flat=True))
    assert dns.entries.filter(came_from=other).count() == 70


def test_what_had_the_key_of_something_there_has_it_again_when_it_goes_back(incident: Incident, mara: Person) -> None:
    other = actions.declare("Mail is late", by=mara)
    for room in (incident, other):
        actions.post(room, Said(Kind.NOTE, "Said twice", key="k"), by=mara)
        actions.add_task(room, ToDo("Call the vendor", key="t"), by=mara)
    for _ in range(2):
        there = actions.merge(other, incident, by=mara)
        assert there.entries.filter(text="Said twice").exclude(key="k").count() == 1
        other = actions.undo_merge(other, by=mara)
        for room in (there, other):
            assert room.entries.get(text="Said twice").key == "k"
            assert room.tasks.get().key == "t"


def test_an_entry_of_an_earlier_merge_stands_against_no_key(incident: Incident, mara: Person) -> None:
    other = actions.declare("Mail is late", by=mara)
    for room in (incident, other):
        actions.post(room, Said(Kind.NOTE, "Said twice", key="k"), by=mara)
    actions.merge(other, incident, by=mara)
    other.moves_from.update(keys={})  # as merges of before they kept them
    other = actions.undo_merge(other, by=mara)
    actions.post(other, Said(Kind.NOTE, "Said twice", key="k"), by=mara)
    actions.merge(other, incident, by=mara)
    keys = set(incident.entries.filter(text="Said twice").values_list("key", flat=True))
    assert len(keys) == 3
    assert len({moving.tail_of(key) for key in keys}) == 1
    other = actions.undo_merge(other, by=mara)
    assert other.entries.filter(text="Said twice", key="k").count() == 1


def test_a_key_that_was_taken_since_is_not_given_back(incident: Incident, mara: Person) -> None:
    other = actions.declare("Mail is late", by=mara)
    for room in (incident, other):
        actions.post(room, Said(Kind.NOTE, "Said twice", key="k"), by=mara)
    actions.merge(other, incident, by=mara)
    at = now()
    Entry.objects.create(incident=other, key="k", kind="note", text="Came since", author=mara, at=at)
    other = actions.undo_merge(other, by=mara)
    assert other.entries.get(key="k").text == "Came since"
    assert other.entries.filter(text="Said twice").count() == 1
