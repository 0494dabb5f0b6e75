"""Of very many people, entries or asks some stand and others unfold; nothing is out of reach."""

import html
import re
from collections.abc import Callable

from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.incidents import actions
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident, IncidentGroup, Listed, Responder
from raglan.people.models import Person
from raglan.testing import world

Browser = Callable[[Person], Client]


def crowd(count: int) -> list[Person]:
    """Make many people at once, without the way by which they come."""
    made = [Person(name=f"Person {number:03}", email=f"p{number}@example.test") for number in range(count)]
    return Person.objects.bulk_create(made)


def test_two_hundred_in_the_room_fold_and_all_go_on_seeing_it(
    incident: Incident, mara: Person, browser: Browser
) -> None:
    people, at = crowd(200), incident.declared_at
    Responder.objects.bulk_create(Responder(incident=incident, person=one, joined_at=at) for one in people)
    own, path = browser(mara), f"/incidents/{incident.pk}/private/"

    page = own.get(path).content.decode()
    assert "192 more, all chosen" in page
    assert page.count('name="people"') == 200
    assert page.index("Person 007") < page.index("192 more") < page.index("Person 008")

    few = own.post(path, {"do": "make", "why": "", "people": [people[0].pk, people[100].pk]}).content.decode()
    assert "192 more, 1 chosen" in few
    assert '<details class="small" open><summary>192 more' in few

    own.post(path, {"do": "make", "why": "Salaries", "people": [one.pk for one in people]})
    assert Listed.objects.filter(incident=incident).count() == 201
    listed = own.get(path).content.decode()
    assert "189 more on the list" in listed
    assert "more</summary><ol" in listed


def test_older_entries_can_be_split_off_too(incident: Incident, mara: Person, browser: Browser) -> None:
    first = actions.post(incident, Said(Entry.Kind.NOTE, "How it began"), by=mara)
    at = first.at
    Entry.objects.bulk_create(
        Entry(incident=incident, key=f"k{number}", kind="note", text=f"Line {number}", author=mara, at=at)
        for number in range(230)
    )
    own, path = browser(mara), f"/incidents/{incident.pk}/split/"

    newest = own.get(path).content.decode()
    assert (newest.count('name="entries"'), "How it began" in newest, "192 more<" in newest) == (200, False, True)
    before = newest.split('href="?entries_before=')[1].split('"')[0]
    older = own.get(f"{path}?entries_before={before}").content.decode()
    assert (older.count('name="entries"'), "How it began" in older, "Older ones" in older) == (31, True, False)

    assert ("The newest" in newest, 'href="?">The newest' in older) == (False, True)
    assert "Up to 200 entries stand on one page" in older

    refused = own.post(f"{path}?entries_before={before}", {"title": "", "entries": [first.pk]})
    assert refused.status_code == 422
    assert "How it began" in refused.content.decode()
    own.post(f"{path}?entries_before={before}", {"title": "The beginning", "entries": [first.pk], "key": "k"})
    assert Entry.objects.get(pk=first.pk).incident.title == "The beginning"


def test_all_that_one_page_offers_can_be_split_off_at_once(incident: Incident, mara: Person, browser: Browser) -> None:
    at, source = incident.declared_at, world.source()
    groups = AlertGroup.objects.bulk_create(
        AlertGroup(key=f"g{number}", title=f"Alert {number}", source_id=source.id, opened_at=at)
        for number in range(130)
    )
    IncidentGroup.objects.bulk_create(IncidentGroup(incident=incident, group=one, joined_at=at) for one in groups)
    tasks = [actions.add_task(incident, actions.ToDo(f"Task {number}"), by=mara) for number in range(130)]
    Entry.objects.bulk_create(
        Entry(incident=incident, key=f"k{number}", kind="note", text=f"Line {number}", author=mara, at=at)
        for number in range(230)
    )
    own, path = browser(mara), f"/incidents/{incident.pk}/split/"

    page = own.get(path).content.decode()
    offered = {name: re.findall(rf'name="{name}" value="(\d+)"', page) for name in ("groups", "tasks", "entries")}
    assert {name: len(found) for name, found in offered.items()} == {"groups": 100, "tasks": 100, "entries": 200}
    for name, first in (("groups", groups[0]), ("tasks", tasks[0])):
        before = page.split(f'href="?{name}_before=')[1].split('"')[0]
        assert f'name="{name}" value="{first.pk}"' in own.get(f"{path}?{name}_before={before}").content.decode()

    assert own.post(path, {"title": "", **offered}).status_code == 422  # read, and shown again
    own.post(path, {"title": "The rest", "key": "k", **offered})
    made = Incident.objects.get(title="The rest")
    assert (made.joined_groups.count(), made.tasks.count()) == (100, 100)


def test_each_list_of_what_can_be_split_off_keeps_its_page(incident: Incident, mara: Person, browser: Browser) -> None:
    at = incident.declared_at
    for number in range(230):
        actions.add_task(incident, actions.ToDo(f"Task {number:03}"), by=mara)
    Entry.objects.bulk_create(
        Entry(incident=incident, key=f"k{number}", kind="note", text=f"Line {number:03}", author=mara, at=at)
        for number in range(430)
    )
    own, path = browser(mara), f"/incidents/{incident.pk}/split/"

    def links(page: str, words: str) -> dict[str, str]:
        found = re.findall(rf'href="([^"]*)">{words}<span class="vh">: (\w+)<', page)
        return {name: html.unescape(link) for link, name in found}

    def follow(link: str) -> str:
        return own.get(path + link).content.decode()

    newest = follow("")
    older_tasks = follow(links(newest, "Older ones")["tasks"])
    both = follow(links(older_tasks, "Older ones")["entries"])
    assert ("Task 129" in both, "Task 130" in both) == (True, False)
    assert ("Line 229" in both, "Line 230" in both) == (True, False)

    deeper = follow(links(both, "Older ones")["tasks"])
    assert ("Task 029" in deeper, "Task 030" in deeper, "Line 229" in deeper) == (True, False, True)

    back = follow(links(deeper, "The newest")["tasks"])
    assert ("Task 229" in back, "Line 229" in back, "Line 230" in back) == (True, True, False)
    assert links(follow(links(back, "The newest")["entries"]), "The newest") == {}


def test_what_is_still_open_at_the_end_folds(incident: Incident, mara: Person, browser: Browser) -> None:
    for number in range(12):
        actions.post(incident, Said(Entry.Kind.ASK, f"Who knows {number:02}?"), by=mara)
        actions.post(incident, Said(Entry.Kind.DOING, f"Restart host {number:02}"), by=mara)

    page = browser(mara).get(f"/incidents/{incident.pk}/close/").content.decode()

    assert "4 more open asks" in page
    assert "4 more being done" in page
    assert all(f"Who knows {number:02}?" in page and f"Restart host {number:02}" in page for number in range(12))
