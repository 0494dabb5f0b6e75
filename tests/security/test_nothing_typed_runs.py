"""Hostile words in every text field of REST, in labels, file names and chat names: screens show them, none runs."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Cookie

from raglan.console.rest import api
from tests.support.browser import browser_context, chromium, refusals, sign_in, watch_policy
from tests.support.server import Running, serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
Json = dict[str, Any]
SHORT = '"><img src=x onerror=ran()>'
HOSTILE = f"'{SHORT}<script>ran()</script><svg onload=ran()><b data-alive>[x](javascript:ran()) </textarea>{{{{7*7}}}}"
COUNT = "window.runs = 0; window.ran = () => { window.runs += 1; };"
# What is wrong with a page: a script that ran, an element out of what was typed, an address that would run.
ALIVE = """() => [
  ...(window.runs ? [`ran ${window.runs} times`] : []),
  ...[...document.querySelectorAll('[data-alive], [onerror], [onload]')].map(one => one.outerHTML.slice(0, 200)),
  ...[...document.querySelectorAll('a, form, iframe, object, embed, use')].flatMap(one =>
    [one.href, one.action, one.src, one.data].map(String).filter(address => /^javascript:/i.test(address))),
]"""
PLAIN: Json = {
    "slug": "evil",
    "time_zone": "Europe/Berlin",
    "email": "evil@example.test",
    "team": "web",
    "policy": "web",
    "schedule": "web",
    "kind": "note",
    "service": "httpd",
    "source": "prometheus",
    "url": "https://example.test/",
    "start": "10:00",
}
PLACES: dict[str, object] = {"slug": "web", "role": "lead", "moment": "stuck", "severity": "sev1", "position": 1}
SLUGS = {"sources": "prometheus", "runbooks": "evil"}
JAVASCRIPT = re.compile(r"\s*javascript:", re.IGNORECASE)
OPENED = 25
LATER = ("role", "leave", "end", "stop", "stand-down", "take-out", "let-go", "kind", "members", "place", "close")
LEFT_ALONE = ("/account/logout", "/static/", "/files/", "/api/v1/", "/demo/")


@dataclass
class Walk:
    """Fills every door of the schema."""

    raglan: Running
    schemas: Json
    taken: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def fill(self, name: str, schema: Json) -> object:
        """Return a value for a field: hostile wherever a text is free."""
        if "$ref" in schema:
            return self.fill(name, self.schemas[schema["$ref"].rpartition("/")[2]])
        if choices := schema.get("anyOf") or schema.get("allOf"):
            return self.fill(name, choices[0])
        if "enum" in schema or "const" in schema:
            return schema.get("const") or schema["enum"][0]
        return self.of_type(name, schema)

    def of_type(self, name: str, schema: Json) -> object:
        """Return a value of a plain type."""
        match schema.get("type"):
            case "object":
                return self.body(schema)
            case "array":
                return [self.fill(name, schema.get("items", {"type": "string"}))]
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
        return self.text(name, schema)

    def text(self, name: str, schema: Json) -> str:
        """Return a text for a field."""
        later = datetime.now(UTC) + timedelta(hours=2 if name.startswith(("end", "until")) else 1)
        formats = {"date-time": later.isoformat(), "date": later.date().isoformat(), "email": "evil@example.test"}
        if schema.get("format") in formats:
            return formats[schema["format"]]
        if "pattern" in schema and not re.search(schema["pattern"], HOSTILE):
            return str(PLAIN.get(name, "evil"))
        return HOSTILE if len(HOSTILE) <= schema.get("maxLength", 1000) else SHORT

    def body(self, schema: Json) -> Json:
        """Return a body: all that is required, and every text."""
        needed = schema.get("required", [])
        filled = {name: self.fill(name, one) for name, one in schema.get("properties", {}).items()}
        return {name: value for name, value in filled.items() if name in needed or "ran()" in str(value)}

    def knock(self, method: str, path: str, schema: Json) -> None:
        """Send a body; a field that is refused is given a plainer value each time, and at last left out."""
        body, tries = self.fill("", schema), Counter[str]()
        address = re.sub(r"\{(\w+)\}", lambda found: self.place(path, found[1]), path).removeprefix("/api/v1")
        while True:
            try:
                self.raglan.api(method.upper(), address, body)
            except HTTPError as error:
                said = json.loads(error.read())
                name = re.split(r"[.\[]", str(said.get("field") or ""))[0]
                if not isinstance(body, dict) or name not in body:
                    self.refused[f"{method} {path}"] = f"{error.code} {said.get('message')}"
                    return
                tries[name] += 1
                give_in(body, name, tries[name])
            else:
                if "ran()" in str(body):
                    self.taken.add(f"{method} {path}")
                return

    def place(self, path: str, name: str) -> str:
        """Return what stands at a place of an address."""
        if name == "slug":
            return SLUGS.get(path.split("/")[3], "web")
        return str(PLACES.get(name, 1))


def give_in(body: Json, name: str, tries: int) -> None:
    """Make a refused field plainer."""
    plainer = [SHORT, PLAIN[name]] if name in PLAIN else [SHORT, "evil"]
    if isinstance(body[name], str) and tries <= len(plainer):
        body[name] = plainer[tries - 1]
    else:
        del body[name]


def free_texts(walk: Walk, paths: Json) -> Iterator[tuple[str, str, Json]]:
    """Give each door that takes a free text; those that end something come last."""
    doors = [
        (method, path, operation["requestBody"]["content"]["application/json"]["schema"])
        for path, item in paths.items()
        for method, operation in item.items()
        if method in ("post", "put", "patch")
        and "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    doors.sort(key=lambda door: door[1].rpartition("/")[2] in LATER)
    return (door for door in doors if "ran()" in str(walk.fill("", door[2])))


def send(url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        with urlopen(Request(url, data=body, headers=headers), timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        raise AssertionError(error.read().decode()) from error


def send_alerts(raglan: Running, source: str) -> None:
    """Send an alert whose labels and words are hostile."""
    words = {"alertname": HOSTILE, "severity": "critical", "service": HOSTILE, "runbook_url": "javascript:ran()"}
    alert = {"labels": words, "annotations": {"summary": HOSTILE, **words}, "generatorURL": "javascript:ran()"}
    url = f"{raglan.url}/integrations/{source}/api/v2/alerts"
    assert send(url, json.dumps([alert]).encode(), {"Content-Type": "application/json"}) < 300


def hang_files(raglan: Running) -> None:
    """Hang files with hostile names and contents at the first entry."""
    parts = []
    for name, kind in ((f"{SHORT}.html", "text/html"), ("a<b>&.svg", "image/svg+xml"), ("<i>.txt", "text/plain")):
        quoted = name.replace('"', "%22")
        place = f'Content-Disposition: form-data; name="uploads"; filename="{quoted}"'
        head = f"--cut\r\n{place}\r\nContent-Type: {kind}\r\n\r\n"
        parts.append(head.encode() + f"<svg onload=ran()><script>ran()</script>{name}".encode() + b"\r\n")
    headers = {"Authorization": f"Bearer {raglan.token}", "Content-Type": "multipart/form-data; boundary=cut"}
    assert send(f"{raglan.url}/api/v1/entries/1/files", b"".join(parts) + b"--cut--\r\n", headers) < 300


def bring_in_chat(raglan: Running) -> None:
    """Bring in a chat whose people have hostile names."""
    export = [
        {
            "type": "message",
            "user": "U1",
            "text": HOSTILE,
            "ts": "1767607200.0001",
            "user_profile": {"real_name": SHORT},
        },
        {"type": "message", "username": SHORT, "text": "```\n" + HOSTILE + "\n```", "ts": "1767607260.0001"},
    ]
    raglan.api("POST", "/incidents/1/chat-import", {"text": json.dumps(export), "kind": "slack"})
    raglan.api(
        "POST", "/incidents/1/chat-import", {"text": f"10:00 <{SHORT}> {HOSTILE}", "kind": "text", "day": "2026-01-05"}
    )


class Living(HTMLParser):
    """Finds what is alive of what was typed, how often it is shown, and where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown = 0
        self.is_program = True
        self.alive: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        given = {name: value or "" for name, value in attrs}
        self.is_program = given.get("type") != "application/json"
        if given.keys() & {"data-alive", "onerror", "onload"} or any(JAVASCRIPT.match(one) for one in given.values()):
            self.alive.append(f"{tag} {given}")
        if tag == "a":
            self.links.append(given.get("href", ""))
        self.shown += any("ran()" in value for value in given.values())

    def handle_data(self, data: str) -> None:
        """Look at a text. Data for a script is no script."""
        self.shown += "ran()" in data
        if self.cdata_elem and self.is_program:
            self.alive += ["a script"] * ("ran()" in data)


