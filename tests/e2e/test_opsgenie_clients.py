"""Opsgenie's own Python client, and Alertmanager's Opsgenie receiver, pointed at raglan."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import opsgenie_sdk
import pytest

from tests.support.ports import free_port
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


def key_of(running: Running, slug: str) -> str:
    made = running.api("POST", "/sources", {"name": slug, "slug": slug, "kind": "opsgenie"})
    assert isinstance(made, dict)
    return str(made["token"])


def alerts_of(running: Running, slug: str) -> list[dict[str, object]]:
    found = running.api("GET", "/alerts")
    assert isinstance(found, list)
    return [item for item in found if item["source"] == slug]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_official_client_creates_asks_notes_acknowledges_and_closes(raglan: Running) -> None:
    options = opsgenie_sdk.Configuration()
    options.host = raglan.url
    options.api_key = {"Authorization": key_of(raglan, "og")}
    options.api_key_prefix = {"Authorization": "GenieKey"}
    client = opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(configuration=options))
    body = opsgenie_sdk.CreateAlertPayload(message="Disk full on db1", alias="db1-disk", priority="P1", tags=["a"])
    made = client.create_alert(create_alert_payload=body)
    status = client.get_request_status(made.request_id)
    assert status.data.is_success
    assert status.data.alias == "db1-disk"
    shown = client.get_alert("db1-disk", identifier_type="alias")
    assert (shown.data.message, shown.data.status, shown.data.acknowledged) == ("Disk full on db1", "open", False)

    client.add_note("db1-disk", identifier_type="alias", add_note_to_alert_payload={"note": "hi", "user": "me"})
    client.acknowledge_alert("db1-disk", identifier_type="alias", acknowledge_alert_payload={"user": "me"})
    assert client.get_alert("db1-disk", identifier_type="alias").data.acknowledged
    assert [item.alias for item in client.list_alerts(query="status:open").data] == ["db1-disk"]
    client.close_alert(shown.data.id, identifier_type="id", close_alert_payload={})
    assert client.get_alert("db1-disk", identifier_type="alias").data.status == "closed"
    assert [item["state"] for item in alerts_of(raglan, "og")] == ["resolved"]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_official_client_snoozes_escalates_assigns_and_takes_back(raglan: Running) -> None:
    options = opsgenie_sdk.Configuration()
    options.host = raglan.url
    options.api_key = {"Authorization": key_of(raglan, "og-page")}
    options.api_key_prefix = {"Authorization": "GenieKey"}
    client = opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(configuration=options))
    client.create_alert(create_alert_payload=opsgenie_sdk.CreateAlertPayload(message="Full", alias="full"))
    named = {"identifier": "full", "identifier_type": "alias"}
    owner = "mara@example.test"

    def shown() -> opsgenie_sdk.Alert:
        return client.get_alert(**named).data

    to = opsgenie_sdk.EscalationRecipient(name="any")
    client.escalate_alert(
        **named, escalate_alert_to_next_payload=opsgenie_sdk.EscalateAlertToNextPayload(escalation=to)
    )
    ends = datetime.now(UTC) + timedelta(hours=1)
    client.snooze_alert(**named, snooze_alert_payload=opsgenie_sdk.SnoozeAlertPayload(end_time=ends))
    assert (shown().snoozed, shown().acknowledged) == (True, True)
    client.un_acknowledge_alert(**named, un_acknowledge_alert_payload={"user": "me"})
    assert (shown().snoozed, shown().acknowledged) == (False, False)
    who = opsgenie_sdk.UserRecipient(username=owner)
    client.assign_alert(**named, assign_alert_payload=opsgenie_sdk.AssignAlertPayload(owner=who))
    user = {"type": "user", "username": owner}
    client.add_responder(**named, add_responder_to_alert_payload={"responder": user})
    pages = [page for page in raglan.api("GET", "/pages") if page["title"] == "Full"]
    events = raglan.api("GET", f"/pages/{pages[0]['id']}")
    assert events["state"] == "triggered"


@pytest.fixture
def alertmanager(raglan: Running, tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager whose only receiver is Opsgenie, at raglan's address."""
    program = shutil.which("prometheus-alertmanager")
    assert program, "install the Debian package prometheus-alertmanager"
    receiver = {
        "name": "raglan",
        "opsgenie_configs": [{"api_key": key_of(raglan, "am"), "send_resolved": True, "update_alerts": True}],
    }
    config = {
        "global": {"opsgenie_api_url": f"{raglan.url}/"},
        "route": {"receiver": "raglan", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"},
        "receivers": [receiver],
    }
    (tmp_path / "am.yml").write_text(json.dumps(config))
    port = free_port()
    command = [
        program,
        f"--config.file={tmp_path / 'am.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_a_real_alertmanager_opens_and_closes_by_its_opsgenie_receiver(raglan: Running, alertmanager: str) -> None:
    alert: dict[str, object] = {"labels": {"alertname": "HttpdDown", "instance": "web-014"}}

    def push(body: dict[str, object]) -> bool:
        request = Request(
            f"{alertmanager}/api/v2/alerts", json.dumps([body]).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urlopen(request, timeout=30) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(lambda: push(alert))
    until(lambda: [item["state"] for item in alerts_of(raglan, "am")] == ["firing"])
    assert "HttpdDown" in str(alerts_of(raglan, "am")[0]["title"])
    over = {**alert, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}
    until(lambda: push(over))
    until(lambda: [item["state"] for item in alerts_of(raglan, "am")] == ["resolved"])
