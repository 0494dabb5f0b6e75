"""Screens and REST of holds."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.changes import hearing, hold_queries, holding, named
from raglan.changes.gate import Reach
from raglan.changes.hold_models import Freeze, Hold
from raglan.changes.models import Change, ChangePackage
from raglan.core.clock import now
from raglan.fleet import taking
from raglan.fleet.models import Host
from raglan.incidents.models import Incident, IncidentGroup
from raglan.testing import world
from tests.fleet.reporting import received

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """A responder at a browser."""
    client = Client()
    client.force_login(world.person("Mara Keller"))
    return client


def raised(name: str = "httpd", reach: Reach | None = None, *, is_drill: bool = False) -> Hold:
    ends_at = now() + timedelta(minutes=25 if is_drill else 60)
    draft = holding.HoldDraft(name, "httpd fails", ends_at, reach or Reach(), is_drill=is_drill)
    return holding.raise_hold(draft, by=holding.By("Mara Keller", "raglan"))


def host(name: str, cluster: str) -> Host:
    at = now() - timedelta(minutes=5)
    return Host.objects.create(key=f"/{name}", name=name, cluster=cluster, first_heard_at=at, last_heard_at=at)


def test_a_hold_on_a_change_is_for_its_packages(browser: Client) -> None:
    at = now()
    change = Change.objects.create(key="k", title="Apache 2.4.6-45", told_by="x", at=at, received_at=at)
    ChangePackage.objects.create(change=change, name="httpd")
    form = browser.get(f"/changes/holds/new/?change={change.pk}&cluster=fra1").content.decode()
    assert 'value="httpd"' in form
    assert 'value="fra1"' in form
    assert 'value="stop Apache 2.4.6-45"' in form
    assert f'value="change:{change.pk}"' in form


def test_a_hold_is_raised_and_shown_with_who_has_asked_and_who_has_not(browser: Client) -> None:
    for name, cluster in (("web1", "FRA1"), ("web2", "fra1"), ("web3", "ams2")):
        host(name, cluster)
    said = {"name": "stop httpd", "reason": "httpd fails", "hours": "2", "clusters": "fra1, fra2"}
    answer = browser.post("/changes/holds/new/", said)
    hold = Hold.objects.get()
    assert (answer["Location"], hold.clusters) == (f"/changes/holds/{hold.pk}/", ["fra1", "fra2"])
    for name in ("web1", "elsewhere"):
        hearing.heard(name, ["stop httpd"], "stop", now())
    page = browser.get(f"/changes/holds/{hold.pk}/").content.decode()
    for words in ("2 hosts known that it is for", "not known to the fleet", "web2", "No drill yet"):
        assert words in page
    assert "web3" not in page
    assert '<a href="/hosts/?q=web2"><b>web2</b></a>' in page
    assert "stop httpd" in browser.get("/").content.decode()
    assert "stop httpd" in browser.get("/changes/holds/").content.decode()
    call = browser.get(f"/api/v1/holds/{hold.pk}/heard").json()
    assert [(one["host"], one["went_on"]) for one in call["untold"]] == [("web2", False)]
    Host.objects.filter(name="web2").update(gate_answer="go", gate_asked_at=now() + timedelta(minutes=2))
    assert "Went on" in browser.get(f"/changes/holds/{hold.pk}/").content.decode()


def test_names_with_spaces_stand_in_quotes(browser: Client) -> None:
    said = {"name": "stop", "reason": "httpd fails", "hours": "2", "tags": '"front row", canary'}
    wrong = browser.post("/changes/holds/new/", said | {"tags": '"front row'})
    assert wrong.status_code == 422
    assert "A quote that begins a name ends it, too" in wrong.content.decode()
    path = browser.post("/changes/holds/new/", said)["Location"]
    hold = Hold.objects.get()
    assert hold.tags == ["front row", "canary"]
    assert "tags “front row”, canary" in browser.get(path).content.decode()
    through = {"do": "through", "kind": "tag", "name": '"front row"', "reason": "they look", "hours": "1"}
    assert browser.post(path, through).status_code == 302
    assert hold_queries.exceptions_of(hold)[0].name == "front row"
    made = browser.post(
        "/api/v1/holds",
        {"name": "rest", "reason": "x", "ends_at": (now() + timedelta(hours=1)).isoformat(), "tags": ["front row"]},
        content_type="application/json",
    )
    assert (made.status_code, made.json()["tags"]) == (201, ["front row"])


def test_names_with_commas_stand_in_quotes(browser: Client) -> None:
    said = {"name": "stop", "reason": "httpd fails", "hours": "2", "tags": '"rack 4, left", canary', "roles": '"a,b"'}
    again = browser.post("/changes/holds/new/", said | {"reason": ""})
    assert again.status_code == 422
    assert 'value="&quot;rack 4, left&quot;, canary"' in again.content.decode()
    wrong = browser.post("/changes/holds/new/", said | {"packages": '"a,b"'})
    assert (wrong.status_code, "no spaces and no commas" in wrong.content.decode()) == (422, True)
    path = browser.post("/changes/holds/new/", said)["Location"]
    hold = Hold.objects.get()
    assert (hold.tags, hold.roles) == (["rack 4, left", "canary"], ["a,b"])
    assert "role “a,b”; tags “rack 4, left”, canary" in browser.get(path).content.decode()
    assert named.read("“rack 4, left”, canary") == ("rack 4, left", "canary")
    for kind, name in (("tag", '"rack 4, left"'), ("role", "a,b"), ("host", "web,1")):
        through = {"do": "through", "kind": kind, "name": name, "reason": "they look", "hours": "1"}
        assert browser.post(path, through).status_code == 302
    assert {one.name for one in hold_queries.exceptions_of(hold)} == {"rack 4, left", "a,b", "web,1"}
    until = (now() + timedelta(hours=1)).isoformat()
    body = {"name": "rest", "reason": "x", "ends_at": until, "clusters": ["fra, 1"], "tags": ["rack 4, left"]}
    made = browser.post("/api/v1/holds", body, content_type="application/json")
    assert (made.status_code, made.json()["clusters"]) == (201, ["fra, 1"])
    through = {"kind": "host", "name": "web,1", "reason": "by hand"}
    answer = browser.post(f"/api/v1/holds/{hold.pk}/exceptions", through, content_type="application/json")
    assert answer.status_code == 201
    freeze = {"name": "weekend", "reason": "x", "first": f"{now():%Y-%m-%d}", "start": "16:00", "hours": "2"}
    freeze |= {"zone": "Europe/Berlin", "days": ["4"], "environments": '"pro, d"'}
    assert browser.post("/changes/holds/freeze/", freeze).status_code == 302
    assert Freeze.objects.get().environments == ["pro, d"]


def test_of_many_holds_each_can_be_seen(browser: Client) -> None:
    at = now()
    for number in range(60):
        draft = holding.HoldDraft(f"h{number:02}", "x", at + timedelta(hours=2), starts_at=at + timedelta(hours=1))
        holding.raise_hold(draft, by=holding.By("Mara Keller", "raglan"))
    coming = browser.get("/changes/holds/").content.decode()
    assert all(f"<b>h{number:02}</b>" in coming for number in range(60))
    world.fast_forward(timedelta(hours=3))
    first, last = (browser.get(f"/changes/holds/?page={page}").content.decode() for page in (1, 2))
    assert ("<b>h59</b>" in first, "<b>h00</b>" in first, "<b>h00</b>" in last) == (True, False, True)
    told = browser.get("/api/v1/holds?state=over&skip=58").json()
    assert [one["name"] for one in told] == ["h01", "h00"]


def test_of_many_hosts_each_can_be_seen(browser: Client) -> None:
    hold = raised()
    hearing.heard("solo", ["httpd"], "stop", now())
    few = browser.get(f"/changes/holds/{hold.pk}/").content.decode()
    assert "All that" not in few
    for number in range(250):
        host(f"web{number:03}", "fra1")
    for number in range(60):
        hearing.heard(f"web{number:03}", ["httpd"], "stop", now())
    Host.objects.filter(name="web249").update(gate_answer="go", gate_asked_at=now() + timedelta(minutes=2))

    page, all_of = browser.get(f"/changes/holds/{hold.pk}/").content.decode(), f"/changes/holds/{hold.pk}/hosts/"
    assert f'<a class="small" href="{all_of}">All that have heard of it</a>' in page
    assert f'<a class="small" href="{all_of}?which=untold">All that were not told</a>' in page
    heard = browser.get(all_of).content.decode()
    assert "61 hosts" in heard
    assert all(f"<b>web{number:03}</b>" in heard for number in range(60))
    first, last = (browser.get(f"{all_of}?which=untold&page={number}").content.decode() for number in (1, 2))
    assert "190 hosts, 1 to 100 shown" in first
    assert first.index("<b>web249</b>") < first.index("<b>web060</b>") < first.index("<b>web158</b>")
    assert "<b>web159</b>" not in first
    assert all(f"<b>web{number}</b>" in last for number in range(159, 249))
    call = browser.get(f"/api/v1/holds/{hold.pk}/heard?skip=180&limit=50").json()
    assert [one["host"] for one in call["untold"]] == [f"web{number}" for number in range(239, 249)]
    assert call["heard"] == []


def test_a_hold_is_extended_excepted_and_lifted(browser: Client) -> None:
    hold = raised()
    path = f"/changes/holds/{hold.pk}/"
    assert browser.post(path, {"do": "extend", "hours": "8", "version": "1"}).status_code == 302
    assert browser.post(path, {"do": "extend", "hours": "8", "version": "1"}).status_code == 422
    through = {"do": "through", "kind": "role", "name": "db", "reason": "they look", "hours": "1"}
    assert browser.post(path, through).status_code == 302
    for name in ("'front row'", '"front row', "“front row"):
        refused = browser.post(path, {**through, "kind": "tag", "name": name})
        assert (refused.status_code, "or in double quotes" in refused.content.decode()) == (422, True)
    exception = hold_queries.exceptions_of(hold)[0]
    assert browser.post(f"{path}exceptions/{exception.pk}/end/").status_code == 302
    assert browser.post(path, {"do": "lift", "word": ""}).status_code == 422
    assert browser.post(path, {"do": "lift", "word": "fixed"}).status_code == 302
    hold.refresh_from_db()
    assert (hold.lift_word, hold.lifted_by, hold.version) == ("fixed", "Mara Keller", 3)
    assert browser.get(path).status_code == 200


def test_a_wrong_form_keeps_what_was_written(browser: Client) -> None:
    raised("taken")
    answer = browser.post("/changes/holds/new/", {"name": "taken", "reason": "because", "hours": "2"})
    assert answer.status_code == 422
    assert "because" in answer.content.decode()


def test_drills_and_freezes(browser: Client) -> None:
    drill = {"name": "drill", "reason": "we practise", "minutes": "10", "roles": "web"}
    assert browser.post("/changes/holds/drill/", drill).status_code == 302
    assert Hold.objects.get().is_drill
    first = (now() + timedelta(days=3)).date().isoformat()
    freeze = {"name": "weekend", "reason": "nobody is there", "first": first, "start": "16:00", "hours": "62.5"}
    answer = browser.post("/changes/holds/freeze/", {**freeze, "zone": "Europe/Berlin", "days": ["4"]})
    assert answer.status_code == 302
    assert "each Fri" in browser.get("/changes/holds/").content.decode()
    made = Freeze.objects.get()
    assert made.minutes == 3750
    assert browser.get("/api/v1/freezes").json()[0]["ends_for_good_at"] is None
    assert "ends for good on" not in browser.get("/changes/holds/").content.decode()
    Freeze.objects.update(days=list(range(7)), minutes=24 * 60)  # as it could be planned once
    assert browser.get("/api/v1/freezes").json()[0]["ends_for_good_at"]
    assert "ends for good on" in browser.get("/changes/holds/").content.decode()
    browser.post(f"/changes/holds/freeze/{made.pk}/end/")
    assert hold_queries.freezes().count() == 0


def test_rest_does_what_the_screens_do(browser: Client) -> None:
    ends_at = (now() + timedelta(hours=1)).isoformat()
    body = {"name": "httpd", "reason": "it fails", "ends_at": ends_at, "roles": ["web"]}
    made = browser.post("/api/v1/holds", body, content_type="application/json").json()
    assert (made["state"], made["roles"], made["hosts"]) == ("on", ["web"], 0)
    path = f"/api/v1/holds/{made['id']}"
    later = {"ends_at": (now() + timedelta(hours=2)).isoformat(), "version": 1}
    assert browser.put(path, later, content_type="application/json").json()["version"] == 2
    through = {"kind": "host", "name": "web1", "reason": "test host"}
    exception = browser.post(f"{path}/exceptions", through, content_type="application/json").json()
    assert browser.delete(f"{path}/exceptions/{exception['id']}").status_code == 200
    assert browser.post(f"{path}/lift", {"word": "fixed"}, content_type="application/json").json()["state"] == "over"
    first = (now() + timedelta(days=3)).date().isoformat()
    freeze = {"name": "x", "reason": "y", "zone": "UTC", "first": first, "start": "10:00", "minutes": 60}
    wrong = browser.post("/api/v1/freezes", {**freeze, "start": "00:00:00Z"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "start")
    made = browser.post("/api/v1/freezes", freeze, content_type="application/json").json()
    assert [one["state"] for one in browser.get("/api/v1/holds").json()] == ["coming", "over"]
    assert browser.delete(f"/api/v1/freezes/{made['id']}").json()["ended_at"]
    assert browser.get("/api/v1/freezes").json() == []


def test_a_severe_incident_suggests_a_hold_and_raises_none(browser: Client) -> None:
    made = browser.post("/api/v1/incidents", {"title": "Slow", "severity": "sev1"}, content_type="application/json")
    room = f"/incidents/{made.json()['id']}/"
    assert "Is automation still running?" in browser.get(room).content.decode()
    assert Hold.objects.count() == 0
    hold = raised()
    page = browser.get(room).content.decode()
    assert "Is automation still running?" not in page
    assert f"/changes/holds/{hold.pk}/" in page


def test_a_hold_of_elsewhere_or_a_drill_leaves_the_suggestion_standing(browser: Client) -> None:
    made = browser.post("/api/v1/incidents", {"title": "Slow", "severity": "sev1"}, content_type="application/json")
    incident, asks = Incident.objects.get(pk=made.json()["id"]), "Is automation still running?"
    taking.take_reports([received("web1", host={"cluster": "East", "role": "web"})])

    def page() -> str:
        return browser.get(f"/incidents/{incident.pk}/").content.decode()

    lab = raised("lab", Reach(clusters=("lab",)))
    raised("practice", is_drill=True)
    assert asks in page()
    assert f"/changes/holds/{lab.pk}/" in page()
    world.ingest(world.source(), world.signal(alertname="Slow", host="web1"))
    IncidentGroup.objects.create(group=AlertGroup.objects.get(), incident=incident, joined_at=now())
    raised("web of west", Reach(("west",), ("web",)))
    raised("canaries", Reach(("east",), tags=("canary",)))
    assert asks in page()
    raised("web of east", Reach(("east",), ("web",)))
    assert asks not in page()
