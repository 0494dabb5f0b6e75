"""Hostile bodies at every door: a clear 4xx, or taken and shown safely; never a 5xx."""

import json
from collections.abc import Iterator
from time import thread_time

import pytest
from django.test import Client

from raglan.alerts import matchers, ports
from raglan.alerts.actions import note_error
from raglan.alerts.models import Alert, Signal, Source
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.ports import Door, IntakeRequest, Sampled, SourceKey
from raglan.core.decode import Json
from raglan.core.errors import BadInput
from raglan.edge import mail
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.doorstep import knock, make

pytestmark = pytest.mark.django_db
KINDS = [
    (kind, "") for kind in ("alertmanager", "webhook", "grafana", "pagerduty", "opsgenie", "nagios", "zabbix", "sentry")
] + [("cloudevents", ""), ("slack", ""), ("generic", ""), ("sns", "")]
PATHS = {
    "alertmanager": "/api/v2/alerts",
    "webhook": "/alertmanager",
    "pagerduty": "/v2/enqueue",
    "opsgenie": "/v2/alerts",
    "generic": "/",
}
BIG = "x" * 65_536
NASTY: list[Json] = [
    "\x00",
    "\ud800",
    "<script>alert(1)</script>",
    "\u202e",
    BIG,
    -1,
    2**63 - 1,
    True,
    None,
    [],
    {},
    [[]],
    {"": ""},
]
OLD: dict[str, dict[str, Json]] = {
    "alertmanager": {"labels": {"alertname": "A"}, "annotations": {}, "startsAt": "", "endsAt": ""},
    "webhook": {"alerts": [{"status": "firing", "labels": {"alertname": "A"}, "annotations": {}, "startsAt": ""}]},
    "pagerduty": {
        "event_action": "trigger",
        "dedup_key": "k",
        "client": "",
        "client_url": "",
        "links": [{"href": "https://x.test/", "text": ""}],
        "images": [{"src": "https://x.test/", "alt": ""}],
        "payload": {"summary": "A", "source": "s", "severity": "info", "timestamp": "", "custom_details": {"a": 1}},
    },
    "generic": {"title": "A", "key": "", "status": "", "severity": "", "link": "", "labels": {"a": "b"}},
}


def path_of(kind: str, token: str) -> str:
    return f"/integrations/{token}{PATHS.get(kind, f'/{kind}')}"


def body_of(kind: str) -> Json:
    door = ports.door_of_kind(kind)
    if isinstance(door, Sampled) and kind not in OLD:
        source = ports.SourceKey(1, "x", kind)
        found: Json = json.loads(door.sample(source).body)
        return found
    return OLD[kind]


def variants(value: Json) -> Iterator[Json]:
    """Return a body with each of its values replaced by each nasty one, and with nasty ones added."""
    match value:
        case dict():
            for name, item in value.items():
                for changed in variants(item):
                    yield {**value, name: changed}
            yield {**value, **{f"extra {number}": item for number, item in enumerate(NASTY)}}
            yield {**value, "\ud800\x00": "\ud800\x00"}
            yield {}
        case list():
            for changed in variants(value[0]) if value else ():
                yield [changed]
            yield [*value, None, 7, "x"]
        case _:
            yield from NASTY


