"""What an Alertmanager answers, API v2: status, receivers, alerts, groups, silences; such that amtool works."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import cast
from urllib.parse import unquote

from raglan.alerts import actions, matchers, seen
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.ports import Answer, IntakeRequest, SourceKey
from raglan.alerts.seen import SeenAlert, SeenSilence
from raglan.core.decode import Json, decode_json, parse_time
from raglan.core.errors import BadInput, NotFound, RaglanError
from raglan.integrations import shape
from raglan.integrations.prometheus import written

API = "/api/v2"
OPEN = ("/-/healthy", "/-/ready")
READS = ("GET", "HEAD")
ASKED = (f"{API}/status", f"{API}/receivers", f"{API}/alerts", f"{API}/alerts/groups", f"{API}/silences")
ONE = f"{API}/silence/"
SWITCHES = ("active", "silenced", "inhibited", "unprocessed")


class Refused(RaglanError):
    """What this format refuses with a code and a message."""

    code = "refused"

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.number = code


class Desk:
    """Answers the source of a token about its own alerts, and sets silences on them."""

    kinds: Sequence[str] = ("alertmanager",)

    def takes(self, method: str, path: str) -> bool:
        """Everything of the API but the pushing of alerts, which is a door."""
        path = path.rstrip("/")
        if path in OPEN or path in ASKED:
            return method in READS or (method == "POST" and path == f"{API}/silences")
        return path.startswith(ONE) and method in (*READS, "DELETE")

    def is_open(self, path: str) -> bool:
        """Whether it is well may be asked by anybody."""
        return path.rstrip("/") in OPEN

    def answer(self, source: SourceKey | None, request: IntakeRequest) -> Answer:
        """Answer as a real one does, in its shapes of error too."""
        if source is None:
            return Answer(200, b"OK")
        try:
            return _answer(source, request)
        except Refused as error:
            return Answer(error.status, {"code": error.number, "message": error.sentence})
        except NotFound:
            return Answer(404)
        except BadInput as error:
            return Answer(400, error.sentence)
        except RaglanError as error:
            return Answer(error.status, error.sentence)


def _answer(source: SourceKey, request: IntakeRequest) -> Answer:
    path = request.path.rstrip("/")
    if path.startswith(ONE):
        return _one(source, request.method, unquote(path.removeprefix(ONE)))
    if request.method == "POST":
        return _set(source, request)
    query = _query(request.query)
    reads: dict[str, Callable[[], Answer]] = {
        ASKED[0]: lambda: Answer(200, written.status(seen.table(), seen.receivers(), seen.inhibitions())),
        ASKED[1]: lambda: Answer(200, [{"name": name} for name in seen.receivers()]),
        ASKED[2]: lambda: Answer(200, _alerts(source, query)),
        ASKED[3]: lambda: Answer(200, written.groups(_chosen(source, query))),
        ASKED[4]: lambda: Answer(200, _silences(source, query)),
    }
    return reads[path]()


def _query(text: str) -> dict[str, list[str]]:
    """Return the fields of a query, of which a switch may stand there without a value."""
    try:
        return shape.query(text, keeps_empty=True)
    except BadInput as error:
        raise Refused(422, 601, error.reason) from None


def _alerts(source: SourceKey, query: Mapping[str, list[str]]) -> list[object]:
    listed = [written.alert(alert) for alert in _chosen(source, query)]
    return cast("list[object]", sorted(listed, key=written.by_fingerprint))


def _chosen(source: SourceKey, query: Mapping[str, list[str]]) -> list[SeenAlert]:
    """Return the alerts that a query asks for."""
    conditions = _filters(query)
    wanted = {name: _switch(query, name) for name in SWITCHES}
    receiver = _receiver(query)
    return [
        alert
        for alert in seen.firing(source.id)
        if all(condition.matches(alert.labels) for condition in conditions)
        and (receiver is None or receiver.matches({"receiver": alert.receiver}))
        and _is_wanted(alert, wanted)
    ]


def _is_wanted(alert: SeenAlert, wanted: Mapping[str, bool]) -> bool:
    match written.state(alert):
        case "active":
            return wanted["active"]
        case "unprocessed":
            return wanted["unprocessed"]
        case _ if alert.inhibited_by:
            return wanted["inhibited"]
        case _:
            return wanted["silenced"]


def _filters(query: Mapping[str, list[str]]) -> list[Matcher]:
    conditions = query.get("filter", [])
    if len(conditions) > matchers.MAX_MATCHERS:
        raise BadInput("", f"at most {matchers.MAX_MATCHERS} filters", status=400)
    try:
        return [matchers.parse(text, "filter") for text in conditions]
    except BadInput as error:
        raise BadInput("", f"bad matcher format: {error.reason}", status=400) from None


def _receiver(query: Mapping[str, list[str]]) -> Matcher | None:
    pattern = query.get("receiver", [""])[-1]
    if not pattern:
        return None
    found = Matcher("receiver", "=~", pattern)
    try:
        matchers.check(found, "receiver")
    except BadInput as error:
        raise BadInput("", f"failed to parse receiver param: {error.reason}", status=400) from None
    return found


def _switch(query: Mapping[str, list[str]], name: str) -> bool:
    text = query.get(name, ["true"])[-1]
    if text.lower() not in ("true", "1", "t", "y", "yes", "on", "false", "0", "f", "n", "no", "off", ""):
        raise Refused(422, 601, f'{name} in query must be of type boolean: "{text[:80]}"')
    return text.lower() in ("true", "1", "t", "y", "yes", "on", "")


def _silences(source: SourceKey, query: Mapping[str, list[str]]) -> list[object]:
    conditions = _filters(query)
    return [written.silence(one) for one in seen.silences(source.id) if _is_about(one, conditions)]


def _is_about(silence: SeenSilence, conditions: Sequence[Matcher]) -> bool:
    """Tell whether what a silence asks for meets a filter."""
    asked = {matcher.name: matcher.value for matcher in silence.matchers}
    return all(condition.matches(asked) for condition in conditions)


def _one(source: SourceKey, method: str, key: str) -> Answer:
    _check_key(key, "path")
    found = seen.silence(key.lower(), source.id)
    if method != "DELETE":
        return Answer(200, written.silence(found))
    if not found.is_own:
        raise Refused(403, 403, "this silence was set in raglan; end it there")
    if found.state != "expired":
        actions.expire_silence_by_key(found.key, actor=_actor(source))
    return Answer(200)


def _check_key(key: str, where: str) -> None:
    try:
        uuid.UUID(key)
    except ValueError:
        raise Refused(422, 601, f'silenceID in {where} must be of type uuid: "{key[:80]}"') from None


def _actor(source: SourceKey) -> str:
    return f"source:{source.id}"


def _set(source: SourceKey, request: IntakeRequest) -> Answer:
    """Set a silence on the alerts of the source, or change one of its own."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, 415, f'unsupported media type "{kind}", only [application/json] are allowed')
    body = _body(request)
    draft = _draft(body)
    who = actions.Setter(str(body["createdBy"]) or source.slug, source_id=source.id)
    key = str(body.get("id") or "")
    if key:
        found = seen.silence(key.lower(), source.id)
        if not found.is_own:
            raise Refused(403, 403, "this silence was set in raglan; change it there")
        if found.state != "expired" and set(found.matchers) == set(draft.matchers):
            actions.change_silence_by_key(found.key, draft, version=found.version, actor=_actor(source))
            return Answer(200, {"silenceID": found.key})
        if found.state != "expired":
            actions.expire_silence_by_key(found.key, actor=_actor(source))
    made = actions.set_silence(draft, by=who, actor=_actor(source))
    return Answer(200, {"silenceID": made.key})


