"""What raglan-notify tells of Nagios and Icinga."""

import pytest

from raglan.alerts.models import Alert
from raglan.alerts.queries import notes
from raglan.paging.models import Page
from raglan.testing import world
from tests.integrations.doorstep import knock, make, said

pytestmark = pytest.mark.django_db
PROBLEM = {
    "type": "PROBLEM",
    "host": "db1",
    "service": "Disk /",
    "state": "CRITICAL",
    "output": "disk 95 percent; <b>rm -rf $(x)</b>",
    "notes_url": "https://wiki.example.test/disk",
    "at": "1795420226",
    "custom": {"runbook": "https://wiki.example.test/db", "rack": "7"},
}


@pytest.fixture
def path() -> str:
    """The address of a source."""
    world.administrator()
    return f"/integrations/{make('nagios')[1]}/nagios"


def test_a_problem_pages_and_its_recovery_ends_it(path: str) -> None:
    assert knock("POST", path, PROBLEM).status == 200
    alert = Alert.objects.get()
    assert (alert.title, alert.severity, alert.link) == (
        "Disk / on db1 is CRITICAL",
        "critical",
        "https://wiki.example.test/disk",
    )
    assert (alert.annotations["link: runbook"], alert.annotations["rack"]) == ("https://wiki.example.test/db", "7")
    assert alert.starts_at.timestamp() == 1795420226
    knock("POST", path, {"type": "RECOVERY", "host": "db1", "service": "Disk /", "state": "OK"})
    assert (Alert.objects.get().state, Page.objects.get().state) == ("resolved", "resolved")


def test_the_same_problem_again_is_counted_and_pages_once(path: str) -> None:
    for _ in range(3):
        knock("POST", path, PROBLEM)

    assert (Alert.objects.get().signal_count, Page.objects.count()) == (3, 1)


def test_host_and_service_are_different_conditions(path: str) -> None:
    knock("POST", path, {"type": "PROBLEM", "host": "db1", "state": "DOWN"})
    knock("POST", path, PROBLEM)
    knock("POST", path, {"type": "RECOVERY", "host": "db1", "state": "UP"})

    assert Alert.objects.get(state="firing").labels["service"] == "Disk /"


def test_an_acknowledgement_there_takes_the_page_and_keeps_the_words(path: str) -> None:
    knock("POST", path, PROBLEM)
    knock("POST", path, {**PROBLEM, "type": "ACKNOWLEDGEMENT", "author": "alice", "comment": "on it"})

    assert Page.objects.get().state == Page.State.ACKNOWLEDGED
    assert [(note.by, note.text) for note in notes(Alert.objects.get())] == [("alice", "on it")]


def test_what_raglan_itself_told_there_does_not_come_back(path: str) -> None:
    knock("POST", path, PROBLEM)
    comment = "[raglan] Mara Keller has it"
    answer = knock("POST", path, {**PROBLEM, "type": "ACKNOWLEDGEMENT", "author": "raglan", "comment": comment})

    assert answer.status == 200
    assert Page.objects.get().state == Page.State.TRIGGERED
    assert notes(Alert.objects.get()) == []


@pytest.mark.parametrize("kind", ["FLAPPINGSTART", "DOWNTIMESTART", "DOWNTIMEEND", "DowntimeRemoved"])
def test_what_is_said_beside_problems_is_kept_with_the_alert(path: str, kind: str) -> None:
    knock("POST", path, PROBLEM)
    assert knock("POST", path, {"type": kind, "host": "db1", "service": "Disk /"}).status == 200

    assert kind.upper() in notes(Alert.objects.get())[0].text
    assert Alert.objects.get().signal_count == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [({"type": ""}, "type"), ({"type": "X"}, "type"), ({"host": ""}, "host"), ({"host": 7}, "host")],
)
def test_what_is_wrong_is_named(path: str, change: dict[str, object], field: str) -> None:
    answer = knock("POST", path, {**PROBLEM, **change})

    assert (answer.status, said(answer)["field"]) == (400, field)
