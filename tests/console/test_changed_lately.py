"""What changed here lately: what is tied to an alert or an incident stands first, and each says why it is shown."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts.models import Alert, AlertGroup
from raglan.changes import actions
from raglan.changes.models import Change
from raglan.core.clock import now
from raglan.fleet import lately
from raglan.fleet.concern import Concern, of_labels, ties
from raglan.fleet.models import Host
from raglan.fleet.watch_models import Surprise
from raglan.incidents import actions as incidents
from raglan.people.models import Person
from raglan.testing import world
from tests.console.test_change_screens import fleet, forgotten, mara, pin, upgrade

pytestmark = pytest.mark.django_db
__all__ = ["forgotten", "mara"]


def told(title: str, *, hours: float = 1, **details: str) -> Change:
    at = now() - timedelta(hours=hours)
    return actions.record(actions.Told(title, at=at, details=details), told_by="ci", actor="raglan")


def named(**names: str) -> Concern:
    return Concern(**{kind: frozenset(words.split()) for kind, words in names.items()})


def test_what_labels_name() -> None:
    labels = {"alertname": "Slow", "instance": "Web1:9100", "job": "Checkout", "cluster": "east", "node": "10.0.0.7"}
    assert of_labels(labels) == named(services="checkout", hosts="web1 10.0.0.7", clusters="east")
    assert not of_labels({"alertname": "Slow", "job": " "})


@pytest.mark.parametrize(
    ("concern", "why"),
    [
        (named(services="graphs"), "hosts that have it carry graphs"),
        (named(hosts="east001 west9"), "it came to east001"),
        (named(hosts="east001.example.org"), "it came to east001"),
        (named(clusters="east"), "it came to hosts of east"),
        (named(hosts="east000", services="graphs"), "it came to east000; hosts that have it carry graphs"),
        (named(services="apache", clusters="we", hosts="ea"), ""),
    ],
)
def test_a_change_that_came_to_hosts_is_tied_by_them(mara: Person, concern: Concern, why: str) -> None:
    fleet(2)
    change = pin(mara)
    upgrade("east000", "east001")
    assert ties([change], concern) == ({change.pk: why} if why else {})


def test_a_change_of_which_only_words_are_known_is_tied_by_them() -> None:
    by_title, by_detail = told("Deploy checkout 1.4"), told("Pipeline passed", project="shop/checkout")
    part_of_a_word = told("Deploy checkout-next and precheckout")
    found = ties([by_title, by_detail, part_of_a_word], named(services="checkout"))
    assert found == {by_title.pk: "it names checkout", by_detail.pk: "it names checkout"}


def test_what_is_tied_comes_first_then_the_newest_and_all_say_why() -> None:
    told("Deploy search", hours=1)
    tied = told("Deploy checkout", hours=20)
    told("Deploy mail", hours=3)
    told("Deploy checkout of old", hours=30)
    found = lately.around(now(), named(services="checkout"))
    assert [one.change.title for one in found] == ["Deploy checkout", "Deploy search", "Deploy mail"]
    assert [one.why for one in found] == ["It names checkout.", lately.IN_TIME, lately.IN_TIME]
    assert [one.why for one in lately.around(now())] == ["", "", ""]
    for number in range(12):
        told(f"Deploy mail {number}", hours=0.5)
    assert lately.around(now(), named(services="checkout"))[0].change == tied


def test_what_is_tied_is_found_behind_many_others_and_where_it_looks_no_further_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tied = told("Deploy checkout", hours=5)
    for number in range(101):
        told(f"Push {number}", hours=1)
    found = lately.around(now(), named(services="checkout"))
    assert (found[0].change, found[0].why, found[1].why) == (tied, "It names checkout.", lately.IN_TIME)
    monkeypatch.setattr(lately, "MOST_LOOKED", 100)
    found = lately.around(now(), named(services="checkout"))
    assert {one.why for one in found} == {lately.NO_FURTHER}
    assert "Only the newest 2,000 changes were looked through." in lately.NO_FURTHER


def test_a_room_an_alert_and_its_group_show_what_is_tied_first_as_rest_does(client: Client, mara: Person) -> None:
    told("Deploy search", hours=1)
    told("Deploy checkout", hours=2)
    world.ingest(world.source(), world.signal(alertname="Slow", service="checkout"))
    group, alert = AlertGroup.objects.get(), Alert.objects.get()
    by_service = incidents.declare("It is slow", services=[world.service("checkout")], by=mara)
    by_alert = incidents.declare("It is slow too", by=mara)
    incidents.join_groups(by_alert, [group], by=mara)
    for screen, asked in (
        (f"/incidents/{by_service.pk}/", f"incident_id={by_service.pk}"),
        (f"/incidents/{by_alert.pk}/", f"incident_id={by_alert.pk}"),
        (f"/alerts/groups/{group.pk}/", f"group_id={group.pk}"),
        (f"/alerts/{alert.pk}/", f"alert_id={alert.pk}"),
    ):
        page = client.get(screen).content.decode()
        assert page.index("Deploy checkout") < page.index("It names checkout.") < page.index("Deploy search"), screen
        listed = client.get(f"/api/v1/changes/lately?{asked}").json()
        assert [(one["title"], one["tied"]) for one in listed] == [("Deploy checkout", True), ("Deploy search", False)]
    plain = client.get("/api/v1/changes/lately").json()
    assert [one["title"] for one in plain] == ["Deploy search", "Deploy checkout"]
    assert client.get("/api/v1/changes/lately?alert_id=1&group_id=1").status_code == 422
    assert client.get(f"/api/v1/changes/lately?group_id={group.pk + 9}").status_code == 404


def test_where_more_may_have_changed_than_is_shown_that_is_said(client: Client, mara: Person) -> None:
    world.ingest(world.source(), world.signal(alertname="Slow", service="checkout"))
    room = incidents.declare("It is slow", by=mara)
    screens = (f"/incidents/{room.pk}/", f"/alerts/groups/{AlertGroup.objects.get().pk}/")
    for number in range(10):
        assert [number > 5, False] == ["There may be more" in client.get(screen).content.decode() for screen in screens]
        told(f"Deploy {number}", hours=1)
    assert all("There may be more" in client.get(screen).content.decode() for screen in screens)


def test_a_room_about_nothing_known_says_so_of_what_changed_and_draws_no_change_that_is_over(
    client: Client, mara: Person
) -> None:
    fleet(2)
    change = pin(mara)
    upgrade("east000", "east001")
    host, at = Host.objects.get(name="east000"), now()
    Surprise.objects.create(change=change, kind="more", words="more came along", host=host, at=at, raised_at=at)
    about_nothing = incidents.declare("It is slow", by=mara)
    page = client.get(f"/incidents/{about_nothing.pk}/").content.decode()
    assert "The change, host by host" in page
    Change.objects.filter(pk=change.pk).update(state=Change.State.DONE)
    page = client.get(f"/incidents/{about_nothing.pk}/").content.decode()
    assert "The change, host by host" not in page
    assert "What changed here lately" not in page
    assert "What changed anywhere lately" in page
    assert "Nothing says yet what this incident is about." in page
    about_it = incidents.declare("It is slow", services=[world.service("graphs")], by=mara)
    page = client.get(f"/incidents/{about_it.pk}/").content.decode()
    assert "What changed here lately" in page
    assert "The change, host by host" in page
    assert "Nothing says yet" not in page
