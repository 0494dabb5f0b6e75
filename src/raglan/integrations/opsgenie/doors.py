"""Speaks Opsgenie's alert API, version 2: what its clients send, and what they ask for afterwards."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from raglan.alerts import actions, heartbeats, own, own_page
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, Status, shorten
from raglan.core.decode import Json, clean_text, decode_json
from raglan.core.errors import BadInput, NotFound
from raglan.core.secrets import random_token
from raglan.integrations import shape
from raglan.integrations.opsgenie import shown

PRIORITIES = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info", "P5": "info"}
CLOSING: dict[str, Status] = {"close": "resolved", "acknowledge": "acknowledged"}
ALERTS = "/v2/alerts"
BEATS = "/v2/heartbeats"
KNOWN = ("status", "alias", "priority", "tag", "message")
STATES = {"open": "firing", "closed": "resolved"}
CONDITION = re.compile(
    r'(?<![\w.-])(status|alias|priority|tags?|message)\s*[:=]\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"():=]+))', re.I
)
MAX_ALIAS = 1_024
MAX_NOTE = 25_000
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A request taken apart: which alert, what is to be done, and what the query says."""

    method: str
    alert: str
    verb: str
    query: Mapping[str, str]
    body: dict[str, Json]

    @property
    def by_alias(self) -> bool:
        """Whether `alert` is the sender's own key."""
        return self.query.get("identifierType", "id").lower() == "alias"


