"""The door that Slack calls: signed, fresh, once. What it brings goes the way of all that comes in from chat."""

import hashlib
import hmac
from datetime import UTC, datetime

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from raglan.chat import actions, exported, hearing, queries
from raglan.chat.models import Workspace
from raglan.chat.ports import Incoming, Kind
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import RaglanError
from raglan.integrations.slack import platform

FRESH_S = 300
MOST_BYTES = 1 << 20
Fields = dict[str, Json]
PLAIN = (None, "me_message", "file_share", "thread_broadcast")


@login_not_required
@csrf_exempt
@require_POST
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Take events, slash commands and buttons of one workspace."""
    workspace = queries.workspaces().filter(pk=pk, platform="slack").first()
    if workspace is None or not _is_signed(workspace, request):
        return HttpResponse("The signature is missing, wrong, old or used before.\n", "text/plain", status=403)
    is_json = request.content_type == "application/json"
    body = _dict(decode_json(request.body if is_json else request.POST.get("payload", "{}").encode()))
    if is_json and body.get("type") == "url_verification":
        return JsonResponse({"challenge": str(body.get("challenge", ""))[:500]})
    ours = platform.team_of(workspace.identity)
    if not ours:
        return HttpResponse("raglan does not know yet who it is there; come again.\n", "text/plain", status=503)
    if ours not in _from(request, body):
        return HttpResponse(status=200)
    if is_json:
        return _events(workspace, body)
    return _buttons(workspace, body) if body else _slash(workspace, request)


def _from(request: HttpRequest, body: Fields) -> list[Json]:
    """Return where a call comes from: one app can be in many workspaces, and signs alike in all."""
    inside = [_dict(body.get("team")).get("id"), _dict(body.get("enterprise")).get("id")]
    sent = [request.POST.get(name) for name in ("team_id", "enterprise_id")]
    return [*inside, *sent, *(body.get(name) for name in ("team_id", "context_team_id", "enterprise_id"))]


def _is_signed(workspace: Workspace, request: HttpRequest) -> bool:
    """Tell whether Slack signed this within five minutes, and whether it comes for the first time."""
    stamp, given = request.headers.get("X-Slack-Request-Timestamp", ""), request.headers.get("X-Slack-Signature", "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12) or len(request.body) > MOST_BYTES:
        return False
    if abs(now().timestamp() - int(stamp)) > FRESH_S:
        return False
    try:
        secret = actions.secrets_of(workspace)["signing_secret"]
    except (RaglanError, KeyError):
        return False
    wanted = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + request.body, hashlib.sha256).hexdigest()
    is_right = hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))
    return is_right and actions.is_first(f"slack-{workspace.pk}-{wanted}")


def _events(workspace: Workspace, body: Fields) -> HttpResponse:
    event = _dict(body.get("event"))
    if event.get("type") == "message" and (message := _message(event, str(body.get("event_id", "")))):
        hearing.take(workspace, message)
    return HttpResponse(status=200)


def _message(event: Fields, event_id: str) -> Incoming | None:
    """Return what somebody wrote, corrected or took back; what programs write is left out, our own with it."""
    room, subtype = str(event.get("channel", "")), event.get("subtype")
    inner = _dict(event.get("message")) if subtype == "message_changed" else event
    before = _dict(event.get("previous_message"))
    if inner.get("bot_id") or before.get("bot_id") or not room:
        return None
    if subtype == "message_deleted":
        about = str(event.get("deleted_ts") or before.get("ts") or "")
        return _incoming(event_id, room, before, Kind.TAKEN_BACK, about)
    if subtype == "message_changed":
        is_news = inner.get("text") != before.get("text")  # a preview of a link counts as a change there
        return _incoming(event_id, room, inner, Kind.EDIT, str(inner.get("ts", ""))) if is_news else None
    return _incoming(str(event.get("ts", "")), room, event, Kind.MESSAGE, "") if subtype in PLAIN else None


def _incoming(key: str, room: str, inner: Fields, kind: Kind, about: str) -> Incoming | None:
    user = str(inner.get("user", ""))
    if not user or not key:
        return None
    said = exported.said_in_slack(inner, {})
    return Incoming(
        id=f"{room}:{key}",
        room=room,
        author=user,
        author_name=said.name,
        text=said.text,
        at=_moment(str(inner.get("ts", ""))),
        kind=kind,
        about=f"{room}:{about}" if about else "",
    )


def _slash(workspace: Workspace, request: HttpRequest) -> HttpResponse:
    """Take `/raglan doing …` as `!doing …`; without words it says what can be written."""
    sent = request.POST
    words = exported.words_of_slack(sent.get("text", "").strip(), {}).lstrip("!") or "help"
    key = f"slash-{sent.get('trigger_id', '')}"
    return _spoken(
        workspace, (sent.get("channel_id", ""), sent.get("user_id", ""), sent.get("user_name", "")), key, words
    )


def _buttons(workspace: Workspace, body: Fields) -> HttpResponse:
    """Take what a button says as the command that it stands for."""
    who, pressed = _dict(body.get("user")), body.get("actions")
    first = _dict(pressed[0]) if isinstance(pressed, list) and pressed else {}
    words = str(first.get("value", ""))
    if body.get("type") != "block_actions" or not words:
        return HttpResponse(status=200)
    place = (str(_dict(body.get("channel")).get("id", "")), str(who.get("id", "")), str(who.get("username", "")))
    return _spoken(workspace, place, f"button-{body.get('trigger_id', '')}", words)


def _spoken(workspace: Workspace, place: tuple[str, str, str], key: str, words: str) -> HttpResponse:
    room, user, name = place
    if room and user:
        message = Incoming(id=f"{room}:{key}", room=room, author=user, author_name=name, text=f"!{words}", at=now())
        hearing.take(workspace, message)
    return HttpResponse(status=200)


def _moment(stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return now()


def _dict(value: Json) -> Fields:
    return value if isinstance(value, dict) else {}
