"""Twilio's API as far as pages need it: requests to it, and the signature on what it calls back."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from raglan.config import config
from raglan.core import http
from raglan.core.errors import BadInput, DeliveryError
from raglan.paging.ports import TooFast

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
PERMANENT = (400, 401, 403, 404, 405)


def missing() -> str:
    """Say what has to be set up first."""
    wanted = {
        "twilio_account": config().twilio_account,
        "twilio_token": config().twilio_token.get_secret_value(),
        "twilio_from": config().twilio_from,
    }
    lacking = [name for name, value in wanted.items() if not value]
    return f"{' and '.join(lacking)} not set" if lacking else ""


def check_number(address: str) -> None:
    """Refuse what is not a phone number with its country."""
    if not NUMBER.fullmatch(address):
        raise BadInput("address", "write a phone number with its country and without spaces, such as +491512345678")


def post(resource: str, fields: Mapping[str, str], *, key: str) -> str:
    """Make a message or a call; return its id. Twilio knows no idempotency key; it is sent for those that do."""
    headers = {**_headers(), "Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key}
    answer = http.post(_url(f"{resource}.json"), urlencode(fields).encode(), headers)
    return str(_read(answer).get("sid", ""))


def get(resource: str, sid: str) -> dict[str, object]:
    """Return what became of a message or a call."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,64}", sid):
        return {}
    return _read(http.get(_url(f"{resource}/{sid}.json"), _headers()))


def _url(rest: str) -> str:
    return f"{config().twilio_url}/2010-04-01/Accounts/{config().twilio_account}/{rest}"


def _headers() -> dict[str, str]:
    pair = f"{config().twilio_account}:{config().twilio_token.get_secret_value()}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}", "Accept": "application/json"}


def _read(answer: http.Answer) -> dict[str, object]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    if answer.status == 429:
        raise TooFast("Twilio wants fewer requests", seconds=15)
    if not 200 <= answer.status < 300:
        why = (
            f"Twilio answered {answer.status}: {said.get('message', 'no reason given')} ({said.get('code', 'no code')})"
        )
        raise DeliveryError(" ".join(why.split())[:300], permanent=answer.status in PERMANENT)
    return said


def signature(url: str, fields: Mapping[str, str]) -> str:
    """Return the signature that Twilio gives a call to an address of ours."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(fields.items()))
    mac = hmac.new(config().twilio_token.get_secret_value().encode(), signed.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def is_signed(path: str, fields: Mapping[str, str], given: str) -> bool:
    """Whether Twilio signed a call. The address is the one that we gave it, not what a proxy made of it."""
    if missing():
        return False
    return hmac.compare_digest(signature(config().public_url + path, fields).encode(), given.encode("utf-8", "replace"))
