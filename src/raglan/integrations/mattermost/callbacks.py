"""The door that Mattermost calls: its slash command, an outgoing webhook, and buttons.

Command and webhook carry a token that only Mattermost and we know. A button carries what we sealed when we made it:
what it stands for, and in which channel. Who pressed it is Mattermost's word, as who wrote something is.
"""

import hmac

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from raglan.chat import actions, hearing, queries
from raglan.chat.models import Workspace
from raglan.chat.ports import Aside, Incoming, put_files
from raglan.core.clock import now
from raglan.core.decode import decode_json
from raglan.core.errors import BadInput, RaglanError
from raglan.core.keys import key_of
from raglan.core.secrets import digest
from raglan.integrations.mattermost.news import moment
from raglan.integrations.mattermost.platform import seal_of
from raglan.integrations.mattermost.wire import Fields, as_dict
from raglan.integrations.mattermost.words import plain

MOST_BYTES = 1 << 20
MOST_ANSWER = 12_000


@login_not_required
@csrf_exempt
@require_POST
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Take what one server sends: slash command, outgoing webhook, button."""
    workspace = queries.workspaces().filter(pk=pk, platform="mattermost").first()
    sent = _read(request) if workspace else {}
    if workspace is None or not sent:
        return _refused()
    if "context" in sent:
        return _button(workspace, sent)
    is_command = bool(sent.get("command"))
    if not _is_token(workspace, "command_token" if is_command else "outgoing_token", sent):
        return _refused()
    return _slash(workspace, sent) if is_command else _outgoing(workspace, sent)


def _refused() -> HttpResponse:
    return HttpResponse("The token or the seal is missing or wrong.\n", "text/plain", status=403)


def _read(request: HttpRequest) -> Fields:
    """Return the fields of a form or of JSON; nothing of what can not be read."""
    if len(request.body) > MOST_BYTES:
        return {}
    if request.content_type == "application/json":
        try:
            return as_dict(decode_json(request.body))
        except BadInput:
            return {}
    return {name: str(value) for name, value in request.POST.items()}


def _is_mute(workspace: Workspace) -> bool:
    """Tell whether we can say nothing in a channel by ourselves: there is no bot."""
    return not actions.secrets_of(workspace).get("token")


def _is_token(workspace: Workspace, name: str, sent: Fields) -> bool:
    try:
        kept = actions.secrets_of(workspace).get(name, "")
    except RaglanError:
        return False
    given = str(sent.get("token") or "")
    return bool(kept) and hmac.compare_digest(kept.encode(), given.encode("utf-8", "replace"))


def _slash(workspace: Workspace, sent: Fields) -> HttpResponse:
    """Take `/raglan doing …` as `!doing …`; without words it says what can be written."""
    words = _text(sent, "text").strip().lstrip("!") or "help"
    key = f"slash-{digest(_text(sent, 'trigger_id'))[:40]}" if sent.get("trigger_id") else f"slash-{key_of('')}"
    aside = _spoken(workspace, sent, key, words)
    return JsonResponse(
        {"response_type": "ephemeral", "skip_slack_parsing": True, "text": _answer(aside)} if aside.words else {}
    )


def _outgoing(workspace: Workspace, sent: Fields) -> HttpResponse:
    """Take a message as it would be read from the channel; who reads it there too has the same id for it."""
    room, user, key = _text(sent, "channel_id"), _text(sent, "user_id"), _text(sent, "post_id")
    aside = Aside(takes_all=_is_mute(workspace))
    if room and user and key:
        files = [name for name in _text(sent, "file_ids").split(",") if name]
        said = f"{_text(sent, 'text')}\n{put_files(['a file'] * len(files))}".strip()
        stamp = sent.get("timestamp")
        at = moment(int(stamp) if isinstance(stamp, str) and stamp.isdecimal() and len(stamp) < 16 else stamp)
        hearing.take(workspace, Incoming(key, room, user, _text(sent, "user_name"), said, min(at, now()), aside=aside))
    return JsonResponse({"response_type": "comment", "text": _answer(aside)} if aside.words else {})


def _button(workspace: Workspace, sent: Fields) -> HttpResponse:
    """Take what a button says as the command that it stands for."""
    context = as_dict(sent.get("context"))
    command, room = str(context.get("command") or ""), _text(sent, "channel_id")
    given = str(context.get("seal") or "").encode("utf-8", "replace")
    if not command or not hmac.compare_digest(seal_of(queries.door_of(workspace), room, command).encode(), given):
        return _refused()
    key = _text(sent, "trigger_id") or key_of("")
    aside = _spoken(workspace, sent, f"button-{digest(key)[:40]}", command)
    return JsonResponse({"ephemeral_text": _answer(aside)} if aside.words else {})


def _spoken(workspace: Workspace, sent: Fields, key: str, words: str) -> Aside:
    room, user = _text(sent, "channel_id"), _text(sent, "user_id")
    aside = Aside(takes_all=_is_mute(workspace))
    if room and user:
        name = _text(sent, "user_name")
        hearing.take(workspace, Incoming(f"{room}:{key}"[:300], room, user, name, f"!{words}", now(), aside=aside))
    return aside


def _answer(aside: Aside) -> str:
    return plain("\n".join(aside.words))[:MOST_ANSWER]


def _text(sent: Fields, name: str) -> str:
    found = sent.get(name)
    return found if isinstance(found, str) else ""
