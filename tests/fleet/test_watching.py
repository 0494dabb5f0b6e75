"""Reports and runs are held against what was said: a first difference is raised, what nobody announced is found."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from raglan.changes import grouping, proposing, queries
from raglan.changes.models import Change, ChangePackage
from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event, Timer
from raglan.fleet import open_changes, packages, progress, rolling, watching
from raglan.fleet.models import Host
from raglan.fleet.ports import Observation, Outcome
from raglan.fleet.taking import take_reports
from raglan.fleet.watch_events import SurpriseRaised
from raglan.fleet.watch_models import Arrival, Surprise
from raglan.testing import replay, world
from tests.fleet.reporting import NEWER, WEB, host, received, report

pytestmark = pytest.mark.django_db
BY = proposing.Teller("Mara", "raglan")
WELL, FAILED = [["apache2.service", "active"]], [["apache2.service", "failed"]]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    packages.forget_known()


def pin(**expected: object) -> Change:
    given = {"on_new": "version", "on_existing": "nothing", "units": ("apache2",), **expected}
    said = proposing.Expected(**given)  # type: ignore[arg-type]  # a test states only what matters
    return proposing.propose(proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], said), by=BY)


def fleet(size: int) -> list[str]:
    names = [f"web{number}" for number in range(size)]
    take_reports([received(name, units=WELL) for name in names])
    return names


def upgrade(*names: str, seq: int = 2, units: object = WELL) -> None:
    take_reports([received(name, packages=NEWER, seq=seq, units=units) for name in names])


def states(change: Change) -> dict[str, str]:
    return dict(Arrival.objects.filter(change=change).order_by("pk").values_list("host__name", "state"))


def raised() -> list[str]:
    found = Event.objects.filter(kind="surprise.raised").order_by("pk")
    return [str(event.data["words"]) for event in found]


def test_the_first_host_that_differs_begins_the_change_and_raises_one_surprise() -> None:
    fleet(4)
    change = pin()
    upgrade("web0", units=FAILED)
    upgrade("web1", "web2", units=FAILED)

    change.refresh_from_db()
    assert change.state == Change.State.UNDER_WAY
    assert states(change) == dict.fromkeys(("web0", "web1", "web2"), "differs")
    words = "apache2 2.4.6-40 → 2.4.6-45 on an existing host; apache2 failed, active before"
    assert raised() == [words]
    assert (Surprise.objects.get().host, Surprise.objects.get().words) == (host("web0"), words)


def test_each_kind_of_difference_is_raised_once() -> None:
    fleet(3)
    change = pin()
    upgrade("web0")
    report("web0", packages=NEWER, seq=3, units=FAILED)
    upgrade("web1", "web2", units=FAILED)

    assert raised() == [
        "apache2 2.4.6-40 → 2.4.6-45 on an existing host",
        "apache2 2.4.6-40 → 2.4.6-45 on an existing host; apache2 failed, active before",
    ]
    assert change.surprises.count() == 2


def test_a_host_that_goes_back_to_what_it_had_is_well_again_and_no_other_surprise() -> None:
    fleet(2)
    change = pin()
    upgrade("web0", units=FAILED)
    upgrade("web1")
    told = raised()
    report("web0", packages=WEB, seq=3, units=FAILED)
    report("web1", packages=WEB, seq=3, units=WELL)
    assert states(change) == {"web0": "differs", "web1": "back"}
    report("web0", packages=WEB, seq=4, units=WELL)
    assert states(change) == {"web0": "back", "web1": "back"}
    words = "apache2 2.4.6-40 → 2.4.6-45 on an existing host; back to 2.4.6-40"
    assert Arrival.objects.get(host=host("web1")).words == words
    assert raised() == told
    report("web1", packages=NEWER, seq=5, units=WELL)
    assert states(change)["web1"] == "differs"


def test_a_host_goes_back_also_where_no_version_was_said() -> None:
    fleet(1)
    said = proposing.Expected("nothing", "nothing")
    change = proposing.propose(proposing.Proposal("Touch it", [("apache2", "")], said), by=BY)
    upgrade("web0")
    assert states(change) == {"web0": "differs"}
    report("web0", packages=WEB, seq=3, units=WELL)
    assert states(change) == {"web0": "back"}


def test_a_host_that_goes_on_to_a_third_version_has_not_gone_back() -> None:
    fleet(1)
    change = pin()
    upgrade("web0")
    third = (("apache2", "2.4.6-46", "amd64"), *WEB[1:])
    report("web0", packages=third, seq=3, units=WELL)
    assert states(change) == {"web0": "differs"}


def test_a_host_whose_units_are_well_again_is_back_until_they_fail_once_more() -> None:
    fleet(1)
    change = pin()
    upgrade("web0", units=FAILED)
    report("web0", packages=NEWER, seq=3, units=WELL)
    assert states(change) == {"web0": "back"}
    report("web0", packages=NEWER, seq=4, units=FAILED)
    assert states(change) == {"web0": "differs"}
    assert len(raised()) == 1
    words = Arrival.objects.get().words
    report("web0", packages=NEWER, seq=5, units=WELL)
    report("web0", packages=NEWER, seq=6, units=FAILED)
    assert Arrival.objects.get().words == words
    assert "2.4.6-45" in words, "what was told first is still told"


def test_what_comes_as_it_was_said_raises_nothing() -> None:
    fleet(2)
    change = pin(on_existing="version")
    upgrade("web0", "web1")
    report("web9", packages=NEWER)  # a new host that came with it

    assert states(change) == dict.fromkeys(("web0", "web1", "web9"), "as_said")
    assert Arrival.objects.get(host__name="web9").is_new
    assert raised() == []


GROUPS = grouping.read("first: host web0, soak 30 min\nsecond: host web1\nsome: share 40 %\nkept: host *9, aside")


def test_each_group_is_where_its_hosts_are_and_one_kept_aside_stays_so() -> None:
    fleet(20)
    said = proposing.Expected("version", "version")
    draft = proposing.Proposal("Newer", [("apache2", "2.4.6-45")], said, groups=GROUPS)
    change = proposing.propose(draft, by=BY)
    upgrade("web0")
    now_ = rolling.rolling(progress.Progress(queries.change(change.pk)))
    order = grouping.in_order(GROUPS)
    expected = Counter[str]()
    for one in Host.objects.all():
        facts = {"number": one.pk, "host": one.name, "cluster": one.cluster, "role": one.role}
        expected[next((group.name for group in order if group.fits(**facts)), "all others")] += 1  # type: ignore[arg-type]  # by name

    assert Counter({one.group.name: one.counts.total for one in now_}) == expected
    assert {one.group.name: one.look(now())[1] for one in now_}["first"] == "Soaks"
    assert {one.group.name: one.look(now())[1] for one in now_}["kept"] == "Kept aside"
    assert not any(one.early for one in now_)

    upgrade("web9", *(f"web{number}" for number in range(1, 9)))
    later = {one.group.name: one for one in rolling.rolling(progress.Progress(queries.change(change.pk)))}
    assert later["kept"].look(now())[1] == "Reached, although kept aside"
    assert raised() == ["apache2 2.4.6-40 → 2.4.6-45 on a host that is kept aside"]
    upgrade("web19", units=FAILED)
    assert [one.kind for one in change.surprises.order_by("pk")] == ["aside", "unit"]
    assert later["second"].early


def test_a_host_that_was_not_meant_is_not_judged() -> None:
    fleet(1)
    change = pin(clusters=("west",))
    upgrade("web0")
    assert states(change) == {}
    change.refresh_from_db()
    assert change.state == Change.State.PROPOSED


def test_a_run_that_did_nothing_is_as_said_once_the_change_has_begun() -> None:
    fleet(2)
    change = pin()
    one = Observation(host("web0").pk, now(), now(), outcome=Outcome.UNCHANGED)
    watching.watch([one])
    assert states(change) == {}
    proposing.turn(change, "under_way", actor="raglan")
    watching.watch([one, one])
    assert states(change) == {"web0": "as_said"}


def test_the_same_move_on_several_hosts_is_a_change_that_nobody_announced() -> None:
    fleet(5)
    upgrade("web0", "web1")
    assert not Change.objects.exists()
    upgrade("web2")
    found = Change.objects.get()
    assert (found.title, found.is_found, found.author) == ("apache2 2.4.6-40 → 2.4.6-45", True, None)
    upgrade("web3", units=FAILED)

    assert states(found) == {"web0": "open", "web1": "open", "web2": "open", "web3": "differs"}
    assert Change.objects.count() == 1
    assert len(raised()) == 1


def test_what_moves_slowly_or_was_announced_is_none_that_nobody_announced() -> None:
    fleet(6)
    for name in ("web0", "web1", "web2"):
        upgrade(name)
        CLOCK.move(timedelta(minutes=6))
    assert not Change.objects.exists()
    pin(on_existing="version")
    upgrade("web3", "web4", "web5")
    assert Change.objects.filter(is_found=True).count() == 0


def test_a_change_that_no_further_host_takes_is_over_by_itself() -> None:
    fleet(6)
    upgrade("web0", "web1", "web2")
    pinned = proposing.propose(proposing.Proposal("Flag", expected=proposing.Expected("nothing", "nothing")), by=BY)
    proposing.turn(pinned, "under_way", actor="raglan")
    found = Change.objects.get(is_found=True)
    world.fast_forward(timedelta(hours=20))
    upgrade("web3")
    world.fast_forward(timedelta(hours=20))
    found.refresh_from_db()
    assert found.state == Change.State.UNDER_WAY
    world.fast_forward(timedelta(hours=5))
    found.refresh_from_db()
    assert (found.state, found.state_words) == (Change.State.DONE, "No further host took it for 1 day.")
    proposing.turn(found, "under_way", actor="raglan")  # it is not over
    world.fast_forward(timedelta(hours=20))
    found.refresh_from_db()
    assert found.state == Change.State.UNDER_WAY
    world.fast_forward(timedelta(days=7))
    pinned.refresh_from_db()
    assert pinned.state == Change.State.DONE


def test_a_change_that_was_let_go_on_is_over_when_nothing_came_since_then() -> None:
    fleet(2)
    change = proposing.turn(pin(on_existing="version"), "under_way", actor="raglan")
    proposing.turn(change, "stopped", actor="raglan")
    world.fast_forward(timedelta(days=6))
    proposing.turn(change, "under_way", actor="raglan")
    upgrade("web0")
    proposing.turn(change, "done", actor="raglan")
    world.fast_forward(timedelta(days=9))
    proposing.turn(change, "under_way", actor="raglan")
    world.fast_forward(timedelta(days=6))
    upgrade("web1")
    change.refresh_from_db()
    assert (change.state, Arrival.objects.filter(change=change).count()) == ("under_way", 2)
    world.fast_forward(timedelta(days=7, minutes=1))
    change.refresh_from_db()
    assert change.state == Change.State.DONE


def test_many_packages_that_move_together_are_one_change() -> None:
    more = tuple((f"lib{number}", "2", "amd64") for number in range(60))
    names = fleet(3)
    old = [(name, "1", arch) for name, _, arch in more]
    take_reports([received(name, packages=(*WEB, *old), seq=2) for name in names])
    Change.objects.all().delete()
    take_reports([received(name, packages=(*WEB, *more), seq=3) for name in names])
    assert Change.objects.get().title == "lib0 1 → 2 and 59 more"
    assert ChangePackage.objects.count() == proposing.MOST_PACKAGES


def test_a_batch_of_many_hosts_takes_as_many_queries_as_one_of_few() -> None:
    fleet(40)
    pin()

    def queries(*names: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            upgrade(*names, units=FAILED)
        return len(seen)

    for name in ("web0", "web1"):  # with the second one it is known to be under way
        queries(name)
    few = queries("web2", "web3")
    assert queries(*(f"web{number}" for number in range(4, 40))) == few


def test_of_many_open_changes_only_those_are_read_that_are_new() -> None:
    for _ in range(3):
        pin()
    open_changes.open_changes()
    newest = pin()
    with CaptureQueriesContext(connection) as seen:
        found = open_changes.open_changes()
    assert found[0].change == newest
    assert len(found) == 4
    read = [query["sql"] for query in seen if "changes_changepackage" in query["sql"]]
    assert len(read) == 1
    assert f"IN ({newest.pk})" in read[0]


def test_a_run_that_went_well_costs_one_look_unless_nothing_was_expected() -> None:
    fleet(1)
    change = pin(on_existing="version")
    proposing.turn(change, "under_way", actor="raglan")
    went_well = [Observation(host("web0").pk, now(), now(), outcome=Outcome.UNCHANGED)]
    watching.watch(went_well)
    with CaptureQueriesContext(connection) as seen:
        watching.watch(went_well)
    assert len(seen) == 1
    proposing.turn(change, "done", actor="raglan")
    second = pin()
    proposing.turn(second, "under_way", actor="raglan")
    watching.watch(went_well)
    assert states(second) == {"web0": "as_said"}


def test_surprises_are_what_their_events_say() -> None:
    fleet(2)
    pin()
    names = ("change_id", "kind", "kinds", "host_id", "words", "at", "raised_at")

    def stored() -> replay.State:
        return {"surprises": replay.rows(Surprise, names)}

    def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
        if isinstance(said, SurpriseRaised):
            told = said.model_dump(include={"kinds", "words", "at", "raised_at"})
            ids = {"pk": said.surprise, "change_id": said.change, "host_id": said.host, "kind": said.difference}
            state["surprises"][said.surprise] = {**ids, **told}

    def act() -> None:
        upgrade("web0")
        upgrade("web1", units=FAILED)

    assert replay.differences(stored, tell, act) == {}
    assert Surprise.objects.count() == 2
    assert Host.objects.count() == 2


def test_of_a_proposal_of_which_nothing_came_that_is_said_and_it_is_over() -> None:
    old = pin()
    Timer.objects.all().delete()
    begun = pin()
    proposing.turn(begun, "under_way", actor="raglan")
    world.fast_forward(timedelta(days=13))
    old.refresh_from_db()
    assert old.state == Change.State.PROPOSED
    world.fast_forward(timedelta(days=2))
    new = pin()
    world.fire_all()
    for change in (old, begun, new):
        change.refresh_from_db()
    assert (old.state, old.state_words) == (
        Change.State.TAKEN_BACK,
        "Nothing came of it in 14 days. Propose it anew where it is still to come.",
    )
    assert (begun.state, new.state) == (Change.State.DONE, Change.State.PROPOSED)
    world.fast_forward(timedelta(days=15))
    new.refresh_from_db()
    assert new.state == Change.State.TAKEN_BACK


def test_one_that_is_older_than_as_many_as_are_watched_is_not_watched_and_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(world.person())
    monkeypatch.setattr(open_changes, "MOST_WATCHED", 2)
    old = pin()

    def said() -> tuple[bool, bool]:
        page = client.get(f"/changes/{old.pk}/").content.decode()
        return "Not watched any more" in page, client.get(f"/api/v1/changes/{old.pk}/progress").json()["watched"]

    newer = [pin(), pin()]
    assert said() == (True, False)
    assert [one.change for one in open_changes.open_changes()] == newer[::-1]
    proposing.turn(newer[0], "taken_back", actor="raglan")
    assert said() == (False, True)
    assert old in [one.change for one in open_changes.open_changes()]
    proposing.turn(old, "taken_back", actor="raglan")
    assert said() == (False, False)
