"""The screens of a change: how it stands host by host, what differs, and who is told first."""

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from raglan.alerts.models import AlertGroup
from raglan.changes import actions, proposing
from raglan.changes.hold_models import Hold
from raglan.changes.models import Change
from raglan.console import change_views
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Timer
from raglan.fleet import packages, progress, reach
from raglan.fleet.models import Host
from raglan.fleet.taking import take_reports
from raglan.incidents import actions as incidents
from raglan.paging.models import Page
from raglan.people import sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.fleet.reporting import NEWER, WEB, received

pytestmark = pytest.mark.django_db
WELL, FAILED = [["apache2.service", "active"]], [["apache2.service", "failed"]]


@pytest.fixture(autouse=True)
def forgotten() -> None:
    packages.forget_known()
    reach.forget_held()


@pytest.fixture
def mara(client: Client) -> Person:
    person = world.person()
    client.force_login(person)
    return person


def fleet(size: int, *, cluster: str = "east", first: int = 0, items: object = WEB) -> None:
    """Report hosts of a cluster for the first time, each with a run every ten minutes."""
    words = {"cluster": cluster, "services": ["graphs"]}
    names = [f"{cluster}{number:03}" for number in range(first, first + size)]
    take_reports([received(name, units=WELL, host=words, packages=items) for name in names])
    Host.objects.filter(run_interval_s=0).update(run_interval_s=600, ran_at=now())


def pin(by: Person) -> Change:
    said = proposing.Expected("version", "nothing", units=("apache2",))
    proposal = proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], said)
    return proposing.propose(proposal, by=proposing.Teller(by.name, by, by))


def upgrade(*names: str, units: object = FAILED, seq: int = 2) -> None:
    words = {"cluster": names[0][:-3], "services": ["graphs"]}
    take_reports([received(name, packages=NEWER, seq=seq, units=units, host=words) for name in names])


def fired(kind: str) -> list[Timer]:
    """Let reactions run, and return what they planned of a kind."""
    for timer in Timer.objects.filter(kind=timeline.REACT).order_by("pk"):
        timeline.react(timers.Due(timer.pk, timer.kind, timer.subject, timer.due_at, 1, timer.payload))
    return list(Timer.objects.filter(kind=kind).order_by("pk"))


def test_the_page_shows_the_difference_the_marks_and_one_tap_to_people(client: Client, mara: Person) -> None:
    fleet(4)
    fleet(2, cluster="west")
    fleet(1, cluster="database", items=[("mariadb", "10", "amd64")])
    change = pin(mara)
    upgrade("east000", "east001")
    page = client.get(f"/changes/{change.pk}/").content.decode()

    assert "apache2 2.4.6-40 → 2.4.6-45 on an existing host; apache2 failed, active before" in page
    assert "2 otherwise than was said, 4 not reached yet" in page
    assert "database" not in page
    assert page.count("M") > 6
    for link in ("/heads-up/?text=", f"/changes/holds/new/?change={change.pk}", "/wrong/?title=Raise"):
        assert link in page
    heads_up = client.get(
        page.split('href="/heads-up/?')[1].split('"')[0].replace("&amp;", "&").join(("/heads-up/?", ""))
    )
    assert "2 of 6 hosts so far" in heads_up.content.decode()


def test_a_change_names_hosts_by_words_with_spaces_and_commas(client: Client, mara: Person) -> None:
    said = {"title": "x", "packages": "apache2 2.4", "on_existing": "nothing", "on_new": "version", "do": "save"}
    refused = client.post("/changes/new/", {**said, "tags": '"front row'})
    assert refused.status_code == 422
    assert "A quote that begins a name ends it, too" in refused.content.decode()
    said |= {"tags": '"front row", "rack 4, left", canary', "roles": "web db", "groups": 'first: tag "rack 4, left"'}
    assert client.post("/changes/new/", said).status_code == 302
    change = Change.objects.get()
    expectation = change.expectation
    assert (expectation.tags, expectation.roles) == (["front row", "rack 4, left", "canary"], ["web", "db"])
    page = client.get(f"/changes/{change.pk}/").content.decode()
    assert "“front row”, “rack 4, left”, canary" in page
    assert "first: tag “rack 4, left”" in page


