"""A small raglan that answers the calls of the demo and remembers them. Only the shape of the public API."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
ADMIN = "admin-token"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in."""

    who: str
    method: str
    path: str
    body: Any


@dataclass(slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: Any = None


@dataclass
class FakeRaglan:
    """The state, and the calls in their order."""

    calls: list[Call] = field(default_factory=list)
    tables: dict[str, list[Body]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=lambda: {ADMIN: "admin"})
    on_call: dict[str, int] = field(default_factory=dict)
    refuse: Callable[[Call], Answer | None] = lambda call: None
    url: str = ""
    last_id: int = 0

    def new_token(self) -> str:
        self.last_id += 1
        return f"token-{self.last_id}"

    def table(self, name: str) -> list[Body]:
        return self.tables.setdefault(name, [])

    def add(self, name: str, row: Body) -> Body:
        self.last_id += 1
        row = {"id": self.last_id, **row}
        self.table(name).append(row)
        return row

    def writes(self, pattern: str) -> list[Call]:
        return [call for call in self.calls if call.method != "GET" and re.fullmatch(pattern, call.path)]

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        if not call.who:
            return Answer(401, {"message": "Send a token."})
        refused = self.refuse(call)
        if refused is not None:
            return refused
        if call.path == "/api/v2/alerts":
            return self._take_alerts(call)
        if call.path.startswith("/fleet/"):
            return Answer(202, {"ok": True})
        if call.path.startswith("/gate?"):
            return Answer(200, "stop" if self.table("holds") else "go")
        path = call.path.removeprefix("/api/v1").partition("?")[0]
        return (self._read(call, path) if call.method == "GET" else self._write(call, path)) or Answer(
            404, {"message": path}
        )

    def _take_alerts(self, call: Call) -> Answer:
        if not call.who.startswith("source:"):
            return Answer(401, {"message": "No source."})
        for alert in call.body:
            key = alert["labels"].get("kind") or alert["labels"]["service"]
            source = call.who.removeprefix("source:")
            fires = self._keep(alert, source)
            if fires and not any(
                (group["key"], group["source"]) == (key, source) for group in self.table("alert-groups")
            ):
                group = self.add("alert-groups", {"key": key, "source": source})
                schedule = "data" if key == "response-tool" else "systems"
                self.page(f"group {group['id']}", self.on_call[schedule])
        return Answer(200)

    def _keep(self, alert: Body, source: str) -> bool:
        fires = datetime.fromisoformat(alert["endsAt"]) > datetime.now(UTC)
        firing = [row for row in self.table("alerts") if row["labels"] != alert["labels"]]
        if fires:
            self.last_id += 1
            firing.append({"id": self.last_id, "source": source, "labels": alert["labels"]})
        self.tables["alerts"] = firing
        if not firing:
            self.table("alert-groups").clear()
        return fires

    def page(self, title: str, person_id: int) -> Body:
        sent = [{"handed_over_at": "2026-01-01T00:00:00Z"}]
        reached = [{"person_id": person_id, "notifications": sent}]
        return self.add("pages", {"title": title, "state": "open", "reached": reached})

    def _read(self, call: Call, path: str) -> Answer | None:
        rows = self.table(path[1:])
        if path == "/alerts":
            rows = rows if "before=0" in call.path else []
        elif path == "/on-call":
            rows = [{"schedule": slug, "people": [{"id": found}]} for slug, found in self.on_call.items()]
        elif found := re.fullmatch(r"/people/(\d+)/contact-methods", path):
            rows = [row for row in self.table("contacts") if row["person_id"] == int(found[1])]
        elif path in ("/pages", "/incidents"):
            rows = [row for row in rows if row["state"] == "open"]
        elif re.fullmatch(r"/incidents/\d+/review", path):
            return Answer(200, self.table("reviews")[-1]) if self.table("reviews") else None
        elif found := re.fullmatch(r"/(pages|incidents)/(\d+)", path):
            return Answer(200, next(row for row in self.table(found[1]) if row["id"] == int(found[2])))
        return Answer(200, rows)

    def _write(self, call: Call, path: str) -> Answer | None:
        for pattern, handle in _WRITES.items():
            if found := re.fullmatch(pattern, path):
                return handle(self, call, *found.groups())
        return None


def _make(name: str) -> Callable[..., Answer]:
    def handle(fake: FakeRaglan, call: Call) -> Answer:
        return Answer(201, fake.add(name, call.body))

    return handle


def _make_titled(fake: FakeRaglan, call: Call, name: str) -> Answer:
    return Answer(201, fake.add(name, {**call.body, "slug": call.body["title"].lower().replace(" ", "-")}))


def _make_person(fake: FakeRaglan, call: Call) -> Answer:
    made = fake.add("people", call.body)
    fake.add("contacts", {"person_id": made["id"], "address": made["email"]})
    return Answer(201, made)


def _make_schedule(fake: FakeRaglan, call: Call) -> Answer:
    made = fake.add("schedules", call.body)
    fake.on_call[made["slug"]] = made["rotation"]["participants"][0]
    return Answer(201, made)


def _override(fake: FakeRaglan, call: Call, slug: str) -> Answer:
    fake.on_call[slug] = call.body["person_id"]
    return Answer(201, fake.add("overrides", call.body))


def _make_member(fake: FakeRaglan, call: Call, slug: str) -> Answer:
    team = next(row for row in fake.table("teams") if row["slug"] == slug)
    team.setdefault("members", []).append(call.body["person_id"])
    return Answer(200, team)


def _make_token(fake: FakeRaglan, call: Call, person_id: str) -> Answer:
    token = fake.new_token()
    name = next(row["name"] for row in fake.table("people") if row["id"] == int(person_id))
    fake.tokens[token] = name
    return Answer(201, fake.add("tokens", {"token": token}))


def _end_token(fake: FakeRaglan, call: Call, token_id: str) -> Answer:
    ended = next(row for row in fake.table("tokens") if row["id"] == int(token_id))
    del fake.tokens[ended["token"]]
    return Answer(204)


def _make_source(fake: FakeRaglan, call: Call) -> Answer:
    made = fake.add("sources", call.body)
    return _rotate(fake, call, made["slug"])


def _rotate(fake: FakeRaglan, call: Call, slug: str) -> Answer:
    token = fake.new_token()
    fake.tokens[token] = f"source:{slug}"
    return Answer(201, {"token": token})


def _make_fleet_source(fake: FakeRaglan, call: Call) -> Answer:
    made = fake.add("fleet/sources", call.body)
    return _rotate(fake, call, made["slug"])


def _turn(fake: FakeRaglan, call: Call, change_id: str) -> Answer:
    change = next(row for row in fake.table("changes") if row["id"] == int(change_id))
    change |= call.body
    return Answer(200, change)


def _lift(fake: FakeRaglan, call: Call, hold_id: str) -> Answer:
    fake.tables["holds"] = [row for row in fake.table("holds") if row["id"] != int(hold_id)]
    return Answer(200, {})


def _heads_up(fake: FakeRaglan, call: Call) -> Answer:
    room = fake.add("incidents", {"state": "open", "title": call.body["text"], "services": call.body["services"]})
    fake.page("Heads-up", fake.on_call["systems"])
    return Answer(201, {"heads_up_id": 1, "incident_id": room["id"]})


def _declare(fake: FakeRaglan, call: Call) -> Answer:
    return Answer(201, fake.add("incidents", {**call.body, "state": "open"}))


def _in_room(fake: FakeRaglan, call: Call, room_id: str, verb: str) -> Answer:
    room = next(row for row in fake.table("incidents") if row["id"] == int(room_id))
    if room["state"] == "closed":
        return Answer(409, {"message": "This incident is closed."})
    if verb == "stand-down":
        room["state"] = "closed"
        fake.add("reviews", {"incident_id": room["id"]})
    return Answer(201, fake.add(verb, call.body or {}))


def _acknowledge(fake: FakeRaglan, call: Call, page_id: str) -> Answer:
    page = next(row for row in fake.table("pages") if row["id"] == int(page_id))
    page["state"] = "acknowledged"
    return Answer(200, page)


def _make_mirror(fake: FakeRaglan, call: Call) -> Answer:
    return Answer(201, fake.add("mirrors", {**call.body, "slug": "packages", "read_at": "read 1"}))


def _read_mirror(fake: FakeRaglan, call: Call, slug: str) -> Answer:
    [mirror] = [row for row in fake.table("mirrors") if row["slug"] == slug]
    mirror["read_at"] = f"read {int(mirror['read_at'].split()[1]) + 1}"
    return Answer(202, mirror)


def _ok(fake: FakeRaglan, call: Call, *_found: str) -> Answer:
    return Answer(200, {})


_WRITES: dict[str, Callable[..., Answer]] = {
    "/people": _make_person,
    "/schedules": _make_schedule,
    "/sources": _make_source,
    "/heads-up": _heads_up,
    "/incidents": _declare,
    "/(teams|services|policies|routes)": lambda fake, call, name: _make(name)(fake, call),
    "/(processes|automation)": _make_titled,
    "/processes/([a-z-]+)/skip-notes": _ok,
    "/automation/([a-z-]+)/practised/([a-z_]+)": _ok,
    "/kitchen": _ok,
    r"/people/(\d+)/contact-methods": lambda fake, call, who: Answer(201, fake.add("ignored", {})),
    r"/people/(\d+)/notification-rules": _ok,
    r"/people/(\d+)/tokens": _make_token,
    r"/tokens/(\d+)": _end_token,
    "/teams/([a-z]+)/members": _make_member,
    "/schedules/([a-z]+)/overrides": _override,
    "/sources/([a-z]+)/token": _rotate,
    r"/incidents/(\d+)/outside/hold": _ok,
    r"/questions/(\d+)/answer": _ok,
    r"/incidents/(\d+)/([a-z-]+)": _in_room,
    r"/entries/(\d+)/(outcome|take|answers|close|helped|risky)": _ok,
    r"/lost-tools/(\d+)/(confirm|back)": _ok,
    r"/tasks/(\d+)/(take|end)": _ok,
    "/availability": _ok,
    "/changes/proposed": _make("changes"),
    r"/changes/(\d+)/state": _turn,
    "/holds": _make("holds"),
    r"/holds/(\d+)/lift": _lift,
    "/fleet/sources": _make_fleet_source,
    "/fleet/sources/([a-z]+)/token": _rotate,
    r"/pages/(\d+)/acknowledge": _acknowledge,
    r"/reviews/(\d+)/replies": _ok,
    "/mirrors": _make_mirror,
    "/mirrors/([a-z]+)/read": _read_mirror,
    "/pins": _ok,
}


@contextmanager
def serving() -> Iterator[FakeRaglan]:
    """Serve on loopback."""
    fake = FakeRaglan()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            who = fake.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "), "")
            with lock:
                answer = fake.answer(Call(who, self.command, self.path, json.loads(body) if body else None))
            is_text = isinstance(answer.body, str)
            content = (
                b"" if answer.body is None else answer.body.encode() if is_text else json.dumps(answer.body).encode()
            )
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 -- the names that the library asks for

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # machines report many at a time

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that went away is no news
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