def crawl(raglan: Running, cookies: Sequence[Cookie]) -> dict[str, Living]:
    """Read all screens that links lead to, one of each kind, and return what is on them, by their addresses."""
    waiting, kinds, found = ["/", *STARTS], set[str](), dict[str, Living]()
    cookie = "; ".join(f"{one.get('name')}={one.get('value')}" for one in cookies)
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(r"\d+", "0", path)
        if kind in kinds or not path.startswith("/") or any(part in path for part in LEFT_ALONE):
            continue
        kinds.add(kind)
        with urlopen(Request(raglan.url + path, headers={"Cookie": cookie}), timeout=60) as answer:
            if "text/html" in answer.headers["Content-Type"]:
                found[path] = Living(answer.read().decode())
                waiting += [
                    urljoin(path, urlsplit(link)._replace(query="", fragment="").geturl()) for link in found[path].links
                ]
    return found


TAKEN = {
    "post /api/v1/incidents",
    "post /api/v1/incidents/{incident_id}/entries",
    "post /api/v1/incidents/{incident_id}/standing",
    "post /api/v1/incidents/{incident_id}/tasks",
    "post /api/v1/incidents/{incident_id}/lost-tools",
    "post /api/v1/entries/{entry_id}/correct",
    "post /api/v1/entries/{entry_id}/outcome",
    "post /api/v1/heads-up",
    "post /api/v1/runbooks",
    "post /api/v1/services",
    "post /api/v1/silences",
    "post /api/v1/teams",
    "patch /api/v1/people/{person_id}",
    "put /api/v1/scripts/{moment}",
}
STARTS = (
    "/incidents/1/",
    "/alerts/",
    "/people/",
    "/library/",
    "/setup/",
    "/on-call/",
    "/pages/",
    "/channels/",
    "/you/",
)