def test_a_hold_that_was_raised_for_it_is_shown(client: Client, mara: Person) -> None:
    fleet(1)
    change = pin(mara)
    upgrade("east000")
    words = client.get(f"/changes/{change.pk}/").content.decode().split('href="/changes/holds/new/?')[1].split('"')[0]
    form = client.get("/changes/holds/new/?" + words.replace("&amp;", "&")).content.decode()
    assert "apache2 2.4.6-40 → 2.4.6-45 on an existing host" in form
    assert f'value="change:{change.pk}"' in form
    held = {"name": "stop it", "reason": "It fails", "hours": "2", "link": f"change:{change.pk}"}
    client.post("/changes/holds/new/", held)
    assert Hold.objects.get().link_path == f"/changes/{change.pk}/"
    assert "stop it" in client.get(f"/changes/{change.pk}/part/head/").content.decode()


def test_what_was_called_over_by_mistake_is_under_way_again_at_the_press_of_a_button(
    client: Client, mara: Person
) -> None:
    change = pin(mara)
    address = f"/changes/{change.pk}/"
    assert "It is not over" not in client.get(address).content.decode()
    client.post(f"{address}state/", {"state": "taken_back"})
    assert "It is not over" in client.get(address).content.decode()
    client.post(f"{address}state/", {"state": "under_way"})
    change.refresh_from_db()
    assert change.state == "under_way"


def test_hosts_that_kept_what_they_had_are_told_once_the_runs_have_passed(client: Client, mara: Person) -> None:
    fleet(6)
    change = pin(mara)
    upgrade("east000", "east001", "east002")
    upgrade("east000", units=WELL, seq=3)
    assert "Kept what they had" not in client.get(f"/changes/{change.pk}/").content.decode()
    CLOCK.move(timedelta(minutes=16))
    counts = progress.Progress(Change.objects.get(pk=change.pk)).counts
    assert (counts.back, counts.differs, counts.kept, counts.total) == (1, 2, 3, 6)
    page = client.get(f"/changes/{change.pk}/").content.decode()
    assert "serves graphs" in page
    assert '>what it carried<span class="vh">: east003</span></a>' in page  # its name begins with what is seen
    assert "failed on 3 hosts" in page
    listed = client.get(f"/changes/{change.pk}/hosts/?state=left").content.decode()
    assert "east003" in listed
    assert "east000" not in listed


def test_those_that_kept_what_they_had_go_by_what_converged_and_not_by_the_last_try(
    client: Client, mara: Person
) -> None:
    fleet(4)
    change, begun = pin(mara), now()
    upgrade("east000")
    CLOCK.move(timedelta(minutes=30))
    for name, converged, failing, ran in (("east001", 90, 80, 1), ("east002", 20, None, 20), ("east003", None, 70, 2)):
        times = {"converged_at": converged, "failing_since": failing, "ran_at": ran}
        known = {field: begun - timedelta(minutes=ago) for field, ago in times.items() if ago}
        Host.objects.filter(name=name).update(**known)
    kept = progress.Progress(Change.objects.get(pk=change.pk)).survivors
    assert [one.host.name for one in kept] == ["east003", "east001", "east002"]
    page = client.get(f"/changes/{change.pk}/").content.decode()
    assert "no run was seen to converge, runs fail since" in page
    assert "converged last" in page
    listed = client.get(f"/api/v1/changes/{change.pk}/hosts?state=left").json()
    assert [bool(one["failing_since"]) for one in listed] == [True, False, True]


def test_the_author_hears_first_with_what_is_one_tap_away_and_nobody_is_paged(mara: Person) -> None:
    fleet(3)
    change = pin(mara)
    upgrade("east000", "east001")
    letters = [json.loads(sealing.unseal(str(timer.payload["sealed"]))) for timer in fired("people.mail")]

    assert [(letter["to"], letter["subject"]) for letter in letters] == [
        (mara.email, "Differs from what you said: Raise the pin")
    ]
    for said in (
        "apache2 2.4.6-40 → 2.4.6-45 on an existing host; apache2 failed, active before",
        "First on east000",
        "2 of 3 hosts have it so far",
        "on hosts that exist, nothing happens",
        "/heads-up/?text=",
        f"/changes/holds/new/?change={change.pk}",
        "/wrong/?title=",
    ):
        assert said in letters[0]["text"]
    assert not Page.objects.exists()


