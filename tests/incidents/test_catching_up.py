"""The card for whoever comes late is made from the log."""

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from raglan.core.errors import Conflict
from raglan.incidents import actions, catching_up, queries
from raglan.incidents import room as room_screen
from raglan.incidents.actions import Said, Standing, Warned
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]
Kind = Entry.Kind


@pytest.fixture
def room(mara: Person, bo: Person) -> Incident:
    """A room in which something of every kind was said."""
    incident = actions.give_heads_up(Warned("httpd does not start after a Chef run"), by=mara).incident
    assert incident is not None
    actions.write_standing(incident, Standing("Slow, still up", know=["Seven hosts serve"]), by=mara)
    actions.be_here(incident, by=bo, doing="the site from outside")
    done = actions.post(incident, Said(Kind.DOING, "One more Chef run on web0012"), by=mara)
    actions.tell_outcome(done, "httpd started", by=mara, result="worked")
    for kind, text in (
        (Kind.TRIED, "Restart by hand"),
        (Kind.RULED_OUT, "Going back: the old package is gone"),
        (Kind.FOUND, "The second run deletes a file"),
        (Kind.DOING, "Second run everywhere, in waves"),
        (Kind.ASK, "Can somebody read the support queue?"),
        (Kind.DECIDED, "Run Chef once more everywhere"),
    ):
        actions.post(incident, Said(kind, text), by=mara)
    return queries.incident(incident.pk)


def texts(told: object) -> list[str]:
    return [item.text for item in told]  # type: ignore[attr-defined]  # parts of the card


def test_each_part_comes_from_the_log(room: Incident) -> None:
    card = catching_up.card(room)

    assert texts(card.first)[-1] == "httpd does not start after a Chef run"
    assert texts(card.known) == ["Seven hosts serve", "The second run deletes a file"]
    assert [(told.text, told.outcome) for told in card.tried] == [
        ("One more Chef run on web0012", "It worked: httpd started"),
        ("Restart by hand", ""),
    ]
    assert texts(card.ruled_out) == ["Going back: the old package is gone"]
    assert texts(card.decided) == ["Run Chef once more everywhere"]
    assert texts(card.under_way) == ["Second run everywhere, in waves"]
    assert [(told.who, told.text) for told in card.threads] == [("Bo Silva", "the site from outside")]
    assert [ask.entry.text for ask in card.wanted] == ["Can somebody read the support queue?"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("word " * 60, " ".join(["word"] * 44) + " …"),
        ("word " * 44, " ".join(["word"] * 44)),
        ("x" * 300, "x" * 220 + " …"),
        ("First line\nsecond", "First line"),
    ],
    ids=["cut after a word", "as long as fits", "one long word", "the first line"],
)
def test_a_long_line_ends_after_a_word(incident: Incident, mara: Person, text: str, shown: str) -> None:
    actions.post(incident, Said(Kind.DECIDED, text), by=mara)
    assert texts(catching_up.card(incident).decided) == [shown]


def test_tools_have_a_part_of_their_own_and_push_no_finding_out(room: Incident, mara: Person, bo: Person) -> None:
    tools = [actions.lose_tool(room, name, by=bo) for name in ("Graphite", "Nagios", "Wiki", "Deploys")]
    for tool in tools[1:]:
        actions.tool_back(tool, by=bo)
    actions.confirm_lost(tools[0], by=mara)

    card = catching_up.card(room)

    assert texts(card.known) == ["Seven hosts serve", "The second run deletes a file"]
    assert [(told.who, told.text) for told in card.tools] == [("Bo Silva and Mara Keller", "Graphite")]


def test_what_anybody_marks_as_risky_stands_first_until_it_is_not(
    room: Incident, mara: Person, bo: Person, browser: Browser, rest: Call
) -> None:
    found = Entry.objects.get(text="The second run deletes a file")
    browser(bo).post(f"/entries/{found.pk}/risky/")
    actions.mark_risky(found, by=mara)  # it is marked already

    assert [item["text"] for item in rest(mara, "GET", f"/incidents/{room.pk}/catch-up")["risky"]] == [found.text]
    named = dict(catching_up.card(room).parts)["Risky now"]
    assert texts(named) == [found.text]
    assert texts(dict(catching_up.card(room).parts)["Under way"]) == ["Second run everywhere, in waves"]
    shown = browser(mara).get(f"/incidents/{room.pk}/").content.decode()
    assert "marked by Bo Silva" in shown
    assert rest(mara, "DELETE", f"/entries/{found.pk}/risky")["risky_by"] is None
    assert rest(mara, "POST", f"/entries/{found.pk}/risky")["risky_by"] == "Mara Keller"
    browser(bo).post(f"/entries/{found.pk}/risk-over/")
    assert catching_up.card(room).risks == []
    actions.stand_down(room, by=mara)
    with pytest.raises(Conflict):
        actions.mark_risky(found, by=mara)


def test_an_empty_room_still_says_how_it_began(incident: Incident) -> None:
    card = catching_up.card(queries.incident(incident.pk))

    assert [name for name, _ in card.parts] == ["How it first showed"]


