"""Hostile requests made from the OpenAPI document: no answer is a 5xx, and the next good alert is accounted for."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.support.server import Running, serving, set_up_web_team, until

# What would end the very access that the test goes on with.
SPARED = ("revoke_token", "set_role", "rotate_token", "deactivate")
# The stages that page, or say why not.
SAYS = ("page", "silence", "inhibit", "maintain", "noisy", "flap")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def test_no_request_of_schemathesis_is_answered_with_a_server_error(tmp_path: Path) -> None:
    with serving() as running:
        set_up_web_team(running)
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            *("run", f"{running.url}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {running.token}"),
            *("--checks", "not_a_server_error"),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "8", "--workers", "2", "--request-timeout", "20"),
            *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
            *(word for name in SPARED for word in ("--exclude-operation-id", name)),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        made = running.api("POST", "/sources", {"name": "After", "slug": "after-it", "kind": "alertmanager"})
        assert isinstance(made, dict)
        source = made["token"]
        alert = json.dumps([{"labels": {"alertname": "StillHere"}, "annotations": {"summary": "Still here"}}]).encode()
        headers = {"Authorization": f"Bearer {source}", "Content-Type": "application/json"}
        with urlopen(Request(f"{running.url}/api/v2/alerts", data=alert, headers=headers), timeout=20) as answer:
            assert answer.status == 200
        until(lambda: is_accounted_for(running), 30)


def is_accounted_for(running: Running) -> bool:
    """Tell whether the alert paged, or says why not: random rules may silence all there is, or send it elsewhere."""
    if any(mail["Subject"] == "Still here" for mail in running.mailbox.mails):
        return True
    alerts = running.api("GET", "/alerts")
    assert isinstance(alerts, list)
    [found] = [alert for alert in alerts if alert["title"] == "Still here"]
    detail = running.api("GET", f"/alerts/{found['id']}")
    assert isinstance(detail, dict)
    return any(one["stage"] in SAYS and one["reason"] for one in detail["decisions"])