def header_of(kind: str) -> dict[str, str]:
    return {"Content-Type": "application/json"}


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_no_value_in_a_body_makes_a_decoder_raise(kind: str) -> None:
    source, token = make(kind)
    tried = 0
    for body in variants([body_of(kind)] if kind == "alertmanager" else body_of(kind)):
        tried += 1
        whole = {**body, "routing_key": token} if kind == "pagerduty" and isinstance(body, dict) else body
        assert knock("POST", path_of(kind, token), json.dumps(whole), headers=header_of(kind)).status < 500, str(body)[
            :300
        ]
    assert tried > 20
    assert Source.objects.get(pk=source.pk).slug


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\xff\xfe\x00",
        b"null",
        b'"x"',
        b"[" * 40 + b"]" * 40,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"a": 1e999}',
        b'{"a": NaN}',
        b'{"a": 99999999999999999999999999}',
        b"[" + b"0," * 10_001 + b"0]",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    ],
    ids=lambda body: body[:12],
)
def test_what_is_no_message_is_a_4xx(kind: str, body: bytes) -> None:
    _, token = make(kind)

    assert 400 <= knock("POST", path_of(kind, token), body, headers=header_of(kind)).status < 500


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-1.amazonaws.com/a.pem?b",
        "https://sns.eu-west-1.amazonaws.com/a.pem#b",
        "https://sns.eu-west-1.amazonaws.com/a\t.pem",
        f"https://sns.eu-west-1.amazonaws.com/{BIG}.pem",
        f"https://sns.eu-{BIG}-1.amazonaws.com/a.pem",
        f"https://sns.eu{'-a' * 30_000}.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com\\@x.test/a.pem",
        "https://sns.eu-west-1.amazonaws.com:99999/a.pem",
        "https://[sns.eu-west-1.amazonaws.com]/a.pem",
        "\x00",
    ],
    ids=lambda url: url[-20:],
)
def test_no_made_up_address_of_a_certificate_is_asked(url: str) -> None:
    _, token = make("sns")
    body = {"Type": "Notification", "SigningCertURL": url, "SignatureVersion": "2", "Signature": "AAAA", "Message": "m"}

    assert knock("POST", path_of("sns", token), body).status == 403


@pytest.mark.parametrize("value", ["a," * 100_000, '"' * 200_000, "=?" * 100_000, "\x00\xff" * 9, "a;" * 100_000, ""])
@pytest.mark.parametrize("name", ["From", "To", "Subject", "References", "Content-Type", "Content-Transfer-Encoding"])
def test_no_header_of_a_mail_makes_reading_it_raise_or_take_long(name: str, value: str) -> None:
    _, token = make("email")
    content = f"Subject: A\r\nMessage-ID: <a@b>\r\n{name}: {value}\r\n\r\nwords\r\n".encode("latin-1")
    before = thread_time()

    assert mail.deliver("m@example.test", [f"alerts+{token}@raglan.example.test"] * 10, content) == mail.GOOD
    assert thread_time() - before < 5
    assert Alert.objects.exists()


@pytest.mark.parametrize("labels", [{f"l{n}": "x" for n in range(4_500)}, {"a": BIG}, {BIG[:5_000]: "x"}])
def test_too_many_or_too_long_labels_are_cut_where_it_shows(labels: dict[str, str]) -> None:
    world.administrator()
    _, token = make("grafana")
    alert = {"status": "firing", "labels": {"alertname": "Big", **labels}, "annotations": labels}
    assert knock("POST", f"/integrations/{token}/grafana", {"alerts": [alert]}).status == 200

    kept = Alert.objects.get().labels
    assert len(kept) <= ports.MAX_LABELS + 1
    assert "shortened" in str(kept) or "raglan_labels_left_out" in kept


