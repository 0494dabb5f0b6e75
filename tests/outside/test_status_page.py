"""The status page is files of public words: escaped, dated, honest about what is not known."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, time, timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raglan.alerts.models import AlertGroup
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.outside import components, desk, queries, render, snapshot
from raglan.outside.components import ComponentDraft, PageDraft, WindowDraft
from raglan.outside.desk import Word
from raglan.outside.models import Component, ComponentWord
from raglan.people.models import Person
from raglan.testing import world

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>]]>&\x0b"
ATOM = "{http://www.w3.org/2005/Atom}"
Add = Callable[..., Component]
Count = Callable[..., AbstractContextManager[CaptureQueriesContext]]


@pytest.fixture
def on(mara: Person) -> None:
    components.set_page(PageDraft(True, "Loomhaven", address="https://status.example.test"), seen_version=0, actor=mara)


@pytest.fixture
def add(mara: Person) -> Add:
    def added(name: str = "Buying", **more: object) -> Component:
        return components.add_component(ComponentDraft(name, **more), actor=mara)  # type: ignore[arg-type]  # by name

    return added


def made(name: str = "index.html") -> str:
    return render.files(snapshot.take(every_min=10))[name].decode()


def summary() -> dict[str, object]:
    return dict(json.loads(made("status.json")))


class Text(HTMLParser):
    """Reads a page as people do, and notes what might run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Text:
    found = Text()
    found.feed(html)
    return found


def test_a_public_update_stands_on_the_page_and_says_how_components_are(
    on: None, add: Add, room: Incident, bo: Person
) -> None:
    buying = add()
    word = Word("looking", "Pay later, please.", timedelta(minutes=30), is_public=True, headline="Buying is slow")
    desk.say(room, Word(**{**_as_dict(word), "states": {buying.pk: "slow"}}), by=bo)
    text = " ".join(read(made()).words)
    assert "Something is slow." in text
    assert "Buying is slow" in text
    assert "Pay later, please." in text
    assert "Apache" not in text  # the words of the room stay in the room
    found = summary()
    assert found["state"] == "slow"
    assert [(one["name"], one["state"]) for one in found["components"]] == [("Buying", "slow")]  # type: ignore[attr-defined]


def _as_dict(word: Word) -> dict[str, object]:
    return {name: getattr(word, name) for name in Word.__slots__}


def test_what_is_not_public_does_not_appear(on: None, room: Incident, bo: Person) -> None:
    desk.say(room, Word("looking", "Only for us.", headline="Inside"), by=bo)
    files = render.files(snapshot.take(every_min=10))
    assert not [name for name, content in files.items() if b"Only for us" in content or b"Inside" in content]


