"""amtool, as Debian ships it, works against raglan: alerts are added and asked for, silences set, changed, ended."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.e2e.test_one_real_event import fire, prometheus
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        running.web_token = set_up_web_team(running)  # type: ignore[attr-defined]  # for this module
        yield running


def token(raglan: Running) -> str:
    return str(raglan.web_token)  # type: ignore[attr-defined]  # as above


def url(raglan: Running, how: str = "path") -> str:
    if how == "path":
        return f"{raglan.url}/integrations/{token(raglan)}"
    return raglan.url.replace("http://", f"http://any:{token(raglan)}@")


def amtool(raglan: Running, *words: str, how: str = "path") -> str:
    binary = shutil.which("amtool")
    assert binary, "the Debian package prometheus-alertmanager is missing: `make test` installs it"
    command = [binary, f"--alertmanager.url={url(raglan, how)}", *words]
    home = {"HOME": str(raglan.data_dir)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=home)
    assert done.returncode == 0, f"{done.stderr}\n{raglan.log.read_text()[-6000:]}"
    return done.stdout


def ask(raglan: Running, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, object]:
    request = Request(f"{url(raglan)}{path}", data=body, method=method)
    request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text) if text else None
    except ValueError:
        return status, text.decode()


def names(raglan: Running, *words: str) -> list[str]:
    found = json.loads(amtool(raglan, "-o", "json", "alert", "query", *words))
    return sorted(alert["labels"]["alertname"] for alert in found)


def test_alerts_are_added_and_asked_for(raglan: Running) -> None:
    amtool(raglan, "alert", "add", "DiskFull", "severity=warning", "instance=h1", "--annotation=summary=disk full")
    amtool(raglan, "alert", "add", "alertname=AlwaysOn", "severity=none")

    assert {"AlwaysOn", "DiskFull"} <= set(names(raglan))
    assert names(raglan, "severity=warning", "instance=h1", "alertname=DiskFull") == ["DiskFull"]
    assert names(raglan, "alertname=~Disk.*", "instance!=h2") == ["DiskFull"]
    assert {"AlwaysOn", "DiskFull"} <= set(names(raglan, "--receiver=we.*"))
    assert names(raglan, "--receiver=we") == []
    assert "disk full" in amtool(raglan, "alert", "query", "DiskFull")


def test_a_silence_is_added_asked_for_changed_and_expired(raglan: Running) -> None:
    amtool(raglan, "alert", "add", "Muted", "severity=warning")
    until(lambda: [mail for mail in raglan.mailbox.to("mara@example.test") if "Muted" in str(mail["Subject"])])

    key = amtool(raglan, "silence", "add", "Muted", "--comment=planned", "--author=ops", "--duration=1h").strip()

    assert UUID.fullmatch(key)
    assert "Muted" not in names(raglan)
    assert names(raglan, "--silenced") == ["Muted"]
    assert key in amtool(raglan, "silence", "query", "alertname=Muted")
    assert amtool(raglan, "silence", "query", "alertname=Another", "-q").strip() == ""
    updated = amtool(raglan, "-o", "json", "silence", "update", "--duration=3h", "--comment=longer", key)
    assert json.loads(updated)[0]["comment"] == "longer"
    silences = raglan.api("GET", "/silences?state=active")
    assert isinstance(silences, list)
    own = [row for row in silences if row["who"] == "ops"]
    assert [(row["reason"], row["source"]) for row in own] == [("longer", "prometheus")]

    amtool(raglan, "silence", "expire", own[0]["key"])

    assert "Muted" in names(raglan)
    again = lambda: [mail for mail in raglan.mailbox.to("mara@example.test") if "Muted" in str(mail["Subject"])][1:]  # noqa: E731 -- looked at often
    until(again)


def test_the_configuration_is_shown_and_real_software_can_read_it(raglan: Running, tmp_path: Path) -> None:
    raglan.api("POST", "/routes", {"position": 0, "matchers": [{"name": "team", "value": 'a"b\\c'}], "policy": "web"})

    shown = amtool(raglan, "config", "show")
    (tmp_path / "alertmanager.yml").write_text(shown)

    assert 'receiver: "web"' in shown
    assert "SUCCESS" in amtool(raglan, "check-config", str(tmp_path / "alertmanager.yml"))
    assert "web" in amtool(
        raglan, "config", "routes", "test", "--config.file", str(tmp_path / "alertmanager.yml"), "a=b"
    )


def test_basic_and_bearer_open_the_same_desk(raglan: Running) -> None:
    amtool(raglan, "alert", "add", "ByBasic", how="basic")
    assert "ByBasic" in amtool(raglan, "alert", "query", "ByBasic", how="basic")
    bearer = Request(f"{raglan.url}/api/v2/receivers", headers={"Authorization": f"Bearer {token(raglan)}"})
    with urlopen(bearer, timeout=60) as answer:
        assert {"name": "web"} in json.loads(answer.read())
    for path in ("/api/v2/status", "/api/v2/alerts"):
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"{raglan.url}{path}", timeout=60)


def test_whether_it_is_well_may_be_asked_by_anybody(raglan: Running) -> None:
    for place in (f"{raglan.url}/-/healthy", f"{raglan.url}/-/ready", f"{url(raglan)}/-/ready"):
        with urlopen(place, timeout=60) as answer:
            assert (answer.status, answer.read()) == (200, b"OK")


def test_answers_have_the_keys_of_a_real_alertmanager(raglan: Running) -> None:
    amtool(raglan, "alert", "add", "Shaped", "cluster=demo", "instance=h1", "severity=warning")
    _, alerts = ask(raglan, "GET", "/api/v2/alerts?filter=alertname%3D%22Shaped%22")
    _, groups = ask(raglan, "GET", "/api/v2/alerts/groups?filter=alertname%3DShaped")
    _, status = ask(raglan, "GET", "/api/v2/status")
    assert isinstance(alerts, list)
    assert isinstance(groups, list)
    assert isinstance(status, dict)
    keys = {"annotations", "endsAt", "fingerprint", "receivers", "startsAt", "status", "updatedAt"}
    assert set(alerts[0]) == keys | {"generatorURL", "labels"}
    assert alerts[0]["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": []}
    assert set(groups[0]) == {"alerts", "labels", "receiver"}
    assert groups[0]["alerts"] == alerts
    assert set(status) == {"cluster", "config", "uptime", "versionInfo"}


SILENCE = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2199-01-01T00:00:00Z",
    "createdBy": "ops",
    "comment": "c",
}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"matchers": []}, 422, 612),
        ({"comment": None}, 422, 602),
        ({"matchers": None}, 422, 602),
        ({"matchers": {}}, 400, 400),
        ({"matchers": [1]}, 400, 400),
        ({"matchers": [{"name": "a", "isRegex": False}]}, 422, 602),
        ({"matchers": [{"name": "a", "value": "b", "isRegex": "no"}]}, 400, 400),
        ({"createdBy": 1}, 400, 400),
        ({"endsAt": "2026-01-01T00:00:01Z"}, 400, None),
        ({"startsAt": "yesterday"}, 400, None),
        ({}, 400, None),  # longer than a year
        ({"id": "11111111-2222-3333-4444-555555555555"}, 404, None),
    ],
)
def test_what_can_not_be_is_refused_in_the_shapes_of_the_api(
    raglan: Running, change: dict[str, object], status: int, code: int | None
) -> None:
    body = json.dumps({**SILENCE, **change}).encode()
    got, said = ask(raglan, "POST", "/api/v2/silences", body, Content_Type="application/json")

    assert got == status
    assert (said.get("code") if isinstance(said, dict) else None) == code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v2/silence/11111111-2222-3333-4444-555555555555", 404),
        ("DELETE", "/api/v2/silence/11111111-2222-3333-4444-555555555555", 404),
        ("GET", "/api/v2/silence/x", 422),
        ("GET", "/api/v2/silence/%00", 422),
        ("GET", "/api/v2/alerts?active=perhaps", 422),
        ("GET", "/api/v2/alerts?filter=nonsense", 400),
        ("GET", "/api/v2/alerts?filter=a%3D~(", 400),
        ("GET", "/api/v2/alerts?receiver=(", 400),
        ("GET", "/api/v2/alerts?" + "filter=a%3Db&" * 30, 400),
        ("GET", "/api/v2/nothing", 404),
    ],
)
def test_strange_questions_are_refused(raglan: Running, method: str, path: str, status: int) -> None:
    assert ask(raglan, method, path)[0] == status


def test_without_a_content_type_a_silence_is_not_read(raglan: Running) -> None:
    assert ask(raglan, "POST", "/api/v2/silences", b"{}", Content_Type="text/plain")[0] == 415
    assert ask(raglan, "POST", "/api/v2/silences", b"{", Content_Type="application/json")[0] == 400


def test_a_silence_that_a_person_set_is_seen_and_not_ended_by_a_source(raglan: Running) -> None:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    wish = {"matchers": [{"name": "a", "value": "b"}], "ends_at": ends_at, "reason": "mine"}
    made = raglan.api("POST", "/silences", wish)
    assert isinstance(made, dict)

    assert made["key"] in amtool(raglan, "silence", "query", "-q")
    assert ask(raglan, "DELETE", f"/api/v2/silence/{made['key']}")[0] == 403


def test_what_a_real_prometheus_pushes_is_read_and_silenced_by_amtool(raglan: Running, tmp_path: Path) -> None:
    port = raglan.url.rpartition(":")[2]
    target = f'{{path_prefix: "/integrations/{token(raglan)}", static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}'
    with prometheus(tmp_path, target) as rules:
        fire(rules, on=True)
        until(lambda: "HttpdDown" in names(raglan))

        amtool(raglan, "silence", "add", "HttpdDown", "service=httpd", "--comment=planned")

        until(lambda: names(raglan, "--silenced") == ["HttpdDown"])  # it ends for a moment when Prometheus is late
        fire(rules, on=False)
        until(lambda: "HttpdDown" not in names(raglan, "--silenced"))
