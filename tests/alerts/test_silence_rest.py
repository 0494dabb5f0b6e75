import json
from datetime import timedelta, timezone

import pytest
from django.http import HttpResponse
from django.test import Client

from raglan.alerts.models import Alert, Silence
from raglan.alerts.ports import SourceKey
from raglan.core.clock import now
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world

DOWN = [{"name": "alertname", "op": "=", "value": "HttpdDown"}]


def call(who: Person, method: str, path: str, body: object = None, *, scopes: tuple[str, ...] = ("read", "respond")):
    secret = people.issue_token(who, name="t", scopes=list(scopes), days=9, actor=who)[1]
    data = json.dumps(body) if body is not None else ""
    head = {"Authorization": f"Bearer {secret}"}
    answer = Client().generic(method, f"/api/v1{path}", data, content_type="application/json", headers=head)
    assert isinstance(answer, HttpResponse)
    return answer


def wish(**values: object) -> dict[str, object]:
    ends_at = (now() + timedelta(hours=1)).isoformat()
    return {"matchers": DOWN, "ends_at": ends_at, "reason": "planned", **values}


def test_a_silence_is_set_read_changed_and_ended(mara: Person, source: SourceKey) -> None:
    world.ingest(source, world.signal())
    made = call(mara, "POST", "/silences", wish())
    path = f"/silences/{made.json()['id']}"
    assert (made.status_code, made.json()["state"], made.json()["who"]) == (201, "active", "Mara Keller")
    assert call(mara, "GET", f"/alerts/{Alert.objects.get().pk}").json()["held"] == "silenced"

    changed = call(mara, "PUT", path, wish(reason="longer", version=1))
    again = call(mara, "PUT", path, wish(reason="too late", version=1))
    ended = call(mara, "DELETE", path)

    assert (changed.json()["reason"], again.status_code, ended.json()["state"]) == ("longer", 409, "expired")
    assert [row["state"] for row in call(mara, "GET", "/silences?state=expired").json()] == ["expired"]
    assert call(mara, "PUT", path, wish(version=3)).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends_at": "2030-01-01T10:00:00"}, "ends_at"),
        ({"ends_at": "2020-01-01T10:00:00Z"}, "ends_at"),
        ({"ends_at": "9999-12-31T23:59:59Z"}, "ends_at"),
        ({"ends_at": 12}, "ends_at"),
        ({"matchers": []}, "matchers"),
        ({"matchers": [{"name": "a", "op": "~", "value": ""}]}, "matchers[0].op"),
        ({"matchers": [{"name": "a", "op": "=~", "value": "("}]}, "matchers[0].value"),
        ({"reason": ""}, "reason"),
        ({"reasons": "x"}, "reasons"),
    ],
)
def test_what_can_not_be_is_refused_with_its_field(mara: Person, change: dict[str, object], field: str) -> None:
    body = wish(**change)
    answer = call(mara, "POST", "/silences", body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Silence.objects.exists()


def test_a_time_with_another_offset_is_the_same_instant(mara: Person) -> None:
    ends_at = (now() + timedelta(hours=2)).astimezone(timezone(timedelta(hours=5)))

    made = call(mara, "POST", "/silences", wish(ends_at=ends_at.isoformat())).json()

    assert Silence.objects.get(pk=made["id"]).ends_at == ends_at
    assert made["ends_at"].endswith("Z")


def test_who_only_reads_sets_and_ends_nothing(mara: Person) -> None:
    silence = world.silence(("a", "=", "b"))
    for method, path, body in (("POST", "/silences", wish()), ("DELETE", f"/silences/{silence.pk}", None)):
        assert call(mara, method, path, body, scopes=("read",)).status_code == 403


def test_the_preview_counts_and_sets_nothing(mara: Person, source: SourceKey) -> None:
    world.ingest(source, world.signal())

    seen = call(mara, "POST", "/silences/preview", {"matchers": DOWN}).json()

    assert (seen["firing"], seen["lately"], len(seen["alert_ids"]), Silence.objects.count()) == (1, 1, 1, 0)
