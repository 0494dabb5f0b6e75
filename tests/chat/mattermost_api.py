"""Mattermost's API v4, as far as it is called: channels, members, posts by time, and its refusals."""

import json
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.integrations.fakes import Answer, Request

TOKEN = "bot-token-for-tests"
ME, TEAM = "b" * 26, "t" * 26
AT_ONCE = 1_000


@dataclass
class Api:
    """A server with one team and one bot."""

    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=lambda: {ME: "raglan"})
    pending: dict[str, str] = field(default_factory=dict)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    next: list[Answer] = field(default_factory=list)
    loses_answers: bool = False  # does what it is asked for, and then says nothing that can be read
    asked: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))
    _last: int = 0

    def stamp(self) -> int:
        """Return now, in milliseconds, later than any before."""
        self._last = max(self._last + 1, int(time.time() * 1000))
        return self._last

    def key(self, letter: str) -> str:
        return f"{letter}{next(self._numbers):025d}"

    def respond(self, request: Request) -> Answer:
        self.asked.append(f"{request.method} {request.path}")
        if self.next:
            return self.next.pop(0)
        parts, body = urlsplit(request.path), json.loads(request.body or b"{}")
        if parts.path == "/hooks/abc":
            return self.hook(body)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.no(401, "api.context.session_expired.app_error", "Invalid or expired session")
        answer = self._answer(
            request.method, parts.path.removeprefix("/api/v4/").split("/"), body, parse_qs(parts.query)
        )
        return Answer(502, b"<html>") if self.loses_answers and request.method == "POST" else answer

    def _answer(self, method: str, words: list[str], body: Any, query: dict[str, list[str]]) -> Answer:
        match method, *words:
            case "GET", "channels", channel, "posts":
                return self.listed(channel, {name: values[0] for name, values in query.items()})
            case "GET", *rest:
                found = self._found(rest)
                return self.yes(found) if found is not None else self.no(404, "app.missing.app_error", "not found")
            case "POST", "channels":
                return self.make(body)
            case "POST", "channels", channel, "members":
                self.members[channel].add(body["user_id"])
                return self.yes({"channel_id": channel, "user_id": body["user_id"]}, 201)
            case "PUT", "channels", channel, "patch":
                self.channels[channel].update(body)
                return self.yes(self.channels[channel])
        return self.take(body)

    def _found(self, words: list[str]) -> object:
        match words:
            case ["users", user]:
                user = ME if user == "me" else user
                return {"id": user, "username": self.users.get(user, "somebody")}
            case ["users", "me", "teams", _, "channels"]:
                return [one for key, one in self.channels.items() if ME in self.members[key]]
            case ["teams", _, "channels", "name", name]:
                return next((one for one in self.channels.values() if one["name"] == name), None)
        return {"id": TEAM, "name": "ops", "display_name": "Operations"} if words == ["teams", "name", "ops"] else None

    def make(self, body: dict[str, Any], *, by: str = ME) -> Answer:
        if any(one["name"] == body["name"] for one in self.channels.values()):
            return self.no(400, "store.sql_channel.save_channel.exists.app_error", "A channel with that name exists")
        key, at = self.key("c"), self.stamp()
        self.channels[key] = {"header": "", **body, "id": key, "creator_id": by, "create_at": at, "last_post_at": 0}
        self.members[key] = {by}
        return self.yes(self.channels[key], 201)

    def take(self, body: dict[str, Any]) -> Answer:
        if body["channel_id"] not in self.channels or ME not in self.members[body["channel_id"]]:
            return self.no(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
        if body["pending_post_id"] in self.pending:
            return self.yes(self.posts[self.pending[body["pending_post_id"]]], 201)
        key = self.write(body["channel_id"], ME, body["message"], props=body["props"])
        self.pending[body["pending_post_id"]] = key
        return self.yes(self.posts[key], 201)

    def write(self, channel: str, user: str, text: str, **more: Any) -> str:
        """Let somebody write; return the id of their post."""
        key, at = self.key("p"), self.stamp()
        self.posts[key] = {
            **{"id": key, "create_at": at, "update_at": at, "edit_at": 0, "delete_at": 0, "original_id": ""},
            **{
                "user_id": user,
                "channel_id": channel,
                "message": text,
                "type": "",
                "props": {},
                "metadata": {},
                **more,
            },
        }
        self.channels[channel]["last_post_at"] = self.posts[key]["create_at"]
        return key

    def edit(self, key: str, text: str) -> None:
        """Correct a post; the server keeps the earlier text as a deleted post of its own."""
        at, old = self.stamp(), self.key("p")
        self.posts[old] = {**self.posts[key], "id": old, "original_id": key, "delete_at": at, "update_at": at}
        self.posts[key].update(message=text, edit_at=at, update_at=at)

    def delete(self, key: str) -> None:
        at = self.stamp()
        self.posts[key].update(delete_at=at, update_at=at)

    def listed(self, channel: str, query: dict[str, str]) -> Answer:
        own = [one for one in self.posts.values() if one["channel_id"] == channel]
        if "since" in query:
            found = [one for one in own if one["update_at"] > int(query["since"])][:AT_ONCE]
        else:
            alive = sorted((one for one in own if not one["delete_at"]), key=lambda one: -one["create_at"])
            keys = [one["id"] for one in alive]
            start = keys.index(query["before"]) + 1 if "before" in query else 0
            found = alive[start : start + int(query["per_page"])]
        found = sorted(found, key=lambda one: -one["create_at"])
        return self.yes({"order": [one["id"] for one in found], "posts": {one["id"]: one for one in found}})

    def hook(self, body: dict[str, Any]) -> Answer:
        if not body.get("text"):
            return self.no(400, "web.incoming_webhook.text.app_error", "No text specified")
        self.hooked.append(body)
        return Answer(200, b"ok")

    def said(self, channel: str) -> list[str]:
        """Return what we said in a channel."""
        return [one["message"] for one in self.posts.values() if (one["channel_id"], one["user_id"]) == (channel, ME)]

    @staticmethod
    def yes(found: object, status: int = 200) -> Answer:
        return Answer(status, json.dumps(found).encode())

    @staticmethod
    def no(status: int, refusal: str, message: str) -> Answer:
        body = {"id": refusal, "message": message, "detailed_error": "", "request_id": "r", "status_code": status}
        return Answer(status, json.dumps(body).encode())
