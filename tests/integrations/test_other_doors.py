"""Zabbix, Sentry, CloudEvents and Slack-shaped senders: from a body to an alert and its end."""

import base64
import hashlib
import hmac
import json
import socket
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from raglan.alerts import actions, queries
from raglan.alerts.models import Alert, Signal
from raglan.alerts.ports import Batch, IntakeRequest
from raglan.alerts.queries import notes
from raglan.core.clock import CLOCK, now
from raglan.integrations.slack.doors import condition
from raglan.integrations.zabbix.doors import MediaType
from raglan.paging.models import Page
from raglan.testing import world
from tests.integrations.doorstep import knock, make, said

pytestmark = pytest.mark.django_db


def address(kind: str, *, secret: str = "") -> str:
    world.administrator()
    return f"/integrations/{make(kind, secret=secret)[1]}/{kind}"


# Zabbix ---------------------------------------------------------------------------------------------------------------

ZABBIX = {
    "event_id": "451",
    "event_value": "1",
    "update_status": "0",
    "nseverity": "4",
    "name": "Disk full",
    "host": "db1",
    "host_ip": "192.0.2.1",
    "tags": '[{"tag":"service","value":"db"},{"tag":"service","value":"web"},{"tag":"a","value":""}]',
    "link": "https://zabbix.example.test/tr_events.php?triggerid=77&eventid=451",
}


def test_a_problem_of_zabbix_fires_and_its_recovery_ends_it() -> None:
    path = address("zabbix")
    assert knock("POST", path, ZABBIX).status == 200
    alert = Alert.objects.get()
    assert (alert.title, alert.severity, alert.labels["service"], alert.labels["a"]) == (
        "Disk full",
        "error",
        "db,web",
        "yes",
    )
    knock("POST", path, {**ZABBIX, "event_value": "0"})
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_an_acknowledgement_in_zabbix_takes_the_page() -> None:
    path = address("zabbix")
    knock("POST", path, ZABBIX)
    words = {"update_status": "1", "update_action": "acknowledged", "update_message": "on it", "update_user": "Mara"}
    knock("POST", path, {**ZABBIX, **words})

    assert Page.objects.get().state == Page.State.ACKNOWLEDGED
    assert notes(Alert.objects.get())[0].text == "on it"
    knock("POST", path, {**ZABBIX, "update_status": "1", "update_action": "closed"})
    assert Alert.objects.get().state == Alert.State.RESOLVED


DONE = ("commented", "changed severity", "unacknowledged", "")
UPDATES = tuple({"update_action": done} for done in DONE)


@pytest.mark.parametrize("what", UPDATES)
def test_an_update_in_zabbix_after_the_recovery_opens_nothing_and_is_kept_as_a_note(what: dict[str, str]) -> None:
    path = address("zabbix")
    knock("POST", path, ZABBIX)
    knock("POST", path, {**ZABBIX, "event_value": "0"})

    words = {"update_status": "1", "update_message": "it was the log", "update_user": "Mara", **what}
    answer = said(knock("POST", path, {**ZABBIX, **words}))

    assert (answer["new"], Page.objects.count()) == (0, 1)
    assert Alert.objects.get().state == Alert.State.RESOLVED
    assert notes(Alert.objects.get())[0].text == "it was the log"
    kept = Signal.objects.order_by("pk").last()
    assert kept is not None
    assert (kept.status, kept.alert, kept.problem) == ("updated", None, "nothing with these labels was firing")


@pytest.mark.parametrize("what", UPDATES)
def test_an_update_in_zabbix_counts_for_what_is_open(what: dict[str, str]) -> None:
    path = address("zabbix")
    knock("POST", path, ZABBIX)

    answer = said(knock("POST", path, {**ZABBIX, "update_status": "1", "opdata": "91 %", **what}))

    alert = Alert.objects.get()
    assert (answer["repeated"], alert.state, alert.signal_count) == (1, Alert.State.FIRING, 2)
    assert alert.annotations["operational data"] == "91 %"


