"""Who is not on the list of a private incident finds it nowhere: an administrator who is not on it walks all doors."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from raglan.console.rest import api
from raglan.core.clock import now
from raglan.core.models import Event
from raglan.incidents import actions, guard, privacy
from raglan.incidents.actions import Said, Upload
from raglan.incidents.models import Entry, Incident, IncidentGroup
from raglan.outside import asking, desk
from raglan.people import reading
from raglan.people.models import Person
from raglan.reviews import actions as reviews
from raglan.runbooks import actions as runbooks
from raglan.runbooks import following
from raglan.testing import world
from tests.security.test_who_may_do_what import walk
from tests.support import people

pytestmark = pytest.mark.django_db
SECRET = "zebra"


@dataclass(frozen=True)
class Hidden:
    """A private incident with something of all that can belong to one, by the words of addresses."""

    incident: Incident
    numbers: Mapping[str, int]


outbox, mara = people.outbox, people.mara_reached


@pytest.fixture
def hidden(outbox: world.Outbox, mara: Person) -> Hidden:
    """All that was said in the room has the secret in it; what only lies around it has not."""
    bo = world.person("Bo Lund")
    httpd = world.service("httpd", world.team(bo))
    incident = actions.declare(f"{SECRET} payroll", by=mara, services=[httpd])
    actions.make_private(incident, f"{SECRET} why", by=mara)
    world.route(9, world.policy((300, [bo])), ("service", "=", "httpd"))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    entry = actions.post(incident, Said(Entry.Kind.ASK, f"{SECRET} ask", to_person=bo), by=mara)
    actions.attach(entry, [Upload(f"{SECRET}.txt", b"words")], by=mara)
    doing = actions.post(incident, Said(Entry.Kind.DOING, f"{SECRET} restart"), by=mara)
    tool = actions.lose_tool(incident, f"{SECRET} dashboards", by=mara)
    runbook = runbooks.write_new(runbooks.Draft("By hand", "1. Look.\n2. Act."), writer=runbooks.by(mara))
    followed = following.follow(incident, runbook, by=mara)
    question = asking.ask(incident, f"{SECRET} question", by=mara, key="q")
    update = desk.say(incident, desk.Word("looking", f"{SECRET} update"), by=mara)
    review = reviews.draft(incident)
    world.fast_forward(timedelta(minutes=6))
    page = incident.followed_pages.get(page__reason_type="incident").page
    numbers = {"incidents": incident.pk, "entries": doing.pk, "files": entry.attachments.get().pk}
    numbers |= {"tools": tool.pk, "lost-tools": tool.pk, "runbooks": followed.pk, "questions": question.pk}
    numbers |= {"updates": update.pk, "reviews": review.pk, "pages": page.pk, "moments": doing.pk}
    numbers["tasks"] = actions.add_task(incident, actions.ToDo(f"{SECRET} task"), by=mara).pk
    numbers["related"] = incident.pk
    numbers |= {"groups": IncidentGroup.objects.get(incident=incident).group_id, "people": mara.pk}
    return Hidden(incident, numbers)


def filled(route: str, numbers: Mapping[str, int]) -> str:
    """Return an address that names what is hidden wherever it can, and what there is elsewhere."""
    path = guard.NUMBERED.sub(lambda found: f"{found[1]}/{numbers.get(found[1], 1)}", route)
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: "1" if found[1] == "int" else "none", path)


def doors() -> Iterator[tuple[str, bool]]:
    """Yield each route, and whether it leads to something of a room."""
    for name, route, entry in walk(get_resolver()):
        if entry.callback.__module__.startswith("raglan.") and not name.startswith("rest:"):
            yield route, is_of_room(route)


def is_of_room(route: str) -> bool:
    return any(privacy.kind_at(place) for place, _ in guard.NUMBERED.findall(route))


def named(path: str) -> str:
    """Return an operation's address as Django writes routes."""
    return re.sub(r"\{(\w+)\}", r"<\1>", path.removeprefix("/"))


