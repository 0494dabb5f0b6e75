"""PagerDuty's Events API as a whole: what comes in by it, and where it shows."""

import pytest
from django.test import Client

from raglan.alerts.models import Alert
from raglan.changes.models import Change
from raglan.core.clock import now
from raglan.people.models import Person
from tests.integrations.doorstep import knock, make, said

pytestmark = pytest.mark.django_db
TRIGGER: dict[str, object] = {
    "event_action": "trigger",
    "dedup_key": "httpd/web-014",
    "client": "Check runner",
    "client_url": "https://runner.example.test/runs/881",
    "links": [
        {"href": "https://wiki.example.test/httpd", "text": "Runbook"},
        {"href": "javascript:alert(1)", "text": "no"},
        {"href": "https://wiki.example.test/other", "text": "Runbook"},
        "nothing",
    ],
    "images": [{"src": "https://graphs.example.test/1.png", "href": "https://graphs.example.test/1", "alt": "Load"}],
    "payload": {
        "summary": "Apache is not running",
        "source": "web-014",
        "severity": "critical",
        "custom_details": {"exit status": 1, "processes": ["httpd", {"pid": 7}], "note": "javascript:alert(2)"},
    },
}


@pytest.fixture
def token() -> str:
    """The key of a source."""
    return make("pagerduty")[1]


@pytest.fixture
def browser() -> Client:
    """A viewer's browser."""
    client = Client()
    client.force_login(Person.objects.create_person("v@example.test", "Vera Nolte", role=Person.Role.VIEWER))
    return client


def test_links_images_and_the_client_show_on_the_alert(token: str, browser: Client) -> None:
    assert knock("POST", "/v2/enqueue", {"routing_key": token, **TRIGGER}).status == 202

    html = browser.get(f"/alerts/{Alert.objects.get().pk}/").content.decode()
    for address in ("wiki.example.test/httpd", "wiki.example.test/other", "graphs.example.test/1.png"):
        assert f'<a href="https://{address}" rel="noopener noreferrer nofollow">' in html
    assert '<a href="https://runner.example.test/runs/881" rel="noopener noreferrer nofollow">Check runner</a>' in html
    assert "image: Load" in html
    assert 'href="javascript' not in html
    assert "<img" not in html.split("<main", 1)[1]
    assert "pid" in html


def test_a_change_is_kept_and_shows_beside_the_alert(token: str, browser: Client) -> None:
    change = {
        "routing_key": token,
        "payload": {
            "summary": "Deploy web 1.2.3",
            "timestamp": now().isoformat(),
            "source": "ci",
            "custom_details": {"sha": "abc", "by": {"name": "Mara"}},
        },
        "links": [{"href": "https://ci.example.test/1", "text": "build"}, {"href": "data:x"}],
    }
    for _ in range(2):
        answer = knock("POST", "/v2/change/enqueue", change)
        assert (answer.status, said(answer)["status"]) == (202, "success")
    knock("POST", "/v2/enqueue", {"routing_key": token, **TRIGGER})

    kept = Change.objects.get()
    assert (kept.title, kept.origin, kept.details["sha"]) == ("Deploy web 1.2.3", "ci", "abc")
    assert kept.links == [{"href": "https://ci.example.test/1", "text": "build"}]
    alert = Alert.objects.get()
    for address in (f"/alerts/{alert.pk}/", f"/alerts/groups/{alert.group_id}/"):
        html = browser.get(address).content.decode()
        assert "What changed in the day before" in html
        assert "Deploy web 1.2.3" in html
    assert Alert.objects.count() == 1


def test_two_changes_without_a_time_are_two(token: str) -> None:
    for _ in range(2):
        knock("POST", "/v2/change/enqueue", {"routing_key": token, "payload": {"summary": "Switched the feature on"}})

    assert Change.objects.count() == 2


@pytest.mark.parametrize("payload", [None, [], {}, {"summary": ""}, {"summary": 7}, {"summary": "x", "timestamp": "!"}])
def test_a_change_that_can_not_be_read_is_refused(token: str, payload: object) -> None:
    answer = knock("POST", "/v2/change/enqueue", {"routing_key": token, "payload": payload})

    assert 400 <= answer.status < 500
    assert said(answer)["status"] == "invalid event"
    assert not Change.objects.exists()


def test_version_one_triggers_and_resolves(token: str) -> None:
    path = "/generic/2010-04-15/create_event.json"
    event = {"service_key": token, "event_type": "trigger", "description": "Disk full", "details": {"free": "0 %"}}
    answer = knock("POST", path, {**event, "contexts": [{"type": "link", "href": "https://x.test/", "text": "Graph"}]})
    key = said(answer)["incident_key"]

    assert (answer.status, Alert.objects.get().annotations) == (200, {"link: Graph": "https://x.test/", "free": "0 %"})
    knock("POST", path, {"service_key": token, "event_type": "resolve", "incident_key": key})
    assert Alert.objects.get().state == Alert.State.RESOLVED
    assert token not in str(list(Alert.objects.get().signals.values()))


@pytest.mark.parametrize("change", [{"event_type": "x"}, {"description": ""}, {"incident_key": 1}])
def test_version_one_names_what_is_wrong(token: str, change: dict[str, object]) -> None:
    event = {"service_key": token, "event_type": "trigger", "description": "Disk full", **change}
    answer = knock("POST", "/generic/2010-04-15/create_event.json", event)

    assert 400 <= answer.status < 500
    assert said(answer)["field"] == next(iter(change))