def test_nothing_of_a_private_incident_appears_even_if_it_was_said_before(
    on: None, add: Add, room: Incident, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    buying = add()
    word = Word("looking", "Hidden.", is_public=True, headline="Hidden", states={buying.pk: "down"})
    desk.say(room, word, by=bo)
    assert "Hidden" in made()
    monkeypatch.setattr(queries, "may_go_out", lambda incident: False)
    files = render.files(snapshot.take(every_min=10))
    assert not [name for name, content in files.items() if b"Hidden" in content]
    assert summary()["state"] == "unknown"
    with pytest.raises(BadInput, match="private"):
        desk.say(room, Word("found", "More.", is_public=True, headline="More"), by=bo)


def test_what_is_withdrawn_goes_from_each_file_and_stays_at_the_desk(
    on: None, add: Add, room: Incident, bo: Person
) -> None:
    buying = add()
    desk.say(room, Word("looking", "We look.", is_public=True, headline="Slow"), by=bo)
    leak = desk.say(
        room, Word("found", "Acme lost it.", is_public=True, headline="Acme", states={buying.pk: "down"}), by=bo
    )
    inside = desk.say(room, Word("found", "Inside."), by=bo)
    assert "Acme lost it." in made()
    assert desk.withdraw(leak, by=bo).withdrawn_by == bo
    desk.withdraw(leak, by=bo)
    assert desk.withdraw(inside, by=bo).withdrawn_at is None
    files = render.files(snapshot.take(every_min=10))
    assert not [name for name, content in files.items() if b"Acme" in content]
    assert (summary()["state"], "We look." in made()) == ("slow", True)  # what was said before counts again
    reading = Client()
    reading.force_login(bo)
    html = reading.get(f"/incidents/{room.pk}/outside/").content.decode()
    assert "Acme lost it." in html
    assert "Withdrawn" in html
    again = reading.post(f"/api/v1/updates/{leak.pk}/withdraw").json()
    assert again["withdrawn_at"] is not None
    assert reading.post(f"/outside/updates/{leak.pk}/withdraw/").status_code == 302


def test_no_way_to_mark_a_room_as_private_is_overlooked() -> None:
    """Whoever gives rooms another mark than `is_private` has to tell `queries.may_go_out` of it."""
    names = {field.name for field in Incident._meta.get_fields()}
    marks = {name for name in names if re.search("privat|visib|secre|restrict|confident|hidden", name)}
    assert marks <= {"is_private"}
    assert queries.may_go_out(Incident())


def test_without_a_page_or_a_headline_nothing_is_public(room: Incident, mara: Person, bo: Person) -> None:
    with pytest.raises(BadInput) as refused:
        desk.say(room, Word("looking", "x", is_public=True, headline="x"), by=bo)
    assert refused.value.field == "is_public"
    components.set_page(PageDraft(True, "Loomhaven"), seen_version=0, actor=mara)
    for word, field in (
        (Word("looking", "x", is_public=True), "headline"),
        (Word("looking", "x", is_public=True, headline="x", states={99: "down"}), "states"),
        (Word("looking", "x", is_public=True, headline="x", states={99: "bad"}), "states"),
        (Word("looking", "x", states={99: "down"}), "is_public"),
    ):
        with pytest.raises(BadInput) as refused:
            desk.say(room, word, by=bo)
        assert refused.value.field == field


def test_a_new_component_is_not_known_until_somebody_says_so_and_again_when_that_is_too_old(
    on: None, add: Add, mara: Person
) -> None:
    one = add()
    assert summary()["sentence"] == "We do not know how things are."
    components.say_state(one, "fine", by=mara, actor=mara)
    assert summary()["sentence"] == "All of it is fine, as far as we know."
    CLOCK.move(timedelta(hours=25))
    assert summary()["state"] == "unknown"
    assert "the last word is too old" in made()


def test_one_that_is_watched_is_fine_while_its_source_is_heard_and_nothing_fires(on: None, mara: Person) -> None:
    from raglan.alerts.models import Source

    key, web = world.source(), world.service("web")
    source = Source.objects.get(pk=key.id)
    draft = ComponentDraft("Buying", source=source, quiet_min=15, services=[web])
    components.add_component(draft, actor=mara)
    assert summary()["state"] == "unknown"
    Source.objects.filter(pk=source.pk).update(last_heard_at=now())
    assert summary()["state"] == "fine"
    world.ingest(key, world.signal(service="other"))
    assert summary()["state"] == "fine"
    world.ingest(key, world.signal(service="web"))
    assert summary()["state"] == "unknown"


def test_an_alert_or_an_open_room_about_a_service_goes_before_what_was_said_to_be_fine(
    on: None, mara: Person, bo: Person
) -> None:
    web, shop = world.service("web"), world.service("shop")
    one = components.add_component(ComponentDraft("Buying", services=[web]), actor=mara)
    two = components.add_component(ComponentDraft("Selling", services=[shop]), actor=mara)
    for part in (one, two):
        components.say_state(part, "fine", by=mara, actor=mara)
    assert f"good until {snapshot.take(every_min=10).old.words}" in made()
    CLOCK.move(timedelta(minutes=1))
    world.ingest(world.source(), world.signal(service="Web"))
    assert _states() == {"Buying": "unknown", "Selling": "fine"}
    assert "there are signs of trouble" in made()
    CLOCK.move(timedelta(minutes=1))
    components.say_state(one, "fine", by=mara, actor=mara)
    assert _states()["Buying"] == "fine"  # what people say after it counts
    CLOCK.move(timedelta(minutes=1))
    room = incidents.declare("Selling is slow", by=bo, services=[shop])
    assert _states()["Selling"] == "unknown"
    CLOCK.move(timedelta(minutes=1))
    components.say_state(two, "fine", by=mara, actor=mara)
    assert _states()["Selling"] == "fine"
    CLOCK.move(timedelta(minutes=1))
    incidents.write_standing(room, incidents.Standing("It is down now", service_state="down"), by=bo)
    assert _states()["Selling"] == "unknown"
    incidents.make_private(room, "It is about a person.", by=bo)
    assert _states()["Selling"] == "fine"


@pytest.mark.parametrize("who", ["lead", "alert", "warned", "standing"])
def test_a_line_of_somebody_unknown_takes_no_green_until_somebody_else_stands_for_it(
    on: None, mara: Person, bo: Person, who: str
) -> None:
    shop = world.service("shop")
    one = components.add_component(ComponentDraft("Selling", services=[shop]), actor=mara)
    components.say_state(one, "fine", by=mara, actor=mara)
    CLOCK.move(timedelta(minutes=1))
    warned = incidents.Warned("It is all down", services=[shop], author_words="Eve (@eve)")
    room = incidents.give_heads_up(warned, by=None).incident
    assert room is not None
    assert _states()["Selling"] == "fine"
    match who:
        case "lead":
            incidents.take_lead(room, bo, by=bo)
        case "alert":
            world.ingest(world.source(), world.signal(service="else"))
            incidents.join_groups(room, list(AlertGroup.objects.all()), by=bo)
        case "warned":
            incidents.give_heads_up(incidents.Warned("I see it, too", services=[shop]), by=bo)
        case _:
            incidents.write_standing(room, incidents.Standing("It is slow", service_state="slow"), by=bo)
    assert _states()["Selling"] == "unknown"


def _states() -> dict[str, str]:
    return {one["name"]: one["state"] for one in summary()["components"]}  # type: ignore[attr-defined]


def test_screens_here_know_of_components_what_the_page_does_without_its_days_and_stories(
    on: None, add: Add, room: Incident, mara: Person, django_assert_num_queries: Count
) -> None:
    parts = [add(name, group=name[:1]) for name in ("Buying", "Selling", "Signing in", "Search", "Stock")]
    for state in ("down", "fine"):
        components.say_state(parts[0], state, by=mara, actor=mara)
    public = Word(
        "looking", "Pay later.", is_public=True, headline="Slow", states={one.pk: "slow" for one in parts[:3]}
    )
    said = desk.say(room, public, by=mara)
    CLOCK.move(timedelta(minutes=1))
    components.say_state(parts[1], "down", by=mara, actor=mara)
    components.say_state(parts[3], "fine", by=mara, actor=mara)
    ComponentWord.objects.filter(component=parts[3]).update(at=now() - timedelta(days=181))
    page = queries.page()
    for _ in range(2):
        for_all = snapshot.take(every_min=10).groups
        bare = [replace(group, parts=[replace(part, days=()) for part in group.parts]) for group in for_all]
        assert snapshot.groups_now(page) == bare
        desk.withdraw(said, by=mara)
    with django_assert_num_queries(5) as asked:
        snapshot.groups_now(page)
    assert not [one for one in asked.captured_queries if 'FROM "outside_statusupdate"' in one["sql"]]


@pytest.mark.parametrize(("name", "most"), [("components", 6), ("targets", 2), ("told", 5)])
def test_a_live_part_reads_what_it_shows(
    on: None, add: Add, mara: Person, name: str, most: int, django_assert_max_num_queries: Count
) -> None:
    add()
    client = Client()
    client.force_login(mara)
    client.get("/")
    sign_in = 3  # the session, the person, and what stands in the frame
    with django_assert_max_num_queries(most + sign_in):
        assert client.get(f"/setup/status/part/{name}/").status_code == 200


def test_each_file_says_when_it_was_made_and_from_when_on_it_is_too_old(on: None) -> None:
    shot = snapshot.take(every_min=10)
    files = render.files(shot)
    assert (shot.made_at + timedelta(minutes=30)).isoformat(timespec="seconds")[:16] == shot.old.iso[:16]
    for name in ("index.html", "history.html"):
        assert f"After {shot.old.words} this page is too old" in files[name].decode()
    told = json.loads(files["status.json"])
    assert (told["made_at"], told["old_after"]) == (shot.made.iso, shot.old.iso)
    assert "old.js" not in files


def test_a_word_that_was_promised_and_did_not_come_is_late_on_the_page(on: None, room: Incident, bo: Person) -> None:
    desk.say(room, Word("looking", "x", timedelta(minutes=30), is_public=True, headline="Slow"), by=bo)
    assert "Next word at" in made()
    CLOCK.move(timedelta(minutes=31))
    assert "It is late." in made()


def test_a_story_without_a_word_for_long_says_that_it_is_not_known(on: None, room: Incident, bo: Person) -> None:
    desk.say(room, Word("looking", "x", is_public=True, headline="Slow"), by=bo)
    assert "Nothing was said since then" not in made()
    CLOCK.move(timedelta(hours=25))
    assert "Nothing was said since then" in made()
    desk.say(room, Word("over", "x", is_public=True, headline="Slow"), by=bo)
    CLOCK.move(timedelta(hours=25))
    assert "Nothing was said since then" not in made()


def test_what_people_write_is_only_text_in_each_file(on: None, mara: Person, room: Incident, bo: Person) -> None:
    page = PageDraft(True, HOSTILE[:100], HOSTILE, home_url="https://a.test/?\"'<", uses_script=True)
    components.set_page(page, seen_version=1, actor=mara)
    draft = ComponentDraft(HOSTILE[:100], HOSTILE[:99], HOSTILE[:98])
    one = components.add_component(draft, actor=mara)
    tomorrow = (now() + timedelta(days=1)).date()
    window = world.maintenance(("service", "=", "web"), first=tomorrow, start=time(2))
    components.show_window(window, WindowDraft(HOSTILE[:90], HOSTILE, [one]), actor=mara)
    for stage in ("looking", "over"):
        word = Word(stage, HOSTILE, is_public=True, headline=HOSTILE[:80], states={one.pk: "down"})
        desk.say(room, word, by=bo)
    files = render.files(snapshot.take(every_min=10))
    for name in ("index.html", "history.html"):
        page_read = read(files[name].decode())
        assert page_read.tags.count("script") == 1  # the page's own
        assert "img" not in page_read.tags
        assert page_read.handlers == []
    for name in ("rss.xml", "atom.xml"):
        assert "alert(1)" in "".join(ElementTree.fromstring(files[name]).itertext())
    json.loads(files["status.json"])


def test_feeds_are_what_the_standards_ask_for(on: None, room: Incident, bo: Person) -> None:
    for stage, text in (("looking", "We look."), ("over", "It is over.")):
        desk.say(room, Word(stage, text, is_public=True, headline="Buying is slow"), by=bo)
        CLOCK.move(timedelta(minutes=1))
    atom = ElementTree.fromstring(made("atom.xml"))
    assert atom.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "link"):
        assert atom.find(f"{ATOM}{name}") is not None
    entries = atom.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}summary") for entry in entries] == ["It is over.", "We look."]
    ids = {str(entry.findtext(f"{ATOM}id")) for entry in entries}
    assert len(ids) == 2
    assert all(datetime.fromisoformat(str(entry.findtext(f"{ATOM}updated"))).tzinfo for entry in entries)
    rss = ElementTree.fromstring(made("rss.xml"))
    assert (rss.tag, rss.attrib["version"]) == ("rss", "2.0")
    channel = rss.find("channel")
    assert channel is not None
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    assert [item.findtext("title") for item in channel.findall("item")] == [
        "Buying is slow: It is over",
        "Buying is slow: We are looking into it",
    ]
    anchors = {str(item.findtext("link")).partition("#")[2] for item in channel.findall("item")}
    assert all(f'id="{anchor}"' in made("history.html") for anchor in anchors)