def sample(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> object:
    """Return something that a schema takes: as little as it can be."""
    if "$ref" in schema:
        return sample(parts[schema["$ref"].rpartition("/")[2]], parts)
    if several := schema.get("anyOf", schema.get("allOf")):
        return sample(several[0], parts)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("type") == "object":
        return {name: sample(schema["properties"][name], parts) for name in schema.get("required", [])}
    return plain(schema, parts)


def plain(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> object:
    match schema.get("type"):
        case "array":
            return [sample(schema["items"], parts)] * schema.get("minItems", 0)
        case "integer" | "number":
            return max(1, int(schema.get("minimum", 1)))
        case "boolean":
            return True
        case _:
            return now().isoformat() if schema.get("format") == "date-time" else "words"


def operations() -> Iterator[tuple[str, str, object]]:
    """Yield the method, the route and a body of each REST operation."""
    whole = api.get_openapi_schema()
    parts = whole["components"]["schemas"]
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield method, named(path), sample(content.get("schema", {}), parts) if content else None


def leaks(text: bytes) -> bool:
    return SECRET.encode() in text.lower()


def ada() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.administrator())
    return client


def said(client: Client, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    sent = b"" if body is None else json.dumps(body)
    answer = client.generic(method.upper(), path, sent, content_type="application/json")
    return answer.status_code, answer.content if not answer.streaming else b"".join(answer.streaming_content)


def test_no_screen_tells_of_it_and_each_of_its_doors_answers_as_for_nothing(hidden: Hidden) -> None:
    told = Event.objects.filter(subjects__subject=f"incident:{hidden.incident.pk}")
    stranger, before, wrong = ada(), told.count(), []
    for route, of_room in doors():
        for method in ("get", "post") if of_room else ("get",):
            path, nothing = filled(route, hidden.numbers), filled(route, dict.fromkeys(hidden.numbers, 0))
            status, text = said(stranger, method, path)
            if leaks(text) or (of_room and status != said(stranger, method, nothing)[0]) or (of_room and status < 400):
                wrong.append(f"{method} {path}: {status}")
    assert wrong == []
    assert told.count() == before


def test_no_operation_tells_of_it_and_each_that_names_it_answers_as_for_nothing(hidden: Hidden) -> None:
    stranger = world.administrator()
    _, token = world.people.issue_token(
        stranger, name="t", scopes=["read", "respond", "page", "configure"], days=1, actor="raglan"
    )
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    before, wrong, refused = Entry.objects.filter(incident=hidden.incident).count(), [], 0
    for method, route, body in operations():
        of_room = is_of_room(route)
        if method != "get" and not of_room:
            continue
        path, nothing = filled(route, hidden.numbers), filled(route, dict.fromkeys(hidden.numbers, 0))
        status, text = said(client, method, path, body)
        refused += of_room and status == 404
        if leaks(text) or (of_room and (status < 400 or status != said(client, method, nothing, body)[0])):
            wrong.append(f"{method} {path}: {status} {text[:200]!r}")
    assert wrong == []
    assert refused > 45  # the bodies are good enough to come as far as the room
    assert Entry.objects.filter(incident=hidden.incident).count() == before


def test_who_is_on_the_list_finds_it_where_it_belongs(hidden: Hidden, mara: Person) -> None:
    """Else the walk above would prove nothing."""
    client = Client()
    client.force_login(mara)
    places = ["/", "/incidents/", f"/incidents/{hidden.incident.pk}/", "/wrong/", f"/pages/{hidden.numbers['pages']}/"]
    places += [f"/reviews/{hidden.numbers['reviews']}/", f"/alerts/groups/{hidden.numbers['groups']}/"]
    places += ["/library/runbooks/by-hand/", f"/incidents/{hidden.incident.pk}/outside/", "/api/v1/lost-tools"]
    assert [path for path in places if not leaks(client.get(path).content)] == [f"/pages/{hidden.numbers['pages']}/"]


def test_a_stream_tells_nobody_else_that_something_moves_there(hidden: Hidden, mara: Person) -> None:
    numbers = hidden.numbers
    topics = [f"incident:{numbers['incidents']}", f"entry:{numbers['entries']}", f"page:{numbers['pages']}"]
    topics += [f"following:{numbers['runbooks']}", f"desk:{numbers['incidents']}", f"question:{numbers['questions']}"]
    topics += [f"review:{numbers['reviews']}", "incident:*", "e*"]
    with reading.read_for(mara):
        assert privacy.audible([*topics, "now"]) == {*topics, "now"}
    with reading.read_for(world.administrator()):
        assert privacy.audible([*topics, "now", "alerts", privacy.PRIVACY]) == {"now", "alerts"}


def test_a_token_of_nobody_sees_none_of_it(hidden: Hidden) -> None:
    _, token = world.people.issue_token(None, name="robot", scopes=["read", "respond"], days=1, actor="raglan")
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/incidents").json() == []
    path = f"/api/v1/incidents/{hidden.incident.pk}/entries"
    assert said(client, "post", path, {"kind": "machine", "text": "hello"})[0] == 404


def test_messages_carry_nothing_of_it(hidden: Hidden, outbox: world.Outbox) -> None:
    """They go through many hands; whoever is paged reads it in the room, which lets them in."""
    texts = [f"{item.message.title} {item.message.text}" for item in outbox.sent]
    assert len(texts) >= 2
    assert not [text for text in texts if SECRET in text]