def test_what_is_typed_is_shown_and_never_runs() -> None:
    with chromium() as browser, serving() as raglan:
        source = set_up_web_team(raglan)
        cookies = sign_in(browser, raglan.url, "Ada")
        raglan.api("POST", "/incidents", {"title": "The shop is slow"})
        raglan.api("POST", "/incidents/1/entries", {"text": HOSTILE, "key": "first"})
        send_alerts(raglan, source)
        hang_files(raglan)
        bring_in_chat(raglan)
        schema = json.loads(json.dumps(api.get_openapi_schema()))
        walk = Walk(raglan, schema["components"]["schemas"])
        for door in free_texts(walk, schema["paths"]):
            walk.knock(*door)
        found = crawl(raglan, cookies)
        wrong = {path: one.alive for path, one in found.items() if one.alive}
        with browser_context(browser, base_url=raglan.url, cookies=cookies) as context:
            watch_policy(context)
            context.add_init_script(COUNT)
            page = context.new_page()
            for path in sorted(found, key=lambda path: -found[path].shown)[:OPENED]:
                page.goto(path, wait_until="load")
                if living := [*page.evaluate(ALIVE), *refusals(page)]:
                    wrong[path] = living
            page.evaluate("words => document.body.insertAdjacentHTML('beforeend', words)", HOSTILE)
            would_be_seen = len(page.evaluate(ALIVE)), len(refusals(page)), len(Living(HOSTILE).alive)
    assert wrong == {}
    assert sum(one.shown > 0 for one in found.values()) > OPENED
    assert walk.taken >= TAKEN, walk.refused
    assert min(would_be_seen) > 0
