"""Reads any JSON by the source's mapping.

A mapping names paths with dots and numbers, such as `event.items.0.name`:
`title` (required), `key` (same key, same alert), `severity`, `status`, `resolved_values` (values of `status` that
mean over),
`link`, `labels` (name to path), `description`. Without a mapping, the fields of the same names at the top are used.
"""

from collections.abc import Mapping, Sequence

from raglan.alerts.ports import MAX_SIGNALS, Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, shorten
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

SIGNATURES = ("x-hub-signature-256", "x-signature-256", "x-signature")
PATHS = ("title", "key", "severity", "status", "link", "description")
RESOLVED = ("resolved", "ok", "closed", "resolve", "recovery", "up")


class AnyJson:
    """One alert a request, or an array of them."""

    kinds: Sequence[str] = ("generic",)

    def takes(self, method: str, path: str) -> bool:
        """The address of a source of this kind, with nothing behind it."""
        return method in ("POST", "PUT") and path in ("", "/", "/json", "/json/")

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Check the signature, where there is a secret; read one object, or an array of objects each by itself."""
        if source.secret:
            given = next((request.headers[name] for name in SIGNATURES if name in request.headers), "")
            shape.check_signature(source.secret, given, request.body, header=SIGNATURES[0])
        body = decode_json(request.body)
        if not isinstance(body, list):
            return Decoded([read(body, source.mapping, "")])
        if len(body) > MAX_SIGNALS:
            raise BadInput("", f"more than {MAX_SIGNALS} alerts at once", status=422)
        return shape.read_each(body, lambda item, field: read(item, source.mapping, field))

    def check_mapping(self, mapping: Mapping[str, object]) -> None:
        """Refuse a field that nothing is read from, and what is no path. Raises BadInput."""
        for name, value in mapping.items():
            field = f"mapping.{name}"
            match name, value:
                case "resolved_values", list() if all(isinstance(one, str | int | float) for one in value):
                    continue
                case "resolved_values", _:
                    raise BadInput(field, 'is a list of values that mean over, such as ["fine"]', status=422)
                case "labels", dict() if all(isinstance(path, str) for path in value.values()):
                    continue
                case "labels", _:
                    raise BadInput(field, "names the path of each label", status=422)
                case _ if name not in PATHS:
                    known = ", ".join((*PATHS, "labels", "resolved_values"))
                    raise BadInput(field, f"is no field; there are {known}", status=422)
                case _ if not isinstance(value, str):
                    raise BadInput(field, "is a path such as event.name", status=422)

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202 with what became of it, or 400 that names each bad one; the good ones were kept either way."""
        if decoded.problems:
            return Answer(400, {"problems": [shape.sentence_of(problem) for problem in decoded.problems]})
        return Answer(202, {"new": outcome.new, "repeated": outcome.repeated, "resolved": outcome.resolved})

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())


def read(item: Json, paths: Mapping[str, object], field: str) -> RawSignal:
    """Return the signal that a mapping finds in one object. Raises BadInput naming the path that is missing."""
    body = shape.mapping(item, field)
    place = str(paths.get("title") or "title")
    title = _at(body, place)
    if not title:
        where = f"{field}.{place}" if field else place
        raise BadInput(where, "is missing or empty; the mapping takes the title from there")
    status = _at(body, str(paths.get("status") or "status"))
    ends = paths.get("resolved_values")
    over = status.lower() in [str(value).lower() for value in (ends if isinstance(ends, list) and ends else RESOLVED)]
    description = _at(body, str(paths.get("description") or "description"))
    key = _at(body, str(paths.get("key") or "key"))
    return RawSignal(
        status="resolved" if over else "firing",
        labels=shorten(_labels(body, paths) or {"title": title}),
        annotations=shorten({"description": description} if description else {}),
        title=title,
        severity=_at(body, str(paths.get("severity") or "severity")) or "unknown",
        dedup_key=key,
        link=_at(body, str(paths.get("link") or "link")),
        raw=body,
    )


def _labels(body: dict[str, Json], paths: Mapping[str, object]) -> dict[str, str]:
    wanted = paths.get("labels")
    if isinstance(wanted, dict):
        found = {str(name): _at(body, str(path)) for name, path in wanted.items()}
        return {name: value for name, value in found.items() if value}
    own = body.get("labels")
    return {name: shape.scalar(value, f"labels.{name}") for name, value in own.items()} if isinstance(own, dict) else {}


def _at(body: Json, path: str) -> str:
    """Return what a path finds: the first that finds something of those with a bar between them; or quoted words."""
    for part in path.split("|"):
        word = part.strip()
        is_quoted = len(word) > 1 and word[0] == word[-1] == '"'
        if found := word[1:-1] if is_quoted else _one(body, word):
            return found
    return ""


def _one(body: Json, path: str) -> str:
    value: Json = body
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ""
    return "" if isinstance(value, dict | list) else shape.scalar(value, path)