def test_an_update_that_meets_the_recovery_on_its_way_opens_nothing() -> None:
    world.administrator()
    _, token = make("zabbix")
    key = queries.source_by_token(token)
    knock("POST", f"/integrations/{token}/zabbix", ZABBIX)
    read = []
    for changed in ({"update_status": "1"}, {"event_value": "0"}):
        body = json.dumps({**ZABBIX, **changed}).encode()
        read.append(MediaType().decode(key, IntakeRequest("POST", "/zabbix", "", {}, body, "127.0.0.1")))

    update, recovery = read
    actions.ingest([Batch(key, recovery, now()), Batch(key, update, now())])

    assert list(Alert.objects.values_list("state", flat=True)) == ["resolved"]


def test_unacknowledging_in_zabbix_takes_nothing() -> None:
    path = address("zabbix")
    knock("POST", path, ZABBIX)
    knock("POST", path, {**ZABBIX, "update_status": "1", "update_action": "unacknowledged"})

    assert Page.objects.get().state == Page.State.TRIGGERED


@pytest.mark.parametrize("tags", ["{EVENT.TAGSJSON}", "", "[1]", '{"a": 1}', None, [{"tag": 7}]])
def test_strange_tags_do_not_cost_the_alert(tags: object) -> None:
    assert knock("POST", address("zabbix"), {**ZABBIX, "tags": tags}).status == 200


# Sentry ---------------------------------------------------------------------------------------------------------------

EVENT = {"issue_id": "77", "title": "ZeroDivisionError", "level": "fatal", "web_url": "https://sentry.example.test/77"}


def sentry(path: str, resource: str, body: object, secret: str = "") -> int:
    raw = json.dumps(body).encode()
    headers = {"Sentry-Hook-Resource": resource}
    if secret:
        headers["Sentry-Hook-Signature"] = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return knock("POST", path, raw, headers=headers).status


def test_an_alert_of_sentry_fires_and_the_resolved_issue_ends_it() -> None:
    path = address("sentry")
    assert (
        sentry(path, "event_alert", {"action": "triggered", "data": {"event": EVENT, "triggered_rule": "Any"}}) == 200
    )
    alert = Alert.objects.get()
    assert (alert.title, alert.severity, alert.annotations["rule"]) == ("ZeroDivisionError", "critical", "Any")
    sentry(path, "issue", {"action": "resolved", "data": {"issue": {"id": "77", "title": "x"}}})
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_a_single_error_of_sentry_is_about_its_issue() -> None:
    path = address("sentry")
    assert sentry(path, "error", {"action": "created", "data": {"error": EVENT}}) == 200
    sentry(path, "event_alert", {"action": "triggered", "data": {"event": EVENT}})

    alert = Alert.objects.get()
    assert (alert.title, alert.dedup_key, alert.signal_count) == ("ZeroDivisionError", "issue:77", 2)


def test_a_metric_alert_of_sentry_fires_and_resolves() -> None:
    path = address("sentry")
    data = {"metric_alert": {"id": 5, "alert_rule": {"id": 9}}, "description_title": "Critical: too many errors"}
    sentry(path, "metric_alert", {"action": "critical", "data": data})
    assert Alert.objects.get().severity == "critical"
    sentry(path, "metric_alert", {"action": "resolved", "data": data})
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_with_a_secret_only_sentry_is_heard() -> None:
    path = address("sentry", secret="of sentry")
    body = {"action": "triggered", "data": {"event": EVENT}}

    assert sentry(path, "event_alert", body) == 401
    assert sentry(path, "event_alert", body, "of another") == 401
    assert sentry(path, "event_alert", body, "of sentry") == 200


def test_what_is_about_comments_and_installations_is_left_alone() -> None:
    path = address("sentry")

    assert sentry(path, "comment", {"action": "created", "data": {"comment": "x"}}) == 200
    assert sentry(path, "installation", {"action": "created", "data": {}}) == 200
    assert sentry(path, "issue", {"action": "assigned", "data": {"issue": {"id": "1"}}}) == 200
    assert not Alert.objects.exists()


# CloudEvents ----------------------------------------------------------------------------------------------------------

CLOUD = {
    "specversion": "1.0",
    "id": "1",
    "source": "/hosts/db1",
    "type": "org.example.disk.firing",
    "subject": "sda1",
    "time": "2026-11-23T07:41:17.391188+00:00",
    "data": {"title": "Disk full", "severity": "critical", "pct": 95},
}
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}


