"""Screens and REST of runs, mirrors and pins."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.fleet import mirrors, sources
from raglan.fleet.mirror_models import Mirror, MirrorPackage, Pin
from raglan.fleet.ports import Outcome, StepTold
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.fleet.running import failed, take, told

pytestmark = pytest.mark.django_db


class Api:
    """A program with a token."""

    def __init__(self) -> None:
        _, secret = people.issue_token(None, name="t", scopes=["read", "respond", "configure"], days=1, actor="raglan")
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}").json()

    def send(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        send = getattr(self.client, method)
        answer = send(f"/api/v1{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


@pytest.fixture
def browser() -> Client:
    found = Client()
    found.force_login(world.person(role=Person.Role.MANAGER))
    return found


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def mirror() -> Mirror:
    made = mirrors.add(mirrors.Draft("Local", "apt", "http://127.0.0.1:9/"), actor="raglan")
    Mirror.objects.update(read_at=now(), count=2)
    for version, gone in (("2.4.6-40", now() - timedelta(hours=1)), ("2.4.6-45", None)):
        MirrorPackage.objects.create(
            mirror=made, name="httpd", version=version, first_seen_at=now() - timedelta(days=2), last_seen_at=gone
        )
    return made


def test_a_run_is_shown_with_what_failed_first_and_differences_folded(browser: Client) -> None:
    diff = StepTold("File[/etc/a]", Outcome.CHANGED, "content changed\n--- <script>\n+++ b")
    steps = (diff, StepTold("Service[httpd]", Outcome.FAILED, "would not start"))
    run = take(failed(steps=steps))
    text = page(browser, f"/hosts/runs/{run.pk}/")
    assert text.index("Service[httpd]") < text.index("File[/etc/a]")
    assert "<pre" in text
    assert "--- &lt;script&gt;" in text
    assert "2.4.6-40 → 2.4.6-45" in text
    take(told("r2", Outcome.REHEARSED, name="web18"))
    assert "Rehearsed" in page(browser, "/hosts/runs/")
    assert '<a href="?">Show all runs</a>' in page(browser, "/hosts/runs/?outcome=changed")
    assert "web18" not in page(browser, "/hosts/runs/?outcome=failed")
    assert "Chef" in page(browser, f"/hosts/{run.host_id}/runs/")
    assert browser.get("/hosts/runs/99/").status_code == 404


def test_runs_are_given_by_rest() -> None:
    run = take(failed())
    take(told("r2", name="web18"))
    api = Api()
    assert [one["key"] for one in api.get(f"/runs?host={run.host_id}")] == ["r1"]
    assert [one["outcome"] for one in api.get("/runs?outcome=failed")] == ["failed"]
    found = api.get(f"/runs/{run.pk}")
    assert found["steps"] == [
        {"name": "Service[httpd]", "outcome": "failed", "line": "could not be started", "more": ""}
    ]
    assert found["moves"][0]["old"] == "2.4.6-40"


def test_lost_pins_come_first_and_a_version_can_be_looked_up(browser: Client) -> None:
    mirror()
    answer = browser.post("/changes/mirrors/pins/", {"role": "web", "pins": "httpd 2.4.6-40\nopenssl 3"})
    assert answer.status_code == 302, answer.content
    assert "No mirror has httpd 2.4.6-40 of web any more" in page(browser, "/changes/")
    text = page(browser, "/changes/mirrors/?package=httpd&version=2.4.6-45")
    assert "A fresh host would fail its first run" in text
    assert "Two-way door" in text
    assert "there last" in page(browser, "/changes/mirrors/local/")
    assert "httpd 2.4.6-40" in page(browser, "/changes/mirrors/pins/?role=web")
    unseen = browser.post("/changes/mirrors/pins/", {"role": "web", "pins": "nginx 1.2\nopenssl 4"})
    assert (unseen.status_code, unseen.context["form"]["pins"].value()) == (422, "nginx 1.2\nopenssl 4\nhttpd 2.4.6-40")
    assert "web has pins already" in unseen.content.decode()
    assert 'action="?role=web"' in unseen.content.decode()
    assert "openssl 3" in page(browser, "/changes/mirrors/pins/?role=web")
    assert browser.post("/changes/mirrors/pins/", {"role": "web", "pins": ""}).status_code == 422
    wrong = browser.post("/changes/mirrors/pins/", {"role": "web", "pins": "httpd"})
    assert (wrong.status_code, Pin.objects.count()) == (422, 2)
    assert browser.post("/changes/mirrors/pins/?role=web", {"role": "web", "pins": ""}).status_code == 302
    assert not Pin.objects.exists()


def test_all_that_went_and_came_can_be_seen(browser: Client) -> None:
    found, at = mirror(), now()
    rows = [
        MirrorPackage(mirror=found, name=f"{word}{number:03}", version="1", first_seen_at=at, last_seen_at=last)
        for word, last in (("went", at), ("came", None))
        for number in range(140)
    ]
    MirrorPackage.objects.bulk_create(rows)
    text = page(browser, "/changes/mirrors/local/")
    assert ("went000" in text, "went139" in text, "came139" in text) == (True, False, False)
    assert 'href="?show=went"' in text
    last = page(browser, "/changes/mirrors/local/?show=went&page=2")
    assert ("went139" in last, "came000" in last) == (True, False)
    assert "came139" in page(browser, "/changes/mirrors/local/?show=came&page=2")


def test_how_many_more_pins_are_lost_is_said(browser: Client) -> None:
    lost = [Pin(role="web", name=f"p{number:02}", version="1", set_at=now(), lost_since=now()) for number in range(23)]
    Pin.objects.bulk_create(lost)
    text = page(browser, "/changes/")
    assert ("p19 1 of web" in text, "p20 1 of web" in text) == (True, False)
    assert "and 3 others any more" in text


def test_a_mirror_is_named_and_ended_on_its_screens(browser: Client) -> None:
    given = {"name": "Yum", "kind": "yum", "address": "http://127.0.0.1:9/x", "every_min": "5"}
    assert browser.post("/changes/mirrors/new/", {**given, "address": "ftp://x"}).status_code == 422
    assert browser.post("/changes/mirrors/new/", given).status_code == 302
    assert Mirror.objects.get().every_min == 5
    assert 'value="http://127.0.0.1:9/x"' in page(browser, "/changes/mirrors/yum/edit/")
    moved = {**given, "kind": "apt", "name": "Ours"}
    wrong = browser.post("/changes/mirrors/yum/edit/", {**moved, "address": "ftp://x"})
    assert (wrong.status_code, 'value="ftp://x"' in wrong.content.decode()) == (422, True)
    assert browser.post("/changes/mirrors/yum/edit/", moved).status_code == 302
    assert (Mirror.objects.get().name, Mirror.objects.get().kind) == ("Ours", "yum")
    assert browser.post("/changes/mirrors/yum/act/", {"do": "read"}).status_code == 302
    assert browser.post("/changes/mirrors/yum/act/", {"do": "end"}).status_code == 302
    assert "No mirror is read" in page(browser, "/changes/mirrors/")


def test_mirrors_and_pins_by_rest() -> None:
    api = Api()
    mirror()
    made = api.send("post", "/mirrors", {"name": "Yum", "kind": "yum", "address": "http://127.0.0.1:9/x"}, status=201)
    assert (made["slug"], made["scheme"]) == ("yum", "rpm")
    api.send("post", "/mirrors/yum/read", {}, status=202)
    given = {"name": "Yum", "kind": "yum", "address": "http://127.0.0.1:9/y"}
    assert api.send("put", "/mirrors/yum", given)["address"] == "http://127.0.0.1:9/y"
    assert api.send("put", "/mirrors/yum", {**given, "kind": "apt"}, status=422)["field"] == "kind"
    (lost,) = api.send("put", "/pins", {"role": "web", "pins": {"httpd": "2.4.6-40"}})
    assert (lost["is_lost"], lost["newest"]) == (True, "2.4.6-45")
    assert api.get("/pins?role=db") == []
    way = api.get("/way-back?package=httpd&version=2.4.6-40")
    assert (way["door"], way["places"][0]["mirror"]) == ("one_way", "local")
    assert way["age_s"] >= 0
    assert [one["slug"] for one in api.get("/mirrors")] == ["local", "yum"]


def test_a_host_shows_its_last_runs(browser: Client) -> None:
    run = take(failed())
    text = page(browser, f"/hosts/{run.host_id}/")
    assert f'href="/hosts/runs/{run.pk}/"' in text


def test_plugins_are_fetched_where_their_source_is(browser: Client) -> None:
    sources.create_source(name="Plays", slug="plays", kind="ansible", actor="raglan")
    assert 'href="/setup/plugins/ansible/raglan.py"' in page(browser, "/setup/hosts/source/plays/")
    assert "class CallbackModule" in page(browser, "/setup/plugins/ansible/raglan.py")
    assert "def returner(" in page(browser, "/setup/plugins/salt/raglan.py")
    assert browser.get("/setup/plugins/cobbler/raglan.py").status_code == 404
