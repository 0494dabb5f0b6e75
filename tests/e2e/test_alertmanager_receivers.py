"""A real Alertmanager sends to raglan by four of its receivers at once: webhook, PagerDuty, Opsgenie and Slack."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.support.ports import free_port
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
KINDS = ("webhook", "pagerduty", "opsgenie", "slack")


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


def receiver(running: Running) -> dict[str, object]:
    token: dict[str, str] = {}
    for kind in KINDS:
        made = running.api("POST", "/sources", {"name": f"By {kind}", "slug": kind, "kind": kind})
        assert isinstance(made, dict)
        token[kind] = str(made["token"])
    prefix = f"{running.url}/integrations"
    return {
        "name": "raglan",
        "webhook_configs": [{"url": f"{prefix}/{token['webhook']}/alertmanager"}],
        "pagerduty_configs": [{"routing_key": token["pagerduty"], "url": f"{running.url}/v2/enqueue"}],
        "opsgenie_configs": [{"api_key": token["opsgenie"], "api_url": running.url, "update_alerts": True}],
        "slack_configs": [{"api_url": f"{prefix}/{token['slack']}/slack", "channel": "#x", "send_resolved": True}],
    }


@pytest.fixture(scope="module")
def alertmanager(raglan: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager."""
    program = shutil.which("prometheus-alertmanager")
    assert program, "install the Debian package prometheus-alertmanager"
    folder = tmp_path_factory.mktemp("alertmanager")
    route = {"receiver": "raglan", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    (folder / "am.yml").write_text(json.dumps({"route": route, "receivers": [receiver(raglan)]}))
    port = free_port()
    command = [program, f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def push(alertmanager: str, body: dict[str, object]) -> bool:
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(
            Request(f"{alertmanager}/api/v2/alerts", json.dumps([body]).encode(), headers), timeout=30
        ) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def states(running: Running) -> dict[object, object]:
    found = running.api("GET", "/alerts")
    assert isinstance(found, list)
    return {item["source"]: item["state"] for item in found}


def test_every_receiver_opens_an_alert_and_ends_it(raglan: Running, alertmanager: str, tmp_path: Path) -> None:
    labels = {"alertname": "HttpdDown", "instance": "web-014", "severity": "critical"}
    alert: dict[str, object] = {"labels": labels, "annotations": {"summary": "Apache is not running"}}
    until(lambda: push(alertmanager, alert))
    until(lambda: states(raglan) == dict.fromkeys(KINDS, "firing"))
    over = {**alert, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}
    until(lambda: push(alertmanager, over))
    until(lambda: states(raglan) == dict.fromkeys(KINDS, "resolved"))


ODD = [
    ("GET", "/ping/"),
    ("GET", "/ping//"),
    ("GET", "/ping/%00/%00"),
    ("GET", "/ping/a/b/c/d"),
    ("HEAD", "/ping/x/y"),
    ("OPTIONS", "/ping/x/y"),
    ("DELETE", "/v2/alerts/%2e%2e/%2e%2e"),
    ("GET", "/v2/alerts/requests/"),
    ("PATCH", "/v2/alerts/1"),
    ("POST", "/integrations/-/nagios"),
    ("POST", "/integrations//nagios"),
    ("POST", "/integrations/x"),
    ("POST", "//v2//alerts//"),
    ("POST", "/generic/2010-04-15/create_event.json"),
    ("POST", "/generic/2010-04-15/../../x"),
    ("GET", "/v2/heartbeats/x/ping"),
    ("POST", "/v2/change/enqueue"),
    ("PUT", "/integrations/x/grafana"),
    ("GET", "/integrations/%ed%a0%80/slack"),
]


@pytest.mark.parametrize(("method", "path"), ODD)
@pytest.mark.parametrize("body", [None, b"\xff\x00", b"{}", b"[" * 100_000])
def test_odd_requests_are_refused_and_never_a_5xx(raglan: Running, method: str, path: str, body: bytes | None) -> None:
    for headers in ({}, {"Authorization": "GenieKey \xff"}, {"Authorization": "Basic !!!", "Content-Encoding": "gzip"}):
        request = Request(f"{raglan.url}{path}", data=body, method=method, headers=headers)
        try:
            with urlopen(request, timeout=60) as answer:
                status = answer.status
        except OSError as error:
            status = getattr(error, "code", 0)
        assert 400 <= status < 500, (method, path, headers, status)