def test_a_structured_event_fires_and_another_ends_it() -> None:
    path = address("cloudevents")
    assert knock("POST", path, CLOUD, headers=STRUCTURED).status == 202
    alert = Alert.objects.get()
    assert (alert.title, alert.severity, alert.labels["alertname"]) == ("Disk full", "critical", "org.example.disk")
    knock("POST", path, {**CLOUD, "id": "2", "type": "org.example.disk.resolved"}, headers=STRUCTURED)
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_a_binary_event_needs_no_content_type() -> None:
    headers = {f"ce-{name}": str(value) for name, value in CLOUD.items() if name != "data"}
    headers["ce-subject"] = "stra%C3%9Fe%00"
    assert knock("POST", address("cloudevents"), {"pct": 95}, headers=headers).status == 202

    alert = Alert.objects.get()
    assert (alert.labels["subject"], alert.annotations["pct"]) == ("straße\ufffd", "95")


def test_binary_data_that_is_no_json_is_kept_as_text() -> None:
    headers = {f"Ce-{name}": str(value) for name, value in CLOUD.items() if name != "data"}
    assert knock("POST", address("cloudevents"), b"\xff disk full", headers=headers).status == 202
    assert "disk full" in Alert.objects.get().annotations["data"]


def test_a_batch_brings_several_and_names_the_bad_one() -> None:
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    batch = [CLOUD, {**CLOUD, "source": ""}, {**CLOUD, "subject": "sdb1"}]
    answer = knock("POST", address("cloudevents"), batch, headers=headers)

    assert answer.status == 400
    assert "[1].source" in str(said(answer)["problems"])
    assert Alert.objects.count() == 2


def test_a_retry_of_the_same_event_is_counted() -> None:
    path = address("cloudevents")
    for _ in range(2):
        knock("POST", path, CLOUD, headers=STRUCTURED)

    assert (Alert.objects.get().signal_count, Page.objects.count()) == (2, 1)


@pytest.mark.parametrize("change", [{"specversion": "0.3"}, {"id": ""}, {"type": None}, {"source": 7}])
def test_what_is_no_cloudevent_is_refused(change: dict[str, object]) -> None:
    assert knock("POST", address("cloudevents"), {**CLOUD, **change}, headers=STRUCTURED).status == 400


def test_data_that_came_as_base64_is_read() -> None:
    path = address("cloudevents")
    assert knock("POST", path, CLOUD, headers=STRUCTURED).status == 202
    plain = {name: value for name, value in CLOUD.items() if name != "data"}
    over = base64.b64encode(b'{"status": "resolved"}').decode()
    assert knock("POST", path, {**plain, "data_base64": over}, headers=STRUCTURED).status == 202
    assert Alert.objects.get().state == Alert.State.RESOLVED

    for bad in ("%%%", "é", 7):
        assert knock("POST", path, {**plain, "data_base64": bad}, headers=STRUCTURED).status == 400
    assert knock("POST", path, {**CLOUD, "data": {}, "data_base64": over}, headers=STRUCTURED).status == 400


ASKS = {"WebHook-Request-Origin": "events.example.test"}


@pytest.mark.parametrize(("asked", "allowed"), [({}, "*"), ({"WebHook-Request-Rate": "120"}, "120")])
def test_a_sender_of_cloudevents_that_asks_first_is_allowed(asked: dict[str, str], allowed: str) -> None:
    answer = knock("OPTIONS", address("cloudevents"), headers={**ASKS, **asked})

    assert (answer.status, answer.body) == (200, b"")
    assert dict(answer.headers) == {
        "Allow": "OPTIONS, POST",
        "WebHook-Allowed-Origin": "events.example.test",
        "WebHook-Allowed-Rate": allowed,
    }
    assert not Signal.objects.exists()


def test_who_asks_for_a_call_later_is_answered_at_once_and_the_address_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, lambda *args, **_: asked.append(args))
    later = {"WebHook-Request-Callback": "https://169.254.169.254/latest?id=1"}
    answer = knock("OPTIONS", address("cloudevents"), headers={**ASKS, **later})

    assert answer.headers["WebHook-Allowed-Origin"] == "events.example.test"
    assert asked == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"WebHook-Request-Origin": "a b"}, "WebHook-Request-Origin"),
        ({"WebHook-Request-Origin": "stra\xdfe"}, "WebHook-Request-Origin"),
        ({"WebHook-Request-Origin": "x" * 256}, "WebHook-Request-Origin"),
        *(({**ASKS, "WebHook-Request-Rate": rate}, "WebHook-Request-Rate") for rate in ("0", "-1", "1.5", "x", "\xb2")),
    ],
)
def test_a_question_that_can_not_be_understood_is_no_permission(asked: dict[str, str], field: str) -> None:
    answer = knock("OPTIONS", address("cloudevents"), headers=asked)

    assert (answer.status, said(answer)["field"]) == (400, field)
    assert not answer.headers


