"""The catalog: services, their owners, what responders use them for, and what they need."""

import json

import pytest
from django.test import Client

from raglan.catalog import actions, events, queries
from raglan.catalog.models import Service, ServiceNeed, ServicePurpose
from raglan.core.errors import BadInput, NotFound
from raglan.core.models import Event
from raglan.core.timeline import KINDS
from raglan.people import actions as people
from raglan.people.models import Team

Json = dict[str, object]


def save(slug: str, **fields: object) -> Service:
    draft = actions.ServiceDraft(**{"slug": slug, "name": slug.title(), **fields})  # type: ignore[arg-type]  # some are wrong on purpose
    return actions.save_service(draft, actor="raglan")


@pytest.fixture
def team(db: None) -> Team:
    return people.create_team(name="Web", slug="web", actor="raglan")


def test_the_same_short_name_again_changes_the_service(team: Team) -> None:
    save("mirror")
    first = save("chef", team=team, kind="tool", purposes=["change", "see"], needs=["mirror"], instead="By hand.")
    second = save("chef", name="Chef server", purposes=["change"])
    assert first.pk == second.pk
    found = queries.service("chef")
    assert (found.name, found.team, found.kind, found.instead) == ("Chef server", None, "service", "")
    assert [item.purpose for item in found.purposes.all()] == ["change"]
    assert not found.needs.exists()


def test_purposes_and_needs_are_kept_once(db: None) -> None:
    save("mirror")
    chef = save("chef", purposes=["see", "see"], needs=["mirror", "mirror"])
    assert (chef.purposes.count(), chef.needs.count()) == (1, 1)


def test_two_services_may_need_each_other(db: None) -> None:
    save("chef")
    save("httpd", needs=["chef"])
    save("chef", needs=["httpd"])
    assert ServiceNeed.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"kind": "rocket"}, "kind"),
        ({"purposes": ["see", "fly"]}, "purposes[1]"),
        ({"needs": ["nothing"]}, "needs[0]"),
        ({"needs": ["chef"]}, "needs[0]"),
    ],
)
def test_a_wrong_service_is_refused_by_field_and_nothing_is_kept(db: None, fields: Json, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        save("chef", **fields)
    assert refused.value.field == field
    assert not Service.objects.exists()


def test_response_tools_are_the_services_with_a_purpose(db: None) -> None:
    save("httpd")
    save("graphite", purposes=["see", "know"])
    assert [service.slug for service in queries.response_tools()] == ["graphite"]


def test_a_service_that_is_not_there_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        queries.service("chef")


def test_all_services_are_read_with_a_fixed_number_of_queries(team: Team, django_assert_num_queries: object) -> None:
    save("mirror")
    for number in range(20):
        save(f"service-{number}", team=team, purposes=["see"], needs=["mirror"])
    with django_assert_num_queries(3):  # type: ignore[operator]  # a fixture that is a function
        found = list(queries.services())
        names = [need.needed.slug for service in found for need in service.needs.all()]
    assert names == ["mirror"] * 20


def state() -> list[tuple[object, ...]]:
    """Return all that is stored, in the words of the services."""
    return [
        (
            *(s.pk, s.slug, s.name, s.team_id, s.kind, s.instead),
            tuple(item.purpose for item in s.purposes.all()),
            tuple(item.needed_id for item in s.needs.all()),
        )
        for s in queries.services()
    ]


def test_rows_built_from_events_equal_those_stored(team: Team) -> None:
    save("mirror", instead="The old one.")
    save("chef", team=team, kind="tool", purposes=["change"], needs=["mirror"])
    save("mirror", needs=["chef"], purposes=["know", "see"])
    stored = state()
    Service.objects.all().delete()
    for event in Event.objects.filter(kind="service.saved").order_by("pk"):
        payload = KINDS[event.kind].model_validate(event.data)
        assert isinstance(payload, events.ServiceSaved)
        names = {"slug": payload.slug, "name": payload.name, "team_id": payload.team, "instead": payload.instead}
        service, _ = Service.objects.update_or_create(
            pk=payload.service, defaults={**names, "kind": payload.service_kind}
        )
        service.purposes.all().delete()
        service.needs.all().delete()
        ServicePurpose.objects.bulk_create(ServicePurpose(service=service, purpose=word) for word in payload.purposes)
        ServiceNeed.objects.bulk_create(ServiceNeed(service=service, needed_id=pk) for pk in payload.needs)
    assert state() == stored


def client(*scopes: str) -> Client:
    _, secret = people.issue_token(None, name="test", scopes=scopes, days=1, actor="raglan")
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(body: object, *scopes: str) -> tuple[int, Json]:
    raw = body if isinstance(body, str) else json.dumps(body)
    response = client(*(scopes or ("configure",))).post("/api/v1/services", raw, content_type="application/json")
    return response.status_code, response.json()


def test_a_service_goes_in_and_comes_out_by_rest(team: Team) -> None:
    save("mirror")
    body = {
        "name": "Chef",
        "slug": "chef",
        "team": "web",
        "kind": "tool",
        "purposes": ["see", "change"],
        "needs": ["mirror"],
        "instead": "By hand.",
    }
    status, made = post(body)
    assert (status, made) == (201, {**body, "id": made["id"], "purposes": ["change", "see"]})
    reading = client("read")
    assert reading.get("/api/v1/services/chef").json() == made
    assert [item["slug"] for item in reading.get("/api/v1/services").json()] == ["chef", "mirror"]
    assert reading.get("/api/v1/services/nothing").status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"slug": "Chef!"}, "slug"),
        ({"slug": "\x00"}, "slug"),
        ({"team": "nobody"}, "team"),
        ({"kind": "rocket"}, "kind"),
        ({"purposes": ["fly"]}, "purposes[0]"),
        ({"purposes": ["see"] * 8}, "purposes"),
        ({"needs": ["nothing"]}, "needs[0]"),
        ({"needs": [5]}, "needs[0]"),
        ({"needs": ["mirror"] * 201}, "needs"),
        ({"instead": "x" * 301}, "instead"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_service_is_refused_by_rest_and_the_field_named(db: None, fields: Json, field: str) -> None:
    status, problem = post({"name": "Chef", "slug": "chef", **fields})
    assert (status, problem["field"]) == (422, field)
    assert not Service.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "[" * 5000, '{"name": NaN}'])
def test_a_body_that_is_not_a_service_is_refused(db: None, body: str) -> None:
    assert post(body)[0] in (400, 422)


def test_without_the_scope_a_service_is_not_changed(db: None) -> None:
    assert post({"name": "Chef", "slug": "chef"}, "read", "respond")[0] == 403
    assert not Service.objects.exists()
