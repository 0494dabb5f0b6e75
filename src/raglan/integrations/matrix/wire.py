"""Requests to a homeserver, and what its refusals mean."""

import json
from urllib.parse import urlencode

from raglan.chat.ports import Wait
from raglan.core import http
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, DeliveryError

PERMANENT = (400, 403, 404, 405, 413)
Answered = dict[str, Json]
MOST_MEMBERS = 200_000


class RefusedError(DeliveryError):
    """The homeserver refused; `refusal` is its word for why."""

    def __init__(self, sentence: str, *, permanent: bool, refusal: str) -> None:
        super().__init__(sentence, permanent=permanent)
        self.refusal = refusal


class UnreadableError(DeliveryError):
    """The homeserver answered with what can not be read: nested too deep, too long, or no JSON."""


class Wire:
    """Asks one homeserver in the name of one account."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def get(self, path: str, query: dict[str, str] | None = None, *, more_s: float = 0.0) -> Answered:
        """GET. Raises DeliveryError, Wait."""
        return self._ask("GET", path + (f"?{urlencode(query)}" if query else ""), None, more_s)

    def post(self, path: str, body: object) -> Answered:
        """POST. Raises DeliveryError, Wait."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: object) -> Answered:
        """PUT. Raises DeliveryError, Wait."""
        return self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: object, more_s: float = 0.0) -> Answered:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        answer = http.ask(method, f"{self._url}/_matrix/client/v3{path}", data, headers, more_s=more_s)
        if 200 <= answer.status < 300:
            return _read(answer.body)
        try:
            found = _read(answer.body)
        except UnreadableError:
            found = {}  # of a proxy
        raise _refusal(answer.status, found)


def _read(body: bytes) -> Answered:
    try:
        found = decode_json(body, max_members=MOST_MEMBERS)
    except BadInput as error:
        raise UnreadableError(f"the homeserver’s answer can not be read: {error.sentence}", permanent=False) from None
    return found if isinstance(found, dict) else {}


def _refusal(status: int, found: Answered) -> DeliveryError:
    code, why = str(found.get("errcode", "")), str(found.get("error", "no reason given"))[:200]
    if status == 429:
        waits = found.get("retry_after_ms")
        seconds = waits / 1000 if isinstance(waits, int | float) else 5.0
        return Wait("the homeserver wants fewer messages", seconds=max(0.1, min(seconds, 300)))
    if status == 401:
        return DeliveryError(f"the homeserver does not take the access token: {why}", permanent=False)
    return RefusedError(f"the homeserver answered {status}: {why}", permanent=status in PERMANENT, refusal=code)