def test_without_an_origin_options_say_only_what_can_be_asked() -> None:
    assert knock("OPTIONS", address("cloudevents")).headers == {"Allow": "OPTIONS, POST"}


# Slack ----------------------------------------------------------------------------------------------------------------


def slack(status: str, colour: str) -> dict[str, object]:
    title = f"[{status}] HighLoad on web1 (severity=critical)"
    attachment = {"title": title, "title_link": "https://am.example.test/", "text": "Load is 9", "color": colour}
    return {"channel": "#x", "username": "Alertmanager", "attachments": [attachment]}


@pytest.mark.parametrize("form", ["json", "payload", "json that calls itself a form"])
def test_a_message_with_an_attachment_fires_and_a_good_one_ends_it(form: str) -> None:
    path = address("slack")

    def send(body: object) -> None:
        raw = json.dumps(body)
        raw = urlencode({"payload": raw}) if form == "payload" else f"   {raw}\n"
        kind = "application/json" if form == "json" else "application/x-www-form-urlencoded"
        answer = knock("POST", path, raw, headers={"Content-Type": kind})
        assert (answer.status, answer.body) == (200, b"ok")

    send(slack("FIRING:1", "danger"))
    alert = Alert.objects.get()
    assert (alert.severity, alert.annotations["description"]) == ("critical", "Load is 9")
    assert alert.link == "https://am.example.test/"
    send(slack("RESOLVED", "good"))
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_plain_words_are_an_alert_that_ends_after_a_day() -> None:
    path = address("slack")
    knock("POST", path, {"text": "Backup failed on db1\nsee the log"})
    assert Alert.objects.get().title == "Backup failed on db1"
    CLOCK.move(timedelta(days=1, minutes=1))
    actions.expire()
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_blocks_are_read() -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Disk* full"}}, {"type": "divider"}]
    knock("POST", address("slack"), {"blocks": blocks})

    assert Alert.objects.get().title == "*Disk* full"


@pytest.mark.parametrize(
    ("title", "about"),
    [
        ("[FIRING:2] HighLoad (web)", "HighLoad (web)"),
        ("[RESOLVED] HighLoad (web)", "HighLoad (web)"),
        ("🔥 [FIRING] HighLoad", "HighLoad"),
        (":fire: HighLoad", "HighLoad"),
        ("Recovered: HighLoad", "HighLoad"),
        ("test alarm = new value", "test alarm"),
        ("[RESOLVED]", "[RESOLVED]"),
    ],
)
def test_a_title_tells_which_condition_is_meant(title: str, about: str) -> None:
    assert condition(title) == about


@pytest.mark.parametrize("body", [b"", b"text=hi", b"{}", b'{"text": ""}', b"payload=", b"payload={", b"\xff=\xff"])
def test_what_says_nothing_is_refused_as_slack_does(body: bytes) -> None:
    answer = knock("POST", address("slack"), body)

    assert (answer.status, answer.body) == (400, b"invalid_payload")


def test_netdata_calls_its_json_a_form_and_is_understood() -> None:
    path = address("slack")

    def send(value: str, colour: str) -> None:
        attachment = {"color": colour, "title": f"disk_space = {value}", "text": "space on /", "footer": "by web1"}
        text = f"web1 is {colour}, `disk.space` (_/_), *disk_space = {value}*"
        body = json.dumps({"channel": "#x", "username": "netdata on web1", "text": text, "attachments": [attachment]})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert knock("POST", path, f"        {body}", headers=headers).status == 200

    send("95%", "warning")
    send("99%", "danger")
    alert = Alert.objects.get()
    assert (alert.labels["alertname"], alert.labels["sender"], alert.signal_count) == (
        "disk_space",
        "netdata on web1",
        2,
    )
    send("40%", "good")
    assert Alert.objects.get().state == Alert.State.RESOLVED
