"""REST of paging: policies with all their choices, and what can be done with a page."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.paging import actions
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world

Answer = tuple[int, dict[str, object]]
Call = Callable[..., Answer]
HOURS = {"zone": "Europe/Berlin", "days": [0, 1, 2], "since": "08:00", "until": "16:30"}


@pytest.fixture
def boss(db: None) -> Person:
    """A manager."""
    return world.person("Mo Boss", role="manager")


@pytest.fixture
def call(boss: Person) -> Call:
    """Return a function that calls REST as a manager, or as somebody else."""

    def do(method: str, path: str, body: object = None, *, by: Person | None = None) -> Answer:
        scopes = ["read", "respond", "page", "configure"]
        _, secret = world.people.issue_token(by or boss, name="t", scopes=scopes, days=1, actor="raglan")
        client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {secret}"})
        sent = b"" if body is None else json.dumps(body)
        answer = client.generic(method, f"/api/v1{path}", sent, content_type="application/json")
        return answer.status_code, answer.json()

    return do


def whole(person: Person, **more: object) -> dict[str, object]:
    target = {"type": "person", "id": person.pk}
    hook = {"type": "webhook", "url": "https://hooks.example.test/x"}
    steps = [{"wait_s": 60, "targets": [target, hook], "acknowledge": "each"}, {"wait_s": 600, "targets": [target]}]
    return {"name": "Web", "slug": "web", "repeat": 1, "steps": steps, **more}


def test_a_policy_with_all_its_choices_comes_back_as_it_was_sent(call: Call, boss: Person) -> None:
    choices = {"when_nobody": "hold", "earlier_steps": "stop", "urgency": "severity", "forgotten_after_s": 3600}

    status, made = call("POST", "/policies", whole(boss, hours=HOURS, **choices))

    assert (status, made["version"], made["hours"]) == (201, 1, HOURS)
    assert {name: made[name] for name in choices} == choices
    assert call("GET", "/policies/web")[1] == made
    assert made["words"][0] == (  # type: ignore[index]  # a list
        "At once: Mo Boss and a program at https://hooks.example.test/x. Each of them must acknowledge."
    )


def test_the_versions_of_a_policy_are_listed(call: Call, boss: Person) -> None:
    for number in range(3):
        call("POST", "/policies", whole(boss, name=f"Web {number}"))

    _, found = call("GET", "/policies/web/versions?limit=2")

    assert [(one["version"], one["name"], one["by"]) for one in found] == [  # type: ignore[index]  # a list
        (3, "Web 2", f"person:{boss.pk}"),
        (2, "Web 1", f"person:{boss.pk}"),
    ]


def test_a_way_that_can_never_be_tried_is_a_warning(call: Call, boss: Person) -> None:
    actions.set_rules(boss, [(world.mail_of(boss).pk, 120)], by=boss)

    _, made = call("POST", "/policies", whole(boss, earlier_steps="stop"))

    assert made["warnings"] == [
        "Mo Boss: Email after 2 minutes can never be tried at step 1; the next step comes after 1 minute and stops it.",
        "Mo Boss: has never answered a test",
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"urgency": "low"}, "hours"),
        ({"hours": {**HOURS, "zone": "Mars/Olympus"}}, "hours.zone"),
        ({"hours": {**HOURS, "until": "07:00"}}, "hours.until"),
        ({"when_nobody": "nothing"}, ""),
        ({"hours": {**HOURS, "since": "25:00"}}, ""),
        ({"forgotten_after_s": -1}, ""),
        ({"steps": [{"targets": [{"type": "webhook", "url": "file:///etc/passwd"}]}]}, "steps[0].targets[0].url"),
        ({"steps": [{"targets": [{"type": "webhook", "url": "https://a.example.test/"}]}]}, "steps"),
        ({"steps": [{"targets": [{"type": "webhook", "url": "\x00"}]}]}, "steps[0].targets[0].url"),
        ({"steps": [{"targets": [{"type": "team"}]}]}, "steps[0].targets[0].id"),
    ],
)
def test_what_a_policy_can_not_be_is_refused_with_its_place(
    call: Call, boss: Person, wrong: dict[str, object], field: str
) -> None:
    status, said = call("POST", "/policies", whole(boss, **wrong))

    assert status in (400, 422)
    assert not field or said["field"] == field


def test_a_policy_that_does_not_exist_is_not_found(call: Call) -> None:
    assert call("GET", "/policies/none")[0] == 404
    assert call("GET", "/policies/%00")[0] == 422
    assert call("GET", "/policies/none/versions")[0] == 404


def test_a_page_is_snoozed_handed_on_and_given_back(call: Call, boss: Person, outbox: world.Outbox) -> None:
    bo = world.person("Bo Silva")
    page = world.page(world.policy((300, [boss])))
    until = (now() + timedelta(minutes=30)).isoformat()

    status, said = call("POST", f"/pages/{page.pk}/snooze", {"until": until})
    assert (status, said["state"], said["snoozed_until"] is not None) == (200, "acknowledged", True)
    assert call("POST", f"/pages/{page.pk}/snooze", {"until": until}, by=bo)[0] == 409
    assert call("POST", f"/pages/{page.pk}/give-back")[1]["state"] == "triggered"
    assert call("POST", f"/pages/{page.pk}/hand-on", {"person_id": bo.pk})[1]["state"] == "triggered"
    world.fire_all()
    assert outbox.sent[-1].message.person_name == "Bo Silva"


def test_people_are_asked_to_a_page_as_well(call: Call, boss: Person, outbox: world.Outbox) -> None:
    bo = world.person("Bo Silva")
    page = actions.acknowledge(world.page(world.policy((300, [boss]))), by=boss, via=actions.Via.REST)

    status, said = call("POST", f"/pages/{page.pk}/people", {"person_ids": [bo.pk]})
    world.fire_all()

    assert (status, said["state"]) == (200, "acknowledged")
    assert outbox.sent[-1].message.why == "Mo Boss asks you to join"
    assert call("POST", f"/pages/{page.pk}/people", {"person_ids": [9_999_999]})[0] == 422


def test_what_somebody_is_in_can_be_asked(call: Call, boss: Person, outbox: world.Outbox) -> None:
    page = actions.acknowledge(world.page(world.policy((300, [boss]))), by=boss, via=actions.Via.REST)

    assert call("GET", f"/people/{boss.pk}/busy") == (200, [{"words": page.title, "link": f"/pages/{page.pk}/"}])


def test_a_page_by_hand_may_wait_for_daylight(call: Call, boss: Person) -> None:
    body = {"title": "Tomorrow", "person_id": boss.pk, "urgency": "low"}

    assert call("POST", "/pages", body)[1]["urgency"] == "low"
    assert call("GET", "/pages?state=old")[1] == []
    assert Page.objects.get().urgency == "low"


def test_rules_for_low_urgency_are_set_apart(call: Call, boss: Person) -> None:
    rule = [{"contact_method_id": world.mail_of(boss).pk, "delay_s": 60}]

    assert call("PUT", f"/people/{boss.pk}/notification-rules?urgency=low", rule)[0] == 200

    assert [delay for _, delay in actions.ways_to(boss, "low")] == [60]
    assert [delay for _, delay in actions.ways_to(boss)] == [0]


def test_rules_are_read_as_they_were_set_by_oneself_or_who_may_configure(call: Call, boss: Person) -> None:
    mara, ike = world.person("Mara Novak"), world.person("Ike Okafor")
    rules = [{"contact_method_id": world.mail_of(mara).pk, "delay_s": wait} for wait in (120, 0)]
    assert call("PUT", f"/people/{mara.pk}/notification-rules", rules)[0] == 200

    for by in (mara, boss):
        assert call("GET", f"/people/{mara.pk}/notification-rules", by=by) == (200, {"rules": rules})
    assert call("GET", f"/people/{mara.pk}/notification-rules?urgency=low", by=mara) == (200, {"rules": []})
    assert call("GET", f"/people/{mara.pk}/notification-rules", by=ike)[0] == 403
    assert call("GET", f"/people/{mara.pk}/notification-rules?urgency=odd")[0] == 422
    assert call("GET", f"/people/{2**62}/notification-rules")[0] == 404
    assert call("PUT", f"/people/{mara.pk}/notification-rules", rules * 26)[0] == 422  # none is left out in silence
    assert call("GET", f"/people/{mara.pk}/notification-rules")[1] == {"rules": rules}


def test_a_policy_with_somebody_who_can_not_be_reached_needs_a_reason(call: Call, boss: Person) -> None:
    boss.contact_methods.all().delete()

    status, said = call("POST", "/policies", whole(boss))
    assert (status, said["code"]) == (409, "not_ready")
    assert said["people"] == [{"person_id": boss.pk, "problems": ["no_way"]}]

    assert call("POST", "/policies", whole(boss, overrule="new phone tomorrow"))[0] == 201


def test_readiness_can_be_read_and_tests_agreed(call: Call, boss: Person) -> None:
    call("POST", "/policies", whole(boss))
    path, agreed = f"/people/{boss.pk}/test-appointment", {"kind": "shift", "weekday": 3, "at": "09:15"}

    _, found = call("GET", "/readiness")
    assert [(one["person"], one["is_blocked"], one["of"]) for one in found] == [  # type: ignore[index]  # a list
        ("Mo Boss", False, ["Web"])
    ]
    expected = {**agreed, "hours_before": 24, "tested_at": None, "passed": None}
    assert call("PUT", path, agreed) == (200, expected)
    assert call("PUT", path, {"at": "9 o'clock"})[0] == 422
    assert call("PUT", path, agreed, by=world.person("Bo Silva"))[0] == 403


def test_the_two_numbers_to_publish_can_be_read(call: Call, boss: Person, outbox: world.Outbox) -> None:
    world.page(world.policy((300, [boss])))
    world.fast_forward(timedelta(seconds=90))

    status, said = call("GET", "/promises?days=1")

    assert (status, said["pages_due"], said["pages_in_time"], said["misses"]) == (200, 1, 1, [])
    assert call("GET", "/promises?days=100000")[0] == 422