def _body(request: IntakeRequest) -> dict[str, Json]:
    try:
        body = shape.mapping(decode_json(request.body), "")
    except BadInput as error:
        raise Refused(400, 400, f'parsing silence body from "" failed, because {error.reason}') from None
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if body.get(name) is None:
            raise Refused(422, 602, f"{name} in body is required")
        if name != "matchers" and not isinstance(body[name], str):
            raise Refused(400, 400, f'parsing silence body from "" failed, because {name} must be a string')
    return body


def _draft(body: Mapping[str, Json]) -> actions.SilenceDraft:
    items = body["matchers"]
    if not isinstance(items, list):
        raise Refused(400, 400, 'parsing silence body from "" failed, because matchers must be an array')
    if not items:
        raise Refused(422, 612, "matchers in body should have at least 1 items")
    starts, ends = (parse_time(str(body[name]), name) for name in ("startsAt", "endsAt"))
    if starts is None or ends is None:
        raise Refused(422, 602, "startsAt and endsAt in body are required")
    reason = str(body["comment"]).strip() or "no comment was given"
    conditions = [_matcher(item, f"matchers.{number}") for number, item in enumerate(items)]
    return actions.SilenceDraft(conditions, starts, ends, reason)


def _matcher(item: Json, field: str) -> Matcher:
    if not isinstance(item, dict):
        raise Refused(400, 400, f'parsing silence body from "" failed, because {field} must be an object')
    name, value, is_regex = item.get("name"), item.get("value"), item.get("isRegex")
    is_equal = item.get("isEqual", True)
    for key, given, kind in (("name", name, str), ("value", value, str), ("isRegex", is_regex, bool)):
        if given is None:
            raise Refused(422, 602, f"{field}.{key} in body is required")
        if not isinstance(given, kind):
            raise Refused(400, 400, f'parsing silence body from "" failed, because {field}.{key} has another type')
    operators = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return Matcher(str(name), operators[bool(is_equal is None or is_equal), bool(is_regex)], str(value))