def test_what_is_over_stands_in_the_history_for_ninety_days(on: None, room: Incident, bo: Person) -> None:
    desk.say(room, Word("looking", "We look.", is_public=True, headline="Buying is slow"), by=bo)
    for name in ("index.html", "history.html"):
        assert "Nothing that is over was told here in the last 90 days." in made(name)
    desk.say(room, Word("over", "It was the cable.", is_public=True, headline="Buying was slow"), by=bo)
    assert "It was the cable." in made("history.html")
    CLOCK.move(timedelta(days=91))
    assert "It was the cable." not in made("history.html")
    assert "Nothing was told here in the last 90 days." in made()


def test_planned_maintenance_that_is_marked_is_shown_ahead(on: None, add: Add, mara: Person) -> None:
    soon = (now() + timedelta(days=2)).date()
    name = "Switch rack 14, secret plan"
    window = world.maintenance(("service", "=", "web"), first=soon, start=time(2), zone="UTC", name=name)
    assert "Planned" not in made()
    shown = WindowDraft("Short breaks while buying", "Your basket stays.", [add()])
    components.show_window(window, shown, actor=mara)
    html = made()
    assert "Short breaks while buying" in html
    assert f"{soon.day} {soon:%b %Y}, 02:00 UTC" in html
    assert "secret plan" not in html
    components.hide_window(window, actor=mara)
    components.hide_window(window, actor=mara)
    assert "Short breaks" not in made()


