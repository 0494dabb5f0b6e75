"""Sources and heartbeats over REST: made, switched, signed, removed; only by those who may configure."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from raglan.alerts.models import Heartbeat, Source
from raglan.people import actions as people
from raglan.people.models import Person

Call = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def call(db: None) -> Call:
    """Call REST with a token of an administrator, or of a viewer."""
    tokens: dict[str, str] = {}

    def ask(
        method: str, path: str, body: object = None, *, role: str = Person.Role.ADMINISTRATOR
    ) -> tuple[int, dict[str, object]]:
        if role not in tokens:
            person = Person.objects.create_person(f"{role}@example.test", role.title(), role=role)
            scopes = ["read", "respond", "configure"] if role == Person.Role.ADMINISTRATOR else ["read"]
            tokens[role] = people.issue_token(person, name="t", scopes=scopes, days=None, actor=person)[1]
        answer = Client().generic(
            method,
            f"/api/v1{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {tokens[role]}"},
        )
        return answer.status_code, json.loads(answer.content or b"{}")

    return ask


@pytest.mark.parametrize("kind", Source.Kind.values)
def test_a_source_of_each_kind_is_made_with_a_line_to_paste(call: Call, kind: str) -> None:
    status, made = call("POST", "/sources", {"name": "It", "slug": "it", "kind": kind, "secret": "s"})

    assert status == 201
    assert str(made["token"]) in str(made["paste"])
    assert "TOKEN" not in str(made["paste"])
    assert Source.objects.get().secret_sealed not in ("", "s")


def test_a_source_is_switched_made_noisy_and_mapped_anew(call: Call) -> None:
    call("POST", "/sources", {"name": "It", "slug": "it", "kind": "generic"})
    status, changed = call("PATCH", "/sources/it", {"enabled": False, "noisy": True, "mapping": {"title": "a.b"}})
    assert (status, changed["disabled_at"] is None, changed["noisy_since"] is None) == (200, False, False)
    assert Source.objects.get().mapping == {"title": "a.b"}
    status, changed = call("PATCH", "/sources/it", {"enabled": True, "noisy": False})
    assert (changed["disabled_at"], changed["noisy_since"]) == (None, None)
    assert Source.objects.get().mapping == {"title": "a.b"}


def test_the_old_token_can_be_ended(call: Call) -> None:
    call("POST", "/sources", {"name": "It", "slug": "it", "kind": "generic"})
    _, rotated = call("POST", "/sources/it/token")
    assert rotated["previous_ends_at"]
    status, ended = call("DELETE", "/sources/it/token")
    assert (status, ended["previous_ends_at"]) == (200, None)


def test_heartbeats_are_made_changed_paused_listed_and_removed(call: Call) -> None:
    call("POST", "/sources", {"name": "It", "slug": "it", "kind": "heartbeat"})
    status, made = call("POST", "/heartbeats", {"source": "it", "slug": "nightly", "name": "Backup", "period_s": 600})
    assert (status, made["state"], made["missing_at"]) == (201, "new", None)
    address = f"/heartbeats/{made['id']}"
    assert call("POST", "/heartbeats", {"source": "it", "slug": "nightly", "name": "Backup"})[0] == 409
    assert call("PUT", address, {"name": "B", "period_s": 60, "grace_s": 0})[1]["period_s"] == 60
    assert call("POST", f"{address}/pause")[1]["state"] == "paused"
    assert call("POST", f"{address}/resume")[1]["state"] == "new"
    assert call("GET", address)[1]["name"] == "B"
    assert call("DELETE", address)[0] == 204
    assert call("GET", address)[0] == 404
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize(
    "body", [{"slug": "a/b"}, {"period_s": 1}, {"period_s": 10**12}, {"grace_s": -1}, {"name": ""}, {"source": "no"}]
)
def test_a_heartbeat_that_can_not_be_is_refused(call: Call, body: dict[str, object]) -> None:
    call("POST", "/sources", {"name": "It", "slug": "it", "kind": "heartbeat"})

    assert call("POST", "/heartbeats", {"source": "it", "slug": "n", "name": "B", **body})[0] == 422


def test_only_those_who_may_configure_change_anything(call: Call) -> None:
    call("POST", "/sources", {"name": "It", "slug": "it", "kind": "heartbeat"})
    call("POST", "/heartbeats", {"source": "it", "slug": "n", "name": "B"})
    number = Heartbeat.objects.get().pk
    for method, path, body in (
        ("PATCH", "/sources/it", {"noisy": True}),
        ("DELETE", "/sources/it/token", None),
        ("POST", "/heartbeats", {"source": "it", "slug": "m", "name": "B"}),
        ("PUT", f"/heartbeats/{number}", {"name": "B", "period_s": 60, "grace_s": 0}),
        ("POST", f"/heartbeats/{number}/pause", None),
        ("DELETE", f"/heartbeats/{number}", None),
        ("POST", "/changes", {"title": "x"}),
    ):
        assert call(method, path, body, role=Person.Role.VIEWER)[0] == 403
    assert Heartbeat.objects.get().state == "new"


def test_a_change_is_told_and_listed(call: Call) -> None:
    body = {"title": "Deploy", "at": "2026-11-23T14:05:00Z", "links": [{"href": "https://ci.test/1", "text": "build"}]}
    made = [call("POST", "/changes", body) for _ in range(2)]
    assert [status for status, _ in made] == [201, 201]
    assert made[0][1]["id"] == made[1][1]["id"]
    assert (made[0][1]["told_by"], made[0][1]["at"]) == ("Administrator", "2026-11-23T14:05:00Z")
    assert call("POST", "/changes", {**body, "links": [{"href": "javascript:alert(1)"}]})[0] == 422


def test_one_source_is_read_and_its_mapping_only_by_those_who_may_configure(call: Call) -> None:
    body = {"name": "It", "slug": "it", "kind": "generic", "mapping": {"title": "a.b"}, "secret": "of the source"}
    token = str(call("POST", "/sources", body)[1]["token"])
    status, shown = call("GET", "/sources/it")
    assert (status, shown["slug"], shown["mapping"], shown["is_signed"]) == (200, "it", {"title": "a.b"}, True)
    status, seen = call("GET", "/sources/it", role=Person.Role.VIEWER)
    assert (status, seen["name"], seen["mapping"]) == (200, "It", None)
    assert token not in str(shown)
    assert "of the source" not in str(shown)
    assert call("GET", "/sources/none")[0] == 404
    assert call("GET", "/sources/It!")[0] == 422


def test_rules_for_mail_are_checked_as_on_the_screen(call: Call) -> None:
    made = {"name": "It", "slug": "it", "kind": "email"}
    status, said = call("POST", "/sources", {**made, "mapping": {"key": "("}})
    assert (status, said["field"]) == (422, "mapping.key")
    assert "can not be read" in str(said["message"])
    assert not Source.objects.exists()

    call("POST", "/sources", made)
    status, said = call("PATCH", "/sources/it", {"mapping": {"key": "x", "resolve": "ok"}})
    assert (status, said["field"]) == (422, "mapping.resolve")
    assert "is no rule for mail; there are key, resolved," in str(said["message"])
    assert call("PATCH", "/sources/it", {"enabled": False, "mapping": {"ends_after_hours": "2"}})[0] == 422
    assert (Source.objects.get().mapping, Source.objects.get().disabled_at) == ({}, None)
    assert call("PATCH", "/sources/it", {"mapping": {"resolved": "fine", "ends_after_hours": 2}})[0] == 200
    assert Source.objects.get().mapping == {"resolved": "fine", "ends_after_hours": 2}