@pytest.mark.parametrize("time", ["0000-00-00", "9999-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "soon", "-1"])
def test_times_that_can_not_be_are_refused_or_left_out(time: str) -> None:
    for kind, path, body in (
        ("grafana", "/grafana", {"alerts": [{"status": "firing", "labels": {"a": "b"}, "startsAt": time}]}),
        ("nagios", "/nagios", {"type": "PROBLEM", "host": "h", "at": time}),
        ("cloudevents", "/cloudevents", {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "time": time}),
    ):
        _, token = make(kind)
        assert knock("POST", f"/integrations/{token}{path}", body).status < 500


def test_markup_in_every_place_is_shown_as_text() -> None:
    person = Person.objects.create_person("a@example.test", "Ada Lamb", role=Person.Role.ADMINISTRATOR)
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    source, token = make("opsgenie")
    body = {"message": evil, "alias": evil, "tags": [evil], "details": {evil: evil}, "entity": evil, "note": evil}
    knock("POST", f"/integrations/{token}/v2/alerts", body)
    number = Alert.objects.get().pk
    knock("POST", f"/integrations/{token}/v2/alerts/{number}/notes", {"note": evil, "user": evil})
    knock("POST", f"/integrations/{token}/v2/alerts", {"message": evil, "priority": evil})
    browser = Client()
    browser.force_login(person)

    for page in (f"/alerts/{number}/", "/alerts/", f"/alerts/groups/{Alert.objects.get().group_id}/"):
        html = browser.get(page).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    assert "<script>alert" not in browser.get(f"/setup/sources/{source.slug}/").content.decode()


def test_the_token_of_a_source_stands_in_no_stored_body() -> None:
    _, token = make("pagerduty")
    knock("POST", "/v2/enqueue", {"routing_key": token, "event_action": "trigger", "payload": {"summary": ""}})
    knock("POST", "/v2/enqueue", {"routing_key": token, "event_action": "resolve", "dedup_key": "x"})

    assert token not in str(list(Signal.objects.values_list("raw", flat=True)))


def test_every_door_that_can_make_a_sample_understands_it(client: Client) -> None:
    doors: list[Door] = [door for door in ports._doors if isinstance(door, Sampled)]
    assert len(doors) > 7
    for door in doors:
        assert isinstance(door, Sampled)
        kind = door.kinds[0]
        request: IntakeRequest = door.sample(ports.SourceKey(1, "x", kind))
        assert door.takes(request.method, request.path) or kind == "email"
        assert [signal.status for signal in door.decode(ports.SourceKey(1, "x", kind), request).signals] == ["firing"]


def test_what_is_refused_with_a_nul_in_it_is_noted() -> None:
    source, token = make("heartbeat")
    answer = knock("GET", f"/integrations/{token}/ping/n", query="status=%00")
    assert (answer.status, "\x00" in str(answer.body)) == (400, False)
    note_error(source.pk, "not known: \x00\ud800" + "x" * 2_000, body=b"\x00\xff")

    source.refresh_from_db()
    assert source.last_error.startswith("not known: \ufffd\ufffdxx")
    assert Signal.objects.get().problem == source.last_error


MANY = "&".join(f"a{number}=b" for number in range(51))


@pytest.mark.parametrize(
    ("kind", "method", "path", "body", "query"),
    [
        ("heartbeat", "GET", "/ping/n", "", MANY),
        ("opsgenie", "GET", "/v2/alerts", "", MANY),
        ("slack", "POST", "/slack", f"payload={{}}&{MANY}", ""),
        ("github", "POST", "/github", f"payload={{}}&{MANY}", ""),
    ],
)
def test_more_fields_than_anybody_sends_are_refused_in_words(
    kind: str, method: str, path: str, body: str, query: str
) -> None:
    _, token = make(kind)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-GitHub-Event": "push"}
    answer = knock(method, f"/integrations/{token}{path}", body, query=query, headers=headers)

    assert answer.status == 422
    assert kind == "slack" or "50 fields" in str(answer.body)


@pytest.mark.parametrize("path", ["alerts", "alerts/groups", "silences", "status", "receivers"])
@pytest.mark.parametrize("query", [MANY, "&".join(["active="] * 51)])
def test_more_fields_than_anybody_asks_alertmanagers_api_with_are_refused_in_its_manner(path: str, query: str) -> None:
    source, _ = make("alertmanager")
    desk = ports.desk_for("GET", f"/api/v2/{path}")
    assert desk is not None
    key = SourceKey(source.pk, source.slug, "alertmanager")

    said = desk.answer(key, IntakeRequest("GET", f"/api/v2/{path}", query, {}, b"", "127.0.0.1"))
    few = desk.answer(key, IntakeRequest("GET", f"/api/v2/{path}", "active=&filter=a%3Db", {}, b"", "127.0.0.1"))

    assert (said.status, said.body) == (422, {"code": 601, "message": "more than 50 fields"})
    assert few.status == 200


def test_a_pattern_that_can_not_be_read_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput):
        matchers.check(Matcher("a", "=~", "("), "filter")
    with pytest.raises(BadInput):
        make("email", mapping={"key": "("})

    assert capfd.readouterr() == ("", "")