def test_two_who_change_the_page_see_each_other(on: None, mara: Person) -> None:
    with pytest.raises(Conflict):
        components.set_page(PageDraft(False, "Mine"), seen_version=0, actor=mara)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (PageDraft(True, " "), "title"),
        (PageDraft(True, "x", home_url="javascript:alert(1)"), "home_url"),
        (PageDraft(True, "x", address="ftp://x"), "address"),
        (PageDraft(True, "x", language='en"><'), "language"),
        (PageDraft(True, "x", zone="Mars/Base"), "zone"),
        (PageDraft(True, "x", word_hours=0), "word_hours"),
    ],
)
def test_a_page_that_can_not_be_names_its_field(mara: Person, draft: PageDraft, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        components.set_page(draft, seen_version=0, actor=mara)
    assert refused.value.field == field


def test_a_headline_has_no_characters_that_nobody_sees(on: None, room: Incident, bo: Person) -> None:
    word = Word("looking", "x", is_public=True, headline="Buying\x1b \u202eis\n slow\x85")
    assert desk.say(room, word, by=bo).headline == "Buying is slow"
    with pytest.raises(BadInput, match="headline"):
        desk.say(room, replace(word, headline="\x1b\u200b"), by=bo)


def test_whatever_was_written_the_files_are_made_and_the_feeds_can_be_read(
    on: None, room: Incident, bo: Person
) -> None:
    desk.say(room, Word("looking", "x", is_public=True, headline="x"), by=bo)
    shot = snapshot.take(every_min=10)
    [story] = shot.open

    @settings(max_examples=40, deadline=None)
    @example("\x1b\ufffe")
    @given(
        st.text(
            alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\x00\x1b\x0b\ufffe\uffff]<&"))
        )
    )
    def holds(text: str) -> None:
        shot.page.title = text
        said = replace(story.said[0], headline=text, text=text, parts=(text,))
        made = render.files(replace(shot, sentence=text, open=[replace(story, title=text, said=[said])]))
        for name in ("rss.xml", "atom.xml"):
            ElementTree.fromstring(made[name])
        json.loads(made["status.json"])

    holds()