def test_the_author_also_hears_by_their_quiet_ways_once(client: Client, mara: Person) -> None:
    world.way(mara, "push")
    world.way(mara, "voice")
    fleet(3)
    change = pin(mara)
    with world.outbox(world.Outbox()) as box:
        upgrade("east000")
        world.fire_all()
        upgrade("east001")
        world.fire_all()
    assert [(sent.kind, sent.message.is_word) for sent in box.sent] == [("push", True)]
    word = box.sent[0].message
    assert word.text.startswith("apache2 2.4.6-40 → 2.4.6-45 on an existing host")
    assert [tap.words for tap in word.taps] == ["Give a heads-up", "Hold it", "Open a room"]
    forms = [client.get(tap.link.removeprefix("http://localhost:8000")).headers["Location"] for tap in word.taps]
    assert [form.partition("?")[0] for form in forms] == ["/heads-up/", "/changes/holds/new/", "/wrong/"]
    assert word.link.endswith(f"/changes/{change.pk}/")
    assert client.get(f"/changes/{change.pk}/next/else/").status_code == 404
    assert not Page.objects.exists()


def test_now_shows_what_is_changing_and_what_differs(client: Client, mara: Person) -> None:
    assert "No change is under way." in client.get("/").content.decode()
    fleet(3)
    pin(mara)
    assert "1 change waits" in client.get("/part/changing/").content.decode()
    upgrade("east000")
    shown = client.get("/part/changing/").content.decode()
    assert "apache2 2.4.6-40 → 2.4.6-45" in shown
    assert "Of 1 hosts that have it: 1 otherwise than was said" in shown


def test_a_room_and_an_alert_say_what_changed_lately_and_what_differs(client: Client, mara: Person) -> None:
    fleet(3)
    actions.record(actions.Told("Deploy of the shop"), told_by="ci", actor="raglan")
    pin(mara)
    upgrade("east000")
    room = incidents.declare("The shop is slow", by=mara)
    told = client.get(f"/incidents/{room.pk}/").content.decode()
    for said in ("The change, host by host", "Deploy of the shop", "apache2 2.4.6-40 → 2.4.6-45 on an existing host"):
        assert said in told
    assert told.index("apache2 failed") < told.index("Deploy of the shop")

    world.ingest(world.source(), world.signal(alertname="Slow"))
    alert = client.get(f"/alerts/groups/{AlertGroup.objects.get().pk}/").content.decode()
    assert "apache2 2.4.6-40 → 2.4.6-45 on an existing host" in alert


def test_above_two_thousand_hosts_the_bar_stands_alone(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MOST_MARKS", 3)
    fleet(4)
    change = pin(mara)
    assert progress.Progress(change).marks() is None
    monkeypatch.setattr(progress, "MOST_MARKS", 4)
    assert progress.Progress(change).marks() == [("east", ["wait"] * 4)]


def test_beyond_what_can_be_told_apart_marks_come_page_by_page_and_lead_to_each_host(
    client: Client, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MOST_MARKS", 3)
    monkeypatch.setattr(change_views, "MARKS_PER_PAGE", 4)
    fleet(5)
    fleet(2, cluster="west")
    change = pin(mara)
    upgrade("east000")
    assert f"/changes/{change.pk}/marks/?cluster=west" in client.get(f"/changes/{change.pk}/").content.decode()
    pages = [client.get(f"/changes/{change.pk}/marks/?page={number}").content.decode() for number in (1, 2)]
    linked = [re.findall(r'<a href="/hosts/(\d+)/" tabindex', page) for page in pages]
    assert [len(links) for links in linked] == [4, 3]
    assert sorted(int(key) for keys in linked for key in keys) == sorted(Host.objects.values_list("pk", flat=True))
    assert "east000: differs" in pages[0]
    west = client.get(f"/changes/{change.pk}/marks/?cluster=west").content.decode()
    assert west.count('tabindex="-1"><title>west') == 2
    assert "No host is here." in client.get(f"/changes/{change.pk}/marks/?cluster=north").content.decode()


def test_more_hosts_take_no_more_queries(client: Client, mara: Person) -> None:
    fleet(8)
    change = pin(mara)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    upgrade("east000")
    paths = [
        f"/changes/{change.pk}/",
        "/changes/",
        f"/changes/{change.pk}/hosts/",
        f"/changes/{change.pk}/part/spread/",
    ]
    for path in paths:  # what lists hold is remembered
        client.get(path)
    few = [queries(path) for path in paths]
    fleet(30, first=8)
    upgrade(*(f"east{number:03}" for number in range(1, 30)))
    assert [queries(path) for path in paths] == few
