"""Requests to a Mattermost server (API v4), and what its refusals mean."""

import json
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from raglan.chat.ports import Wait
from raglan.core import http
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, DeliveryError

PERMANENT = (400, 403, 404, 405, 413, 501)
MOST_MEMBERS = 500_000
Fields = dict[str, Json]


class RefusedError(DeliveryError):
    """The server refused; `refusal` is its id for why."""

    def __init__(self, sentence: str, *, permanent: bool, refusal: str) -> None:
        super().__init__(sentence, permanent=permanent)
        self.refusal = refusal


class Wire:
    """Asks one server in the name of one account."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self.clock_ms = 0  # the server's, as it said last

    def get(self, path: str, query: dict[str, str] | None = None) -> Fields:
        """GET something. Raises DeliveryError, Wait."""
        return as_dict(self._ask("GET", path + (f"?{urlencode(query)}" if query else ""), None))

    def listed(self, path: str, body: object = None) -> list[Fields]:
        """GET a list, or POST for one. Raises DeliveryError, Wait."""
        found = self._ask("GET" if body is None else "POST", path, body)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def post(self, path: str, body: object) -> Fields:
        """POST. Raises DeliveryError, Wait."""
        return as_dict(self._ask("POST", path, body))

    def put(self, path: str, body: object) -> Fields:
        """PUT. Raises DeliveryError, Wait."""
        return as_dict(self._ask("PUT", path, body))

    def _ask(self, method: str, path: str, body: object) -> Json:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        answer = http.ask(method, f"{self._url}/api/v4{path}", data, headers)
        self.clock_ms = _moment(answer)
        return read(answer)


def read(answer: http.Answer) -> Json:
    """Return what was answered. Raises DeliveryError, Wait."""
    found = decoded(answer.body)
    if 200 <= answer.status < 300:
        if found is None:
            raise DeliveryError("Mattermost answered with what can not be read", permanent=False)
        return found
    raise refusal(answer, as_dict(found))


def refusal(answer: http.Answer, found: Fields) -> DeliveryError:
    """Return what a status other than 2xx means."""
    if answer.status == 429:
        return Wait("Mattermost wants fewer messages", seconds=_waits(answer.headers))
    why = str(found.get("message") or "no reason given")[:200]
    if answer.status == 401:
        return DeliveryError(f"Mattermost does not take the access token: {why}", permanent=False)
    sentence = f"Mattermost answered {answer.status}: {why}"
    return RefusedError(sentence, permanent=answer.status in PERMANENT, refusal=str(found.get("id") or "")[:200])


def _waits(headers: dict[str, str]) -> float:
    """Return in how many seconds one may ask again."""
    for name in ("x-ratelimit-reset", "retry-after"):
        given = headers.get(name, "")
        if given.isdecimal() and len(given) < 5:
            return max(1.0, min(float(given), 300.0))
    return 5.0


def decoded(body: bytes) -> Json:
    """Return JSON, or None for what is none."""
    try:
        return decode_json(body, max_members=MOST_MEMBERS)
    except BadInput:
        return None  # of a proxy


def _moment(answer: http.Answer) -> int:
    """Return the clock of the server, in milliseconds, or our own where it tells none."""
    try:
        return int(parsedate_to_datetime(answer.headers.get("date", "")).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return int(now().timestamp() * 1000)


def as_dict(value: Json) -> Fields:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}
