"""Twilio's API on loopback: takes texts and calls, and calls back with its signature as the real one does."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.test import Client

from tests.integrations.fakes import Answer, Request

ACCOUNT, TOKEN, NUMBER = "AC" + "0" * 32, "0123456789abcdef0123456789abcdef", "+15005550001"


@dataclass
class Twilio:
    """One account with one number."""

    url: str = ""
    made: list[dict[str, str]] = field(default_factory=list)
    states: dict[str, dict[str, object]] = field(default_factory=dict)
    refusal: Answer | None = None

    def respond(self, request: Request) -> Answer:
        if self.refusal is not None:
            return self.refusal
        pair = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return self.error(401, 20003, "Authenticate")
        kind, _, sid = (
            request.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}/").removesuffix(".json").partition("/")
        )
        if request.method == "GET":
            found = self.states.get(sid)
            return Answer(200, json.dumps(found).encode()) if found else self.error(404, 20404, "not found")
        fields = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        return self.make(kind, fields)

    def make(self, kind: str, fields: dict[str, str]) -> Answer:
        if not fields.get("To", "").startswith("+"):
            return self.error(400, 21211, f"The 'To' number {fields.get('To')} is not a valid phone number.")
        if kind == "Messages" and not fields.get("Body"):
            return self.error(400, 21602, "Message body is required.")
        if kind == "Calls" and not (fields.get("Url") or fields.get("Twiml")):
            return self.error(400, 21205, "Url parameter is required.")
        sid = f"{'SM' if kind == 'Messages' else 'CA'}{len(self.made):032x}"
        self.made.append({**fields, "sid": sid})
        self.states[sid] = {"sid": sid, "status": "queued", "error_code": None}
        return Answer(201, json.dumps(self.states[sid]).encode())

    @staticmethod
    def error(status: int, code: int, words: str) -> Answer:
        return Answer(status, json.dumps({"code": code, "message": words, "status": status}).encode())

    @staticmethod
    def call_back(url: str, *, sign: bool = True, token: str = TOKEN, **fields: str) -> Any:
        """Call an address of ours as Twilio does; return the answer."""
        signed = url + "".join(name + fields[name] for name in sorted(fields))
        mac = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"X-Twilio-Signature": mac} if sign else {}
        return Client().post(urlsplit(url).path, fields, headers=headers)
