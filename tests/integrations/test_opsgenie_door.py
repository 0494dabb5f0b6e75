"""Opsgenie's alert API, as its clients use it."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from raglan.alerts import heartbeats
from raglan.alerts.models import Alert, Heartbeat, Source
from raglan.alerts.ports import SourceKey
from raglan.alerts.queries import notes
from raglan.config import config
from raglan.core.clock import now
from raglan.core.models import Event
from raglan.edge import catching_up, heads
from raglan.integrations.opsgenie.doors import ask
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.doorstep import knock, make, said

pytestmark = pytest.mark.django_db
CREATE: dict[str, object] = {
    "message": "Disk full on db1",
    "alias": "db1-disk",
    "description": "0 % free",
    "responders": [{"type": "user", "username": "m"}, {"type": "team", "name": "net"}],
    "tags": ["service:db", "a", "http://x"],
    "details": {"k": "v", "n": 7, "list": [1]},
    "entity": "db1",
    "source": "cron",
    "priority": "P1",
}


@pytest.fixture
def keyed() -> tuple[Source, dict[str, str]]:
    """A source, and the header by which its clients come."""
    source, token = make("opsgenie")
    return source, {"Authorization": f"GenieKey {token}"}


@pytest.fixture
def key(keyed: tuple[Source, dict[str, str]]) -> dict[str, str]:
    """The header by which clients of a source come."""
    return keyed[1]


def request_status(key: dict[str, str], request: object) -> dict[str, object]:
    data = said(knock("GET", f"/v2/alerts/requests/{request}", headers=key))["data"]
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize("path", ["/v2/alerts", "/v2/alerts/", "//v2//alerts/"])
def test_create_opens_an_alert_and_its_request_can_be_asked_for(key: dict[str, str], path: str) -> None:
    answer = knock("POST", path, CREATE, headers=key)
    alert = Alert.objects.get()

    assert (answer.status, alert.title, alert.severity) == (202, "Disk full on db1", "critical")
    assert (alert.labels["service"], alert.labels["team"], alert.labels["priority"]) == ("db", "net", "P1")
    assert alert.annotations == {"description": "0 % free", "k": "v", "n": "7", "list": "[1]"}
    status = request_status(key, said(answer)["requestId"])
    assert status["success"] is True
    assert (status["action"], status["alias"], status["alertId"]) == ("Create", "db1-disk", str(alert.pk))


def test_the_token_may_stand_in_the_path_or_in_the_query() -> None:
    _, token = make("opsgenie")
    knock("POST", f"/integrations/{token}/v2/alerts", CREATE)
    knock("POST", "/v2/alerts", CREATE, query=f"apiKey={token}")

    assert Alert.objects.get().signal_count == 2


def test_close_by_alias_ends_it(key: dict[str, str]) -> None:
    knock("POST", "/v2/alerts", CREATE, headers=key)
    answer = knock("POST", "/v2/alerts/db1-disk/close", {"user": "me"}, query="identifierType=alias", headers=key)

    assert answer.status == 202
    assert Alert.objects.get().state == Alert.State.RESOLVED
    assert request_status(key, said(answer)["requestId"])["success"] is True


@pytest.mark.parametrize("by", ["", "identifierType=id", "identifierType=tiny"])
def test_close_and_delete_by_number_end_it(key: dict[str, str], by: str) -> None:
    knock("POST", "/v2/alerts", CREATE, headers=key)
    knock("POST", f"/v2/alerts/{Alert.objects.get().pk}/close", {}, query=by, headers=key)
    assert Alert.objects.get().state == Alert.State.RESOLVED
    knock("POST", "/v2/alerts", {**CREATE, "alias": "other"}, headers=key)
    knock("DELETE", f"/v2/alerts/{Alert.objects.get(dedup_key='other').pk}", query=by, headers=key)

    assert not Alert.objects.filter(state=Alert.State.FIRING).exists()


def test_closing_what_does_not_exist_is_told_when_asked(key: dict[str, str]) -> None:
    answer = knock("POST", "/v2/alerts/nothing/close", {}, query="identifierType=alias", headers=key)

    assert answer.status == 202
    status = request_status(key, said(answer)["requestId"])
    assert (status["success"], status["status"]) == (False, "There is no open alert with alias [nothing]")


def test_acknowledge_takes_the_page_and_keeps_the_note(key: dict[str, str]) -> None:
    world.administrator()
    knock("POST", "/v2/alerts", CREATE, headers=key)
    words = {"user": "mara", "note": "looking\x00"}
    knock("POST", "/v2/alerts/db1-disk/acknowledge", words, query="identifierType=alias", headers=key)

    assert Page.objects.get().state == Page.State.ACKNOWLEDGED
    assert [(note.by, note.text) for note in notes(Alert.objects.get())] == [("mara", "looking\ufffd")]


@pytest.mark.parametrize(
    ("method", "verb", "body", "text"),
    [
        ("POST", "notes", {"note": "hi"}, "hi"),
        ("PUT", "message", {"message": "Disk nearly full"}, "New message: Disk nearly full"),
        ("PUT", "description", {"description": "1 %"}, "New description: 1 %"),
        ("POST", "tags", {"tags": ["b"]}, 'New tags: ["b"]'),
    ],
)
def test_what_is_said_about_it_is_kept(
    key: dict[str, str], method: str, verb: str, body: dict[str, object], text: str
) -> None:
    knock("POST", "/v2/alerts", CREATE, headers=key)
    answer = knock(method, f"/v2/alerts/db1-disk/{verb}", body, query="identifierType=alias", headers=key)

    assert answer.status == 202
    assert [note.text for note in notes(Alert.objects.get())] == [text]


@pytest.mark.parametrize("verb", ["explode", "details/x", "attachments"])
def test_what_raglan_does_not_do_from_outside_is_said(key: dict[str, str], verb: str) -> None:
    knock("POST", "/v2/alerts", CREATE, headers=key)
    answer = knock("POST", f"/v2/alerts/db1-disk/{verb}", {}, query="identifierType=alias", headers=key)

    assert answer.status == 422
    assert verb in str(said(answer)["message"])


def test_get_shows_the_alert_and_who_has_it(key: dict[str, str]) -> None:
    ada = world.administrator()
    knock("POST", "/v2/alerts", CREATE, headers=key)
    paging.acknowledge(Page.objects.get(), by=ada, via=paging.Via.LINK)

    data = said(knock("GET", "/v2/alerts/db1-disk", query="identifierType=alias", headers=key))["data"]
    assert isinstance(data, dict)
    assert (data["status"], data["acknowledged"], data["owner"]) == ("open", True, "Ada Lamb")
    assert (data["tags"], data["priority"], data["count"]) == (["a", "http://x", "service:db"], "P1", 1)
    by_number = said(knock("GET", f"/v2/alerts/{data['id']}", headers=key))["data"]
    assert by_number == data


def test_lists_are_of_the_source_alone_and_can_be_narrowed(key: dict[str, str]) -> None:
    for number in range(3):
        knock("POST", "/v2/alerts", {"message": f"A {number}", "alias": str(number)}, headers=key)
    knock("POST", "/v2/alerts/0/close", {}, query="identifierType=alias", headers=key)
    _, other = make("opsgenie")
    knock("POST", f"/integrations/{other}/v2/alerts", {"message": "Of another", "alias": "0"})

    def aliases(query: str) -> list[str]:
        data = said(knock("GET", "/v2/alerts", query=query, headers=key))["data"]
        assert isinstance(data, list)
        return [str(item["alias"]) for item in data]

    assert aliases("") == ["2", "1", "0"]
    assert aliases("query=status%3Aopen") == ["2", "1"]
    assert aliases("query=status%3A%20closed") == ["0"]
    assert aliases("query=A%202") == ["2"]
    assert aliases("limit=1&offset=1") == ["1"]
    assert aliases("limit=x&offset=-1") == ["2", "1", "0"]
    assert said(knock("GET", "/v2/alerts/count", headers=key))["data"] == {"count": 3}


@pytest.mark.parametrize("alias", ["db1/disk", "https://example.test/a?b=c", "x%41y", "50 % full", "a+b", "ä"])
def test_an_alias_of_any_letters_is_found_by_its_quoted_form(key: dict[str, str], alias: str) -> None:
    knock("POST", "/v2/alerts", {**CREATE, "alias": alias}, headers=key)
    there = f"/v2/alerts/{quote(alias, safe='')}"
    assert said(knock("GET", there, query="identifierType=alias", headers=key))["data"]["alias"] == alias  # type: ignore[index]

    assert knock("POST", f"{there}/close", {}, query="identifierType=alias", headers=key).status == 202
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_a_quoted_path_comes_through_the_edge_and_the_spool(key: dict[str, str]) -> None:
    scope = {
        **{"method": "POST", "path": "/v2/alerts/db1/disk/close", "raw_path": b"/v2/alerts/db1%2Fdisk/close"},
        **{"query_string": b"identifierType=alias", "headers": [], "client": ("127.0.0.1", 1)},
    }
    request = heads.request_of(scope, 0)
    source = SourceKey(1, "o", "opsgenie")
    kept = catching_up.request_of(catching_up.record_of(source, request, now(), ""))

    assert [ask(one).alert for one in (request, kept)] == ["db1/disk", "db1/disk"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("alias:db1-disk", ["db1-disk"]),
        ('alias: "db1-disk"', ["db1-disk"]),
        ("alias:nope", []),
        ("status=open AND priority=P1", ["db1-disk"]),
        ("priority: p5", ["low"]),
        ("tag: night AND status: open", ["low"]),
        ("tag:nigh", []),
        ("message: Paper", ["low"]),
        ("Paper", ["low"]),
    ],
)
def test_a_query_gives_what_it_asks_for(key: dict[str, str], query: str, expected: list[str]) -> None:
    knock("POST", "/v2/alerts", CREATE, headers=key)
    low = {"message": "Paper is out", "alias": "low", "priority": "P5", "tags": ["night", "office"]}
    knock("POST", "/v2/alerts", low, headers=key)

    data = said(knock("GET", "/v2/alerts", query=f"query={quote(query)}", headers=key))["data"]
    assert [item["alias"] for item in data] == expected  # type: ignore[attr-defined]
    count = said(knock("GET", "/v2/alerts/count", query=f"query={quote(query)}", headers=key))["data"]
    assert count == {"count": len(expected)}


@pytest.mark.parametrize(
    "query",
    [
        *("owner: me", "alias:a OR alias:b", "NOT status: open", "status: odd", "createdAt > 1", "alias:a owner:b"),
        *('alias:""', 'alias:"" AND status: open', 'message:""', "alias:a AND alias:b", "status:open status:closed"),
    ],
)
def test_a_query_that_is_not_understood_gives_nothing_rather_than_everything(key: dict[str, str], query: str) -> None:
    answer = knock("GET", "/v2/alerts", query=f"query={quote(query)}", headers=key)
    assert answer.status == 422


def test_another_source_sees_and_ends_nothing(key: dict[str, str]) -> None:
    knock("POST", "/v2/alerts", CREATE, headers=key)
    number = Alert.objects.get().pk
    _, other = make("opsgenie")
    prefix = f"/integrations/{other}/v2/alerts"

    assert knock("GET", f"{prefix}/{number}").status == 404
    assert knock("GET", f"{prefix}/db1-disk", query="identifierType=alias").status == 404
    knock("POST", f"{prefix}/{number}/close", {})
    knock("POST", f"{prefix}/db1-disk/close", {}, query="identifierType=alias")
    knock("POST", f"{prefix}/{number}/notes", {"note": "x"})
    assert Alert.objects.get().state == Alert.State.FIRING
    assert notes(Alert.objects.get()) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": 7}, "message"),
        ({"message": "x", "priority": "P9"}, "priority"),
        ({"message": "x", "alias": "a" * 1025}, "alias"),
        ({"message": "x", "alias": []}, "alias"),
        ({"message": "x", "description": []}, "description"),
    ],
)
def test_what_is_wrong_is_named(key: dict[str, str], body: dict[str, object], field: str) -> None:
    answer = knock("POST", "/v2/alerts", body, headers=key)

    assert answer.status == 422
    assert field in str(said(answer)["errors"])


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"\xff", b'{"message": "x", "tags": {"a": 1}, "details": 7}'])
def test_strange_bodies_get_an_answer_below_500(key: dict[str, str], body: bytes) -> None:
    assert knock("POST", "/v2/alerts", body, headers=key).status < 500


@pytest.mark.parametrize("text", ["x", "~", "e30", "WzFd", "bnVsbA", "%00", "a" * 3000])
def test_a_request_that_never_was_is_not_found(key: dict[str, str], text: str) -> None:
    assert knock("GET", f"/v2/alerts/requests/{text}", headers=key).status == 404


def test_a_heartbeat_is_pinged_by_its_name(keyed: tuple[Source, dict[str, str]]) -> None:
    source, key = keyed
    heartbeats.create(source, heartbeats.Draft("Nightly backup", "nightly backup", 600, 60), actor="raglan")

    for method in ("GET", "POST", "PUT"):
        answer = knock(method, "/v2/heartbeats/nightly%20backup/ping", headers=key)
        assert (answer.status, said(answer)["result"]) == (202, "PONG - Heartbeat received")
    assert Heartbeat.objects.get().state == Heartbeat.State.UP
    data = said(knock("GET", "/v2/heartbeats/nightly%20backup", headers=key))["data"]
    assert isinstance(data, dict)
    assert (data["interval"], data["intervalUnit"], data["expired"]) == (10, "minutes", False)
    assert knock("GET", "/v2/heartbeats/other/ping", headers=key).status == 404


# The page of an alert -------------------------------------------------------------------------------------------------


def do(key: dict[str, str], verb: str, body: dict[str, object], alias: str = "db1-disk") -> int:
    return knock("POST", f"/v2/alerts/{alias}/{verb}", body, query="identifierType=alias", headers=key).status


@pytest.fixture
def paged(key: dict[str, str]) -> tuple[Person, Person]:
    """An alert whose page goes to Mara, then to Otto."""
    mara, otto = world.person("Mara Keller"), world.person("Otto Berg")
    world.route(1, world.policy((300, [mara]), (300, [otto])))
    knock("POST", "/v2/alerts", CREATE, headers=key)
    with world.outbox(world.Outbox()):
        world.fire_all()
    return mara, otto


def asked(page: Page) -> list[str]:
    with world.outbox(world.Outbox()):
        world.fire_all()
    return list(page.reached.order_by("pk").values_list("person__name", flat=True))


def test_snooze_lets_the_page_come_back_at_its_time(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    until = now() + timedelta(minutes=20)
    ends = until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    assert [do(key, "snooze", {"endTime": ends, "user": "ops"}) for _ in range(2)] == [202, 202]

    page = Page.objects.get()
    assert (page.state, page.snoozed_until, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, until, None)
    shown = said(knock("GET", "/v2/alerts/db1-disk", query="identifierType=alias", headers=key))["data"]
    assert isinstance(shown, dict)
    assert shown["snoozed"] is True
    assert Event.objects.filter(kind="page.snoozed", actor__startswith="source:").count() == 1
    world.CLOCK.move(timedelta(minutes=21))
    assert asked(page) == ["Mara Keller", "Mara Keller"]
    assert do(key, "snooze", {"endTime": "soon"}) == 422
    assert do(key, "snooze", {"endTime": "2020-01-01T00:00:00Z"}) == 422


def test_a_snooze_leaves_the_page_with_whoever_has_it(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    paging.acknowledge(Page.objects.get(), by=paged[1], via=paging.Via.LINK)

    assert do(key, "snooze", {"endTime": (now() + timedelta(hours=1)).isoformat()}) == 202

    assert Page.objects.get().acknowledged_by == paged[1]


def test_escalate_takes_the_next_step_now(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    page = Page.objects.get()
    assert asked(page) == ["Mara Keller"]

    assert [do(key, "escalate", {"escalation": {"name": "any"}}) for _ in range(2)] == [202, 202]

    assert asked(page) == ["Mara Keller", "Otto Berg"]
    assert Event.objects.filter(kind="page.hurried").count() == 1
    paging.acknowledge(page, by=paged[0], via=paging.Via.LINK)
    assert do(key, "escalate", {}) == 409


def test_unacknowledge_gives_the_page_back(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    paging.acknowledge(Page.objects.get(), by=paged[0], via=paging.Via.LINK)

    assert [do(key, "unacknowledge", {}) for _ in range(2)] == [202, 202]

    assert Page.objects.get().state == Page.State.TRIGGERED
    assert Event.objects.filter(kind="page.returned").count() == 1


def test_assign_hands_the_page_on(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    assert do(key, "assign", {"owner": {"username": paged[1].email}, "note": "yours"}) == 202

    assert asked(Page.objects.get())[-1] == "Otto Berg"
    assert [note.text for note in notes(Alert.objects.get())] == ["yours"]
    assert do(key, "assign", {"owner": {"username": "nobody@example.test"}}) == 422
    assert do(key, "assign", {"owner": {}}) == 422
    assert do(key, "assign", {}) == 422


def test_a_responder_is_asked_too(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    paging.acknowledge(Page.objects.get(), by=paged[0], via=paging.Via.LINK)

    assert do(key, "responders", {"responder": {"type": "user", "username": paged[1].email}}) == 202

    assert asked(Page.objects.get())[-1] == "Otto Berg"
    assert Page.objects.get().acknowledged_by == paged[0]
    assert do(key, "responders", {"responder": {"type": "team", "name": "net"}}) == 422


@pytest.mark.parametrize("verb", ["escalate", "unacknowledge"])
def test_what_has_no_open_page_is_not_found(key: dict[str, str], verb: str) -> None:
    assert do(key, verb, {}, alias="none") == 404
    knock("POST", "/v2/alerts", CREATE, headers=key)
    knock("POST", "/v2/alerts/db1-disk/close", {}, query="identifierType=alias", headers=key)

    assert do(key, verb, {}) == 404


def test_another_source_does_nothing_with_a_page(key: dict[str, str], paged: tuple[Person, Person]) -> None:
    number = Alert.objects.get().pk
    _, other = make("opsgenie")

    answer = knock("POST", f"/integrations/{other}/v2/alerts/{number}/escalate", {})

    assert answer.status == 404
    assert asked(Page.objects.get()) == ["Mara Keller"]


def test_the_page_of_a_storm_is_left_alone(key: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "storm_groups", 1)
    world.route(1, world.policy((300, [world.person()])))
    for number in range(3):
        knock("POST", "/v2/alerts", {"message": f"A{number}", "alias": f"a{number}"}, headers=key)

    assert do(key, "escalate", {}, alias="a2") == 422
    assert do(key, "escalate", {}, alias="a0") == 202
