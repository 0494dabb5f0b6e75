"""Screens and REST of hosts: found by name, cluster, role and state; each with what it runs."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from raglan.core.clock import CLOCK, now
from raglan.fleet import queries, silence, sources, tags, trying
from raglan.fleet.models import FleetSource, UnitTurn
from raglan.people.models import Person
from tests.fleet.reporting import NEWER, body, host, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """Somebody who may set up."""
    client = Client()
    client.force_login(Person.objects.create_person("mara@example.test", "Mara", role="manager"))
    return client


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def fleet() -> None:
    for seq in (1, 2, 3):
        report("web1", seq=seq, because="timer", host={"services": ["shop"], "tags": ["canary"]})
        report("db1", seq=seq, because="timer", host={"role": "db", "cluster": "west"})
        CLOCK.move(timedelta(minutes=10))


def test_hosts_are_found_by_what_they_are(browser: Client) -> None:
    fleet()
    CLOCK.move(timedelta(hours=1))
    report("web1", seq=4, packages=NEWER, units=[["apache2", "failed"]], host={"services": ["shop"]})
    silence.fall_silent()

    found = {
        address: (">web1<" in (text := text_of(browser, f"/hosts/?{address}")), ">db1<" in text)
        for address in (
            "",
            "q=EB",
            "cluster=west",
            "role=web",
            "state=silent",
            "state=failed",
            "service=shop",
            "q=none",
        )
    }
    assert found == {
        "": (True, True),
        "q=EB": (True, False),
        "cluster=west": (False, True),
        "role=web": (True, False),
        "state=silent": (False, True),
        "state=failed": (True, False),
        "service=shop": (True, False),
        "q=none": (False, False),
    }
    assert queries.numbers() == queries.Numbers(all=2, silent=1, failed=1, shared=0)


def test_it_is_said_how_many_of_all_hosts_are_found(browser: Client) -> None:
    fleet()
    assert "<b>1</b> found of" in text_of(browser, "/hosts/?q=web")
    assert "found of" not in text_of(browser, "/hosts/")


def test_of_very_many_names_each_can_still_be_asked_for(browser: Client) -> None:
    for number in range(4):
        report(f"web{number}", host={"tags": [f"tag{number}"], "cluster": f"c{number}"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "MOST_WORDS", 3)
        patch.setattr(tags, "MOST_KNOWN", 3)
        text = text_of(browser, "/hosts/?tag=tag3&cluster=c3")
    assert '<input id="tag" name="tag" value="tag3"' in text
    assert '<input id="cluster" name="cluster" value="c3"' in text
    assert '<option value="tag2">' in text
    assert "Some of them are offered" in text
    assert (">web3<" in text, ">web2<" in text) == (True, False)
    assert '<select id="tag"' in text_of(browser, "/hosts/?tag=tag3")
    assert '<option value="gone" selected>' in text_of(browser, "/hosts/?cluster=gone")


def test_pages_of_a_part_lead_to_whole_screens(browser: Client) -> None:
    for number in range(60):
        report(f"web{number:02}")
    assert 'href="?page=2"' in text_of(browser, "/hosts/?part=list")
    at, found = now(), host("web00")
    rows = [UnitTurn(host=found, name=f"unit{number:02}", state="failed", at=at) for number in range(30)]
    UnitTurn.objects.bulk_create(rows)
    first = text_of(browser, f"/hosts/{found.pk}/?part=lately")
    assert ("<b>unit29</b>" in first, "<b>unit09</b>" in first) == (True, False)
    assert 'href="?turns=2"' in first
    last = text_of(browser, f"/hosts/{found.pk}/?turns=2")
    assert "<b>unit09</b>" in last
    assert "?part=lately&amp;turns=2" in last


def test_of_very_many_copies_of_one_disk_it_is_said_how_many(browser: Client) -> None:
    for number in range(14):
        report(f"copy{number:02}", host={"machine": "same"}, boot=f"b{number}")
    text = text_of(browser, f"/hosts/{host('copy00').pk}/")
    assert ">copy11 (web)<" in text
    link = f"/hosts/?alike={host('copy00').pk}"
    assert f'<a href="{link}">2 more</a>' in text
    found = text_of(browser, link)
    assert all(f"<b>copy{number:02}</b>" in found for number in range(14))
    assert "<b>14</b> found of" in found
    assert len(browser.get(f"/api/v1{link.replace('/?', '?')}").json()) == 14


def test_a_host_shows_what_moved_what_failed_and_what_is_odd(browser: Client) -> None:
    fleet()
    report("web1", seq=4, packages=NEWER, units=[["apache2", "active"]])
    report("web1", seq=5, packages=NEWER, units=[["apache2", "failed"]], host={"system": "Debian 12"}, sent=4e9)
    text = text_of(browser, f"/hosts/{host().pk}/")

    for words in ("2.4.6-40 → 2.4.6-45", "active → failed", "Debian 12", "Its clock is", "openssl"):
        assert words in text, words
    assert "No package has that" in text_of(browser, f"/hosts/{host().pk}/?q=nothing")
    assert queries.versions_on([host("web1").pk, host("db1").pk], "apache2") == {
        host("web1").pk: "2.4.6-45",
        host("db1").pk: "2.4.6-40",
    }
    browser.post(f"/hosts/{host().pk}/retire/")
    assert "It is retired" in text_of(browser, f"/hosts/{host().pk}/")


def test_a_host_says_when_it_was_installed_and_its_services_started_and_what_it_keeps_aside(browser: Client) -> None:
    begun = int(now().timestamp()) - 7200
    units, started = [["apache2", "active"]], [["apache2", begun], ["odd", begun]]
    report("web1", units=units, started=started, aside=2, host={"installed": begun})
    text = text_of(browser, f"/hosts/{host().pk}/")
    assert "2 reports of it could not be stored." in text
    assert "<dt>Installed</dt>" in text
    assert ", started " in text
    told = browser.get(f"/api/v1/hosts/{host().pk}").json()
    assert told["aside"] == 2
    assert None not in (told["installed_at"], told["units"][0]["started_at"])
    report("web1", seq=2, units=units, started=started)
    assert "could not be stored" not in text_of(browser, f"/hosts/{host().pk}/")


def test_the_list_asks_the_same_few_things_however_many_hosts_there_are(browser: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries_made:
            text_of(browser, "/hosts/")
        return len(queries_made)

    report("web0")
    text_of(browser, "/hosts/")
    few = asked()
    for number in range(1, 12):
        report(f"web{number}")
    assert asked() == few <= 16


def test_a_source_is_made_its_token_shown_once_and_a_report_tried(browser: Client) -> None:
    made = browser.post("/setup/hosts/new/", {"name": "Web hosts", "kind": "hosts"})
    assert made.status_code == 201
    token = made.content.decode().partition("token = ")[2][:32]
    assert sources.source_by_token(token).slug == "web-hosts"

    page = "/setup/hosts/source/web-hosts/"
    assert token not in text_of(browser, page)
    tried = browser.post(f"{page}try/", {"body": body().decode()}).content.decode()
    assert "It would be taken." in tried
    assert "3 packages and 0 services" in tried
    wrong = browser.post(f"{page}try/", {"body": "{}"})
    assert (wrong.status_code, "It would be refused." in wrong.content.decode()) == (422, True)
    browser.post(f"{page}change/", {"what": "off"})
    assert FleetSource.objects.get().disabled_at is not None
    browser.post(f"{page}token/")
    assert FleetSource.objects.get().previous_digest


def test_a_report_that_is_tried_says_how_many_services_failed() -> None:
    source, _ = sources.create_source(name="Hosts", slug="hosts", kind="hosts", actor="raglan")
    failed = [[f"job{number}", "failed"] for number in range(7)]
    words = trying.try_report(source, body(units=failed)).words
    assert words[1].endswith("7 services, of which job0, job1, job2, job3, job4 and 2 more failed.")


def test_rest_does_what_the_screens_do(browser: Client) -> None:
    fleet()
    report("web1", seq=4, packages=NEWER, units=[["apache2", "failed"]])

    def get(path: str) -> object:
        answer = browser.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def send(path: str, data: object = None, method: str = "post") -> dict[str, object]:
        call = getattr(browser, method)
        answer = call(f"/api/v1{path}", json.dumps(data or {}), content_type="application/json")
        assert answer.status_code < 300, answer.content
        told: dict[str, object] = answer.json()
        return told

    pk = host("web1").pk
    assert [one["name"] for one in get("/hosts?role=web")] == ["web1"]  # type: ignore[attr-defined]  # JSON
    one = get(f"/hosts/{pk}")
    assert (one["carries"], one["units"][0]["state"]) == ([], "failed")  # type: ignore[index]  # JSON
    assert [move["new"] for move in get(f"/hosts/{pk}/moves")] == ["2.4.6-45"]  # type: ignore[attr-defined]  # JSON
    assert len(get(f"/hosts/{pk}/packages")) == 3  # type: ignore[arg-type]  # JSON
    assert get(f"/hosts/{pk}/turns") == []
    assert get("/hosts/numbers") == {"all": 2, "silent": 0, "failed": 1, "shared": 0}
    assert send(f"/hosts/{pk}/retire")["retired_at"]

    made = send("/fleet/sources", {"name": "Puppet", "slug": "puppet", "kind": "puppet"})
    assert str(made["token"]) in str(made["paste"])
    assert send("/fleet/sources/puppet/token")["token"] != made["token"]
    assert send("/fleet/sources/puppet/try", {"body": "{}"})["problem"]
    assert send("/fleet/sources/puppet/switch", {"is_on": False}, "put")["disabled_at"]
    assert get("/fleet/sources/puppet/payloads") == []
    assert [source["slug"] for source in get("/fleet/sources")] == ["puppet"]  # type: ignore[attr-defined]  # JSON