class Alerts:
    """Create, close and acknowledge are signals; notes, reads and what raglan does not do are answered at once."""

    kinds: Sequence[str] = ("opsgenie",)

    def takes(self, method: str, path: str) -> bool:
        """Everything under /v2/alerts, with slashes doubled or at the end, as clients write them."""
        path = neat(path)
        return path == ALERTS or path.startswith(f"{ALERTS}/")

    def token(self, request: IntakeRequest) -> str:
        """The key in the query, where old scripts put it; else the header has it."""
        return _query(request.query).get("apiKey", "")

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer | None:
        """Answer all but signals."""
        asked = ask(request)
        if is_signal(asked):
            return None
        if asked.method == "GET":
            return _get(source, asked)
        actions.heard(source.id)
        is_act = asked.method == "POST" and asked.verb in ACTS
        return _act(source, asked) if is_act else _annotate(source, asked)

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read a create, a close or an acknowledgement. Raises BadInput naming the field."""
        asked = ask(request)
        if not asked.alert:
            signal = _created(asked.body)
            return Decoded([signal], extra={"request": request_id("create", signal.dedup_key)})
        verb = "close" if asked.method == "DELETE" else asked.verb
        key = _alias_of(source, asked)
        _note(source, key, asked.body)
        signal = RawSignal(CLOSING[verb], {}, {}, "", dedup_key=key, raw={"action": verb, **asked.body})
        return Decoded([signal], extra={"request": request_id(verb, key)})

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202 with the id under which the client may ask what became of it."""
        return _accepted(decoded.extra["request"])

    def refuse(self, error: BadInput) -> Answer:
        """422 or what the error says, as Opsgenie writes it."""
        status = 422 if error.status == 400 and error.field else error.status
        problem = {error.field: error.reason} if error.field else {}
        return Answer(status, {"message": error.sentence, "errors": problem, "took": 0.0, "requestId": ""})

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A create, as a client sends it."""
        body = {"message": "A test from Setup", "alias": "raglan-test", "priority": "P5", "source": "raglan"}
        return IntakeRequest("POST", ALERTS, "", {}, json.dumps(body).encode(), "127.0.0.1")


class Beats:
    """`/v2/heartbeats/NAME/ping`, by any method, and reading a heartbeat."""

    kinds: Sequence[str] = ("opsgenie",)

    def takes(self, method: str, path: str) -> bool:
        """Everything under /v2/heartbeats."""
        return neat(path).startswith(f"{BEATS}/")

    def token(self, request: IntakeRequest) -> str:
        """The key in the query, where old scripts put it; else the header has it."""
        return _query(request.query).get("apiKey", "")

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer:
        """Take a beat, or show the heartbeat. Raises NotFound."""
        name, _, verb = neat(request.quoted or quote(request.path)).removeprefix(f"{BEATS}/").partition("/")
        name = clean_text(unquote(name))
        if verb == "ping":
            heartbeats.take(source, name, heartbeats.Sort.BEAT)
            return _accepted(request_id("ping", name), result="PONG - Heartbeat received")
        found = heartbeats.find(source, name)
        if verb or request.method != "GET" or found is None:
            raise NotFound(
                "There is no such heartbeat in this source. Make it under Setup, on the screen of the source."
            )
        return Answer(200, {"data": shown.heartbeat(found), "took": 0.0, "requestId": request_id("get", name)})

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Nothing is left to decode."""
        return Decoded([])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202."""
        return _accepted("")

    def refuse(self, error: BadInput) -> Answer:
        """As Opsgenie writes it."""
        return Answer(error.status, {"message": error.sentence, "took": 0.0, "requestId": ""})


def neat(path: str) -> str:
    """Return a path without doubled slashes and without one at the end."""
    return re.sub(r"/{2,}", "/", path).rstrip("/")


def ask(request: IntakeRequest) -> Asked:
    """Take a request apart. Raises BadInput."""
    alert, _, verb = neat(request.quoted or quote(request.path)).removeprefix(ALERTS).lstrip("/").partition("/")
    body: dict[str, Json] = {}
    if request.method in ("POST", "PUT", "PATCH") and request.body.strip():
        body = shape.mapping(decode_json(request.body), "")
    return Asked(request.method, clean_text(unquote(alert)), verb, _query(request.query), body)


def _query(text: str) -> dict[str, str]:
    return {name: clean_text(values[-1]) for name, values in shape.query(text).items()}


def is_signal(asked: Asked) -> bool:
    """Tell whether a request goes through the pipeline."""
    if asked.method == "POST":
        return not asked.alert or asked.verb in CLOSING
    return asked.method == "DELETE" and bool(asked.alert) and not asked.verb


def request_id(verb: str, alias: str) -> str:
    """Return an id that carries what it is about: nothing has to be kept to answer for it later."""
    return base64.urlsafe_b64encode(json.dumps([verb, alias]).encode()).decode().rstrip("=")


def read_request_id(text: str) -> tuple[str, str]:
    """Return verb and alias of a request id. Raises NotFound."""
    try:
        verb, alias = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return str(verb), clean_text(str(alias))
    except (ValueError, TypeError):
        raise NotFound("There is no such request.") from None


def _accepted(request: str, *, result: str = "Request will be processed") -> Answer:
    return Answer(202, {"result": result, "took": 0.0, "requestId": request})


def _created(body: dict[str, Json]) -> RawSignal:
    message = shape.text(body.get("message"), "message")
    if not message:
        raise BadInput("message", "says in one line what is wrong, and must not be empty")
    priority = (shape.text(body.get("priority"), "priority") or "P3").upper()
    if priority not in PRIORITIES:
        raise BadInput("priority", "must be P1, P2, P3, P4 or P5")
    labels = {"alertname": message, "severity": PRIORITIES[priority], "priority": priority}
    for name in ("entity", "source"):
        if value := shape.scalar(body.get(name), name):
            labels[name] = value
    labels |= _tags(body.get("tags")) | _team(body.get("responders") or body.get("teams"))
    description = {"description": text} if (text := shape.text(body.get("description"), "description")) else {}
    details = body.get("details")
    facts = {name: shape.plain(value) for name, value in details.items()} if isinstance(details, dict) else {}
    return RawSignal(
        status="firing",
        labels=shorten(labels),
        annotations=shorten(description | _notes_of(body) | facts),
        title=message[:1024],
        severity=PRIORITIES[priority],
        dedup_key=shape.keys(body.get("alias"), "alias", most=MAX_ALIAS) or random_token(),
        link=next((value for value in facts.values() if shape.is_web(value)), ""),
        raw={name: value for name, value in body.items() if name != "apiKey"},
    )


def _notes_of(body: dict[str, Json]) -> dict[str, str]:
    """Keep the words of the sender and who it wanted to answer; whom raglan pages, its own routes say."""
    found = {name: shape.plain(body.get(name)) for name in ("note", "user")}
    return {name: value for name, value in found.items() if value}


def _tags(value: Json) -> dict[str, str]:
    """Return tags as labels: `service:db` is a label of its own, and all of them stand in `tags`."""
    words = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    tags = [shape.plain(word).strip() for word in words if shape.plain(word).strip()]
    named = dict(tag.split(":", 1) for tag in tags if re.fullmatch(r"[A-Za-z_]\w{0,60}:\S.*", tag))
    return ({"tags": ",".join(sorted(tags))} if tags else {}) | {name: text.strip() for name, text in named.items()}


def _team(value: Json) -> dict[str, str]:
    """Return the first team that should answer as the label `team`, for routes to match on."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and item.get("type", "team") == "team" and isinstance(item.get("name"), str):
            return {"team": str(item["name"])}
    return {}


