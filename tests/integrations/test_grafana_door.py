"""Grafana's webhook: alerts, links, and the signature."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from raglan.alerts.models import Alert
from raglan.core.clock import now
from tests.integrations.doorstep import knock, make, said

pytestmark = pytest.mark.django_db
FIRING: dict[str, object] = {
    "status": "firing",
    "labels": {"alertname": "High load", "grafana_folder": "Web", "severity": "warning", "host": "web1"},
    "annotations": {"summary": "Load on web1", "runbook_url": "https://wiki.example.test/load"},
    "startsAt": "2026-11-23T07:41:17.391188Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://grafana.example.test/alerting/1",
    "dashboardURL": "https://grafana.example.test/d/1",
    "panelURL": "https://grafana.example.test/d/1?viewPanel=2",
    "silenceURL": "https://grafana.example.test/silence",
    "values": {"A": 9.5},
    "valueString": "[ var='A' labels={host=web1} value=9.5 ]",
    "orgId": 1,
}


def message(*alerts: dict[str, object]) -> dict[str, object]:
    return {"version": "1", "orgId": 1, "receiver": "raglan", "state": "alerting", "alerts": list(alerts)}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_alert_fires_with_its_places_and_resolves(method: str) -> None:
    _, token = make("grafana")
    path = f"/integrations/{token}/grafana"
    assert knock(method, path, message(FIRING)).status == 200

    alert = Alert.objects.get()
    assert (alert.title, alert.severity, alert.link) == ("Load on web1", "warning", "https://grafana.example.test/d/1")
    assert alert.annotations["link: Panel"].endswith("viewPanel=2")
    assert "9.5" in alert.annotations["values"]
    knock(method, path, message({**FIRING, "status": "resolved", "endsAt": "2026-11-23T08:00:00Z"}))
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_no_data_says_which_rule(db: None) -> None:
    _, token = make("grafana")
    labels = {"alertname": "DatasourceNoData", "rulename": "High load", "datasource_uid": "x"}
    knock("POST", f"/integrations/{token}/grafana", message({"status": "firing", "labels": labels}))

    assert Alert.objects.get().title == "No data: High load"


def sign(secret: str, body: bytes, stamp: str = "") -> dict[str, str]:
    signed = f"{stamp}:".encode() + body if stamp else body
    found = {"X-Grafana-Alerting-Signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}
    return found | ({"X-Grafana-Alerting-Timestamp": stamp} if stamp else {})


@pytest.mark.parametrize("with_time", [True, False])
def test_with_a_secret_the_signature_must_be_right(with_time: bool) -> None:
    _, token = make("grafana", secret="of grafana")
    path, body = f"/integrations/{token}/grafana", json.dumps(message(FIRING)).encode()
    stamp = str(int(now().timestamp())) if with_time else ""

    assert knock("POST", path, body).status == 401
    assert knock("POST", path, body, headers=sign("of another", body, stamp)).status == 401
    assert knock("POST", path, body + b" ", headers=sign("of grafana", body, stamp)).status == 401
    assert knock("POST", path, body, headers={"X-Grafana-Alerting-Signature": "ü"}).status == 401
    assert not Alert.objects.exists()
    assert knock("POST", path, body, headers=sign("of grafana", body, stamp)).status == 200
    assert Alert.objects.exists()


@pytest.mark.parametrize("stamp", ["1", "soon", "-5", "1e400", str(2**70)])
def test_an_old_or_strange_time_is_refused(stamp: str) -> None:
    _, token = make("grafana", secret="of grafana")
    body = json.dumps(message(FIRING)).encode()
    answer = knock("POST", f"/integrations/{token}/grafana", body, headers=sign("of grafana", body, stamp))

    assert answer.status in (401, 422)
    old = str(int((now() - timedelta(minutes=6)).timestamp()))
    assert knock("POST", f"/integrations/{token}/grafana", body, headers=sign("of grafana", body, old)).status == 401


def test_a_bad_one_of_several_is_named_and_the_good_one_is_kept() -> None:
    _, token = make("grafana")
    answer = knock("POST", f"/integrations/{token}/grafana", message({"status": "odd"}, FIRING, {"status": "firing"}))

    assert answer.status == 400
    assert "alerts[0].status" in str(said(answer)["problems"])
    assert Alert.objects.count() == 1
