"""Zabbix' own script engine runs raglan's media type, and its stock Opsgenie and PagerDuty scripts, against raglan."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from raglan.integrations.zabbix.doors import media_type
from tests.support.server import Running, serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
STOCK = Path("/usr/share/zabbix-server-pgsql/data.sql.gz")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


def source(running: Running, kind: str) -> str:
    made = running.api("POST", "/sources", {"name": f"Zabbix by {kind}", "slug": f"zabbix-{kind}", "kind": kind})
    assert isinstance(made, dict)
    return str(made["token"])


def run(folder: Path, script: str, params: dict[str, str]) -> str:
    """Run a script as Zabbix' server would; return what it gave back."""
    program = shutil.which("zabbix_js")
    assert program, "install the Debian package zabbix-server-pgsql"
    (folder / "script.js").write_text(script)
    (folder / "params.json").write_text(json.dumps(params))
    command = [program, "-s", str(folder / "script.js"), "-i", str(folder / "params.json"), "-t", "30"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stock(name: str) -> str:
    """Return a script that Debian's package of Zabbix carries."""
    text = gzip.decompress(STOCK.read_bytes()).decode()
    at = text.index("E'", text.index(f"'4','{name}'")) + 2
    found = []
    while not (text[at] == "'" and text[at + 1] != "'"):
        if text[at] == "\\":
            found.append(ESCAPES.get(text[at + 1], text[at + 1]))
            at += 2
        else:
            found.append(text[at])
            at += 2 if text[at] == "'" else 1
    return "".join(found)


def alerts(running: Running, slug: str) -> list[dict[str, object]]:
    found = running.api("GET", "/alerts")
    assert isinstance(found, list)
    return [item for item in found if item["source"] == slug]


def test_the_media_type_of_raglan_fires_takes_and_ends(raglan: Running, tmp_path: Path) -> None:
    token = source(raglan, "zabbix")
    kind = yaml.safe_load(media_type(raglan.url))["zabbix_export"]["media_types"][0]
    params = {item["name"]: item["value"] for item in kind["parameters"]}
    assert params["url"] == raglan.url
    said = {
        "token": token,
        "event_id": "451",
        "event_value": "1",
        "update_status": "0",
        "nseverity": "4",
        "name": "Disk full on db1",
        "host": "db1",
        "tags": '[{"tag":"service","value":"db"}]',
        "trigger_id": "77",
        "zabbix_url": "https://zabbix.example.test",
    }
    assert "sent" in run(tmp_path, kind["script"], {**params, **said})
    alert = alerts(raglan, "zabbix-zabbix")[0]
    assert (alert["title"], alert["state"], alert["severity"]) == ("Disk full on db1", "firing", "error")
    assert alert["labels"] == {"alertname": "Disk full on db1", "host": "db1", "severity": "error", "service": "db"}
    assert "{" not in json.dumps(alert["annotations"])[1:-1]

    run(tmp_path, kind["script"], {**params, **said, "event_value": "0"})
    assert alerts(raglan, "zabbix-zabbix")[0]["state"] == "resolved"


def test_the_stock_script_for_opsgenie_works_with_its_address_changed(raglan: Running, tmp_path: Path) -> None:
    params = {
        "alert_subject": "Problem: disk on db1",
        "alert_message": "Disk 95%",
        "event_id": "451",
        "event_source": "0",
        "event_value": "1",
        "event_update_status": "0",
        "event_nseverity": "4",
        "event_tags_json": '[{"tag":"service","value":"db"}]',
        "trigger_id": "77",
        "severity_high": "P2",
        "zbxurl": "https://zabbix.example.test",
        "zbxuser": "Admin",
        "opsgenie_api": f"{raglan.url}/v2/alerts",
        "opsgenie_web": raglan.url,
        "opsgenie_token": source(raglan, "opsgenie"),
        "opsgenie_teams": "web",
    }
    given = json.loads(run(tmp_path, stock("Opsgenie"), params))
    alert = alerts(raglan, "zabbix-opsgenie")[0]
    assert given["tags"]["__zbx_ops_issuekey"] == str(alert["id"])
    assert (alert["state"], alert["severity"]) == ("firing", "error")

    update = {"event_update_status": "1", "event_update_action": "acknowledged", "alert_message": "ack by alice"}
    run(tmp_path, stock("Opsgenie"), {**params, **update})
    pages = raglan.api("GET", "/pages?state=all")
    assert isinstance(pages, list)
    assert next(page for page in pages if page["title"] == "Problem: disk on db1")["state"] == "acknowledged"
    run(tmp_path, stock("Opsgenie"), {**params, "event_value": "0"})
    assert alerts(raglan, "zabbix-opsgenie")[0]["state"] == "resolved"


def test_the_stock_script_for_pagerduty_works_with_its_address_changed(raglan: Running, tmp_path: Path) -> None:
    script = stock("PagerDuty").replace("https://events.pagerduty.com", raglan.url)
    params = {
        "token": source(raglan, "pagerduty"),
        "eventid": "451",
        "eventname": "Problem: disk",
        "event_source": "0",
        "eventvalue": "1",
        "eventupdate": "0",
        "eventack": "No",
        "severity": "4",
        "hostname": "db1",
        "hostip": "192.0.2.1",
        "triggerid": "77",
        "url": "https://zabbix.example.test",
        "eventdate": "2026.11.23",
        "eventtime": "07:00:00",
        "triggerdesc": "d",
        "triggeropdata": "95%",
        "eventtags": "service:db",
    }
    assert run(tmp_path, script, params).strip() == "OK"
    alert = alerts(raglan, "zabbix-pagerduty")[0]
    assert (alert["title"], alert["state"]) == ("Problem: disk", "firing")
    assert run(tmp_path, script, {**params, "eventvalue": "0"}).strip() == "OK"
    assert alerts(raglan, "zabbix-pagerduty")[0]["state"] == "resolved"