def test_whoever_comes_late_finds_it_open_on_top_and_others_by_its_address(
    room: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    ines = world.person("Ines Roth")
    address = f"/incidents/{room.pk}/"
    assert "New here?" in browser(ines).get(address).content.decode()
    assert "New here?" not in browser(mara).get(address).content.decode()

    actions.post(room, Said(Kind.NOTE, "I read the logs"), by=ines)

    assert "New here?" not in browser(ines).get(address).content.decode()
    shown = browser(ines).get(f"{address}catch-up/").content.decode()
    assert "the old package is gone" in shown
    assert "Nobody" not in browser(ines).get(f"{address}part/catch_up/").content.decode()


def test_the_same_over_rest(room: Incident, mara: Person, rest: Call) -> None:
    told = rest(mara, "GET", f"/incidents/{room.pk}/catch-up")

    assert [item["text"] for item in told["under_way"]] == ["Second run everywhere, in waves"]
    assert told["wanted"][0]["who"] == "Mara Keller"


def test_after_a_long_day_its_beginning_and_what_was_ruled_out_early_are_still_told(
    incident: Incident, mara: Person, bo: Person, browser: Callable[[Person], Client]
) -> None:
    actions.post(incident, Said(Entry.Kind.HEADS_UP, "I may have broken Apache"), by=mara)
    for number in range(20):
        actions.post(incident, Said(Entry.Kind.RULED_OUT, f"Not host {number:02}"), by=mara)
        actions.post(incident, Said(Entry.Kind.TRIED, f"Restarted host {number:02}"), by=mara)

    card = catching_up.card(incident)
    page = browser(bo).get(f"/incidents/{incident.pk}/").content.decode()

    assert [told.text for told in card.first] == ["I may have broken Apache"]
    assert len(card.ruled_out) == 20
    assert page.count("15 earlier<") == 2
    assert page.count(f'<a href="/entries/{card.ruled_out[0].entry}/">') == 1  # it is on no page of the room any more
    assert page.index("15 earlier<") < page.index("Restarted host 00") < page.index("Restarted host 19")


def test_what_is_older_than_all_that_the_card_tells_is_counted_and_one_link_away(
    incident: Incident, mara: Person, bo: Person, browser: Browser, rest: Call
) -> None:
    def past(kind: Entry.Kind, count: int, text: str, **more: str) -> None:
        Entry.objects.bulk_create(
            Entry(incident=incident, key=f"{text} {n}", kind=kind, text=f"{text} {n:03}", author=mara, at=at(n), **more)
            for n in range(count)
        )

    def at(number: int) -> datetime:
        return incident.declared_at + timedelta(seconds=number)

    past(Kind.RULED_OUT, 61, "Not host")
    past(Kind.TRIED, 40, "Restarted host")
    past(Kind.DOING, 30, "Drained host", outcome="It worked")
    past(Kind.DECIDED, 600, "Decided")  # of these alone there are more than all that the card tells

    card = catching_up.card(incident)
    assert (len(card.ruled_out), card.ruled_out_in_all) == (60, 61)
    assert (len(card.tried), card.tried_in_all) == (60, 70)
    told = rest(mara, "GET", f"/incidents/{incident.pk}/catch-up")
    assert (told["tried_in_all"], told["ruled_out_in_all"], len(told["tried"])) == (70, 61, 60)

    page = browser(bo).get(f"/incidents/{incident.pk}/catch-up/").content.decode()
    links = re.findall(r'<a href="([^"]*)">(\d+ older)', page)
    assert [older for _, older in links] == ["10 older", "1 older"]

    tried, out = (browser(bo).get(html.unescape(link)).content.decode() for link, _ in links)
    assert re.findall(r'<span class="text">([^<]*)<', tried)[:2] == ["Restarted host 000", "Drained host 000"]
    assert "Not host" not in tried[tried.index('id="h-tl"') :]
    assert '<a href="?show=tried" aria-current="true">Tried</a>' in tried
    assert "Not host 000" in out[out.index('id="h-tl"') :]
    old = rest(mara, "GET", f"/incidents/{incident.pk}/timeline?show=ruled_out&order=written&limit=1")
    assert [one["text"] for one in old] == ["Not host 000"]


def test_what_the_card_asks_for_does_not_grow_with_the_day(incident: Incident, mara: Person) -> None:
    at = incident.declared_at
    Entry.objects.bulk_create(
        Entry(incident=incident, key=f"{n}", kind=Kind.DECIDED, text="Decided", author=mara, at=at) for n in range(300)
    )
    with CaptureQueriesContext(connection) as asked:
        catching_up.card(incident)
    of_entries = [one["sql"] for one in asked if "incidents_entry" in one["sql"]]
    assert all("LIMIT" in sql or "COUNT(" in sql for sql in of_entries)


def test_what_came_up_before_today_says_its_day_and_is_reached(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    old = actions.post(incident, Said(Entry.Kind.RULED_OUT, "Not the disk"), by=mara)
    Entry.objects.filter(pk=old.pk).update(at=old.at - timedelta(days=3))
    for number in range(room_screen.PAGE_SIZE - 1):
        actions.post(incident, Said(Entry.Kind.NOTE, f"Note {number}"), by=mara)
    new = actions.post(incident, Said(Entry.Kind.RULED_OUT, "Not the net"), by=mara)

    page = browser(bo).get(f"/incidents/{incident.pk}/catch-up/").content.decode()

    assert re.search(rf'<a href="/entries/{old.pk}/">\w{{3}} \d\d:\d\d</a>', page)
    assert f'<a href="/incidents/{incident.pk}/#e{new.pk}">' in page
