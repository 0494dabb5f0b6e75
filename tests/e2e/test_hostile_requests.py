"""Hostile requests made from the OpenAPI document: no answer is a 5xx, and the next good alert still pages."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import STDOUT
from urllib.request import Request, urlopen

import pytest

from tests.support.server import Running, serving, set_up_web_team, until

# What would end the very access that the test goes on with.
SPARED = ("revoke_token", "set_role", "rotate_token")
NAME = "StillHere"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def test_no_request_of_schemathesis_is_answered_with_a_server_error(tmp_path: Path) -> None:
    with serving() as running:
        set_up_web_team(running)
        ask(running, tmp_path)
        take_back_what_holds_alerts(running)
        token = make_a_way(running)
        alert = json.dumps([{"labels": {"alertname": NAME}, "annotations": {"summary": "Still here"}}]).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urlopen(Request(f"{running.url}/api/v2/alerts", data=alert, headers=headers), timeout=60) as answer:
            assert answer.status == 200
        until(lambda: [mail for mail in running.mailbox.to("tess@example.test") if mail["Subject"] == "Still here"], 30)


def ask(running: Running, folder: Path) -> None:
    """Let two processes of schemathesis ask at once, each for half: two threads of one meet a race of Python 3.11."""
    with urlopen(f"{running.url}/api/v1/openapi.json", timeout=60) as answer:
        paths = json.load(answer)["paths"]
    names = sorted(item["operationId"] for methods in paths.values() for item in methods.values())
    halves = [[name for name in names[half::2] if name not in spared(names)] for half in (0, 1)]
    both = [(folder / f"said-{number}", asking(running, half)) for number, half in enumerate(halves)]
    started = [subprocess.Popen(command, cwd=folder, stdout=said.open("wb"), stderr=STDOUT) for said, command in both]
    try:
        ended = [process.wait(400) for process in started]
    finally:
        for process in started:
            process.kill()
    assert ended == [0, 0], "\n".join(failures(said.read_text(errors="replace")) for said, _ in both)


def failures(said: str) -> str:
    """Return what a process says of failures, or else how it ended."""
    _, found, rest = said.partition("= FAILURES =")
    return rest.partition("= WARNINGS =")[0][:6000] if found else said[-600:]


def spared(names: list[str]) -> set[str]:
    """Return what is not asked for; each of it has to be there."""
    assert set(SPARED) <= set(names), "an operation that is spared has another name now"
    return set(SPARED)


def asking(running: Running, operations: list[str]) -> list[str]:
    return [
        str(Path(sys.executable).parent / "schemathesis"),
        *("run", f"{running.url}/api/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {running.token}"),
        *("--checks", "not_a_server_error"),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "4", "--workers", "1", "--request-timeout", "20"),
        *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        *(word for name in operations for word in ("--include-operation-id", name)),
    ]


def take_back_what_holds_alerts(running: Running) -> None:
    """End what random requests set and what may rightly hold back any alert, as whoever looks after it would."""
    for path in ("/silences?state=active&limit=500", "/silences?state=pending&limit=500"):
        for silence in listed(running, path):
            running.api("DELETE", f"/silences/{silence['id']}")
    for kind in ("inhibitions", "maintenances"):
        for rule in listed(running, f"/{kind}"):
            running.api("DELETE", f"/{kind}/{rule['id']}")


def listed(running: Running, path: str) -> list[dict[str, object]]:
    found = running.api("GET", path)
    assert isinstance(found, list)
    return found


def make_a_way(running: Running) -> str:
    """Let one alert go to somebody of its own, first of all; return the token of its source."""
    person = {"name": "Tess Berg", "email": "tess@example.test", "role": "responder", "time_zone": "Europe/Berlin"}
    made = running.api("POST", "/people", person)
    assert isinstance(made, dict)
    steps = [{"wait_s": 300, "targets": [{"type": "person", "id": made["id"]}]}]
    running.api("POST", "/policies", {"name": "After", "slug": "after-it", "repeat": 1, "steps": steps})
    matchers = [{"name": "alertname", "value": NAME}]
    running.api("POST", "/routes", {"position": 0, "matchers": matchers, "policy": "after-it", "urgency": "high"})
    source = running.api("POST", "/sources", {"name": "After", "slug": "after-it", "kind": "alertmanager"})
    assert isinstance(source, dict)
    return str(source["token"])