def _alias_of(source: SourceKey, asked: Asked) -> str:
    """Return the key of the alert that is meant; one that does not exist has a key that nothing has."""
    if asked.by_alias:
        return asked.alert[:MAX_ALIAS]
    found = own.by_id(source.id, asked.alert)
    return found.key if found else f"there is no alert {asked.alert[:100]}"


def _note(source: SourceKey, alias: str, body: dict[str, Json]) -> bool:
    """Keep the words that came with a request; tell whether there is such an alert."""
    alert = own.by_key(source.id, alias)
    if alert is not None and (words := shape.plain(body.get("note"))):
        by = shape.plain(body.get("user")) or shape.plain(body.get("source"))
        actions.note_alert(alert.id, text=words[:MAX_NOTE], by=by, actor=f"source:{source.id}")
    return alert is not None


WORDS: dict[str, Callable[[dict[str, Json]], str]] = {
    "notes": lambda body: shape.plain(body.get("note")),
    "message": lambda body: f"New message: {shape.plain(body.get('message'))}",
    "description": lambda body: f"New description: {shape.plain(body.get('description'))}",
    "priority": lambda body: f"New priority: {shape.plain(body.get('priority'))}",
    "tags": lambda body: f"New tags: {shape.plain(body.get('tags'))}",
    "details": lambda body: f"New details: {shape.plain(body.get('details'))}",
}


def _by(body: dict[str, Json]) -> str:
    return shape.plain(body.get("user")) or shape.plain(body.get("source"))


def _snooze(source: SourceKey, alert: int, body: dict[str, Json]) -> None:
    text = shape.text(body.get("endTime"), "endTime")
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("endTime", "must be a time such as 2026-11-27T14:00:00Z", status=422) from None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    own_page.snooze(source.id, alert, until=until, by=_by(body))


def _escalate(source: SourceKey, alert: int, body: dict[str, Json]) -> None:
    own_page.next_step(source.id, alert, by=_by(body))


def _unacknowledge(source: SourceKey, alert: int, body: dict[str, Json]) -> None:
    own_page.give_back(source.id, alert, by=_by(body))


def _assign(source: SourceKey, alert: int, body: dict[str, Json]) -> None:
    own_page.hand_on(source.id, alert, to=_user(body.get("owner"), "owner"), by=_by(body))


def _add_responder(source: SourceKey, alert: int, body: dict[str, Json]) -> None:
    responder = shape.mapping(body.get("responder"), "responder")
    if responder.get("type", "user") != "user":
        raise BadInput("responder", "is a user here; teams are paged by routes", status=422)
    own_page.ask_too(source.id, alert, whom=_user(responder, "responder"), by=_by(body))


def _user(value: Json, field: str) -> str:
    """Return the user name of Opsgenie, which is a mail address."""
    found = shape.mapping(value, field).get("username") or shape.mapping(value, field).get("name")
    if not found:
        raise BadInput(f"{field}.username", "is the mail address of a person", status=422)
    return shape.text(found, f"{field}.username")


Act = Callable[[SourceKey, int, dict[str, Json]], None]
ACTS: dict[str, Act] = {
    "snooze": _snooze,
    "escalate": _escalate,
    "unacknowledge": _unacknowledge,
    "assign": _assign,
    "responders": _add_responder,
}


def _act(source: SourceKey, asked: Asked) -> Answer:
    """Do something with the page of an alert, and keep the words that came with it. Raises BadInput, NotFound."""
    alias = _alias_of(source, asked)
    alert = own.by_key(source.id, alias)
    if alert is None:
        raise NotFound("There is no such alert of this source.")
    ACTS[asked.verb](source, alert.id, asked.body)
    _note(source, alias, asked.body)
    return _accepted(request_id(asked.verb, alias))


def _annotate(source: SourceKey, asked: Asked) -> Answer:
    """Keep what is said about an alert as a note. Raises BadInput for what raglan does not do."""
    if asked.verb not in WORDS:
        named = asked.verb or asked.method
        raise BadInput("", f"{named} is not done from outside: do it in raglan, where its page is", status=422)
    alias = _alias_of(source, asked)
    body = replace(asked, body={**asked.body, "note": WORDS[asked.verb](asked.body)}).body
    _note(source, alias, body)
    return _accepted(request_id(asked.verb, alias))


def _get(source: SourceKey, asked: Asked) -> Answer:
    if asked.alert == "requests":
        return Answer(200, _request_status(source, asked.verb))
    if not asked.alert:
        return Answer(200, _listed(source, asked.query))
    if asked.alert == "count" and not asked.verb:
        count = own.count(source.id, _wanted(asked.query))
        return Answer(200, {"data": {"count": count}, "took": 0.0, "requestId": request_id("count", "")})
    alert = own.by_key(source.id, asked.alert) if asked.by_alias else own.by_id(source.id, asked.alert)
    if alert is None or asked.verb:
        raise NotFound("There is no such alert of this source.")
    return Answer(200, {"data": shown.alert(alert), "took": 0.0, "requestId": request_id("get", alert.key)})


def _request_status(source: SourceKey, text: str) -> dict[str, object]:
    verb, alias = read_request_id(text)
    alert = own.by_key(source.id, alias)
    done = alert is not None
    return {
        "data": {
            "success": done,
            "isSuccess": done,
            "action": verb.capitalize(),
            "processedAt": shown.moment(alert.last_seen_at if alert else None),
            "integrationId": str(source.id),
            "status": "Request processed" if done else f"There is no open alert with alias [{alias}]",
            "alertId": str(alert.id) if alert else "",
            "alias": alias,
        },
        "took": 0.0,
        "requestId": text,
    }


def _listed(source: SourceKey, query: Mapping[str, str]) -> dict[str, object]:
    limit = min(PER_PAGE, _number(query.get("limit"), PER_PAGE) or PER_PAGE)
    start = _number(query.get("offset"), 0)
    found = own.listed(source.id, _wanted(query), start=start, most=limit)
    return {
        "data": [shown.alert(alert) for alert in found],
        "paging": {},
        "took": 0.0,
        "requestId": request_id("list", ""),
    }


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else otherwise


def _wanted(query: Mapping[str, str]) -> own.Wanted:
    """Read the words of a query: conditions with AND between them, or words of a title.

    Raises BadInput for what raglan does not know of that language: a program that lists and then closes must not be
    given more than it asked for.
    """
    text = query.get("query", "").strip()
    if not text:
        return own.Wanted()
    parts = CONDITION.findall(text)
    rest = re.sub(r"\bAND\b", " ", CONDITION.sub(" ", text)).strip()
    if parts and not rest:
        return _conditions(parts)
    if parts or re.search(r"[:=<>()]|\b(AND|OR|NOT)\b", text):
        raise BadInput("query", f"knows {', '.join(KNOWN)}, with AND between them, or words of the message", status=422)
    return own.Wanted(search=text.strip('"')[:200])


def _conditions(parts: Sequence[tuple[str, str, str]]) -> own.Wanted:
    """Return what conditions ask for. Raises BadInput for one that is empty, or that contradicts another."""
    once: dict[str, str] = {}
    labels: list[tuple[str, str]] = []
    for written, quoted, plain in parts:
        name, value = written.lower(), quoted.replace('\\"', '"') or plain
        if not value:
            raise BadInput("query", f"{name} must not be empty", status=422)
        if name in ("status", "alias", "message"):
            if once.setdefault(name, value) != value:
                raise BadInput("query", f"asks for two values of {name}", status=422)
        else:
            labels.append(("priority", value.upper()) if name == "priority" else ("tags", value))
    state = once.get("status", "open").lower()
    if state not in STATES:
        raise BadInput("query", "status is open or closed", status=422)
    asked = STATES[state] if "status" in once else ""
    return own.Wanted(asked, once.get("message", ""), once.get("alias", ""), tuple(labels))
