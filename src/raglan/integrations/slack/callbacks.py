"""The door that Slack calls: signed, fresh, once. What it brings goes the way of all that comes in from chat."""

import hashlib
import hmac

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from raglan.chat import actions, hearing, queries
from raglan.chat.models import Workspace
from raglan.chat.ports import Aside, Incoming
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import RaglanError
from raglan.integrations.slack import platform, reading
from raglan.integrations.slack.reading import Fields

FRESH_S = 300
MOST_BYTES = 1 << 20


@login_not_required
@csrf_exempt
@require_POST
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Take events, slash commands and buttons of one workspace."""
    workspace = queries.workspaces().filter(pk=pk, platform="slack").first()
    if workspace is None or not _is_signed(workspace, request):
        return HttpResponse("The signature is missing, wrong, old or used before.\n", "text/plain", status=403)
    is_json = request.content_type == "application/json"
    body = reading.as_dict(decode_json(request.body if is_json else request.POST.get("payload", "{}").encode()))
    if is_json and body.get("type") == "url_verification":
        return JsonResponse({"challenge": str(body.get("challenge", ""))[:500]})
    ours = platform.team_of(workspace.identity)
    if not ours:
        return HttpResponse("raglan does not know yet who it is there; come again.\n", "text/plain", status=503)
    if ours not in _from(request, body):
        return HttpResponse(status=200)
    if not is_json and not body:
        return _slash(workspace, request)
    return _take(workspace, reading.of_event(body) if is_json else reading.of_button(body))


def _from(request: HttpRequest, body: Fields) -> list[Json]:
    return [*(request.POST.get(name) for name in ("team_id", "enterprise_id")), *reading.places(body)]


def _is_signed(workspace: Workspace, request: HttpRequest) -> bool:
    """Tell whether Slack signed this within five minutes, and whether it comes for the first time."""
    stamp, given = request.headers.get("X-Slack-Request-Timestamp", ""), request.headers.get("X-Slack-Signature", "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12) or len(request.body) > MOST_BYTES:
        return False
    if abs(now().timestamp() - int(stamp)) > FRESH_S or not (secret := _secret(workspace)):
        return False
    wanted = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + request.body, hashlib.sha256).hexdigest()
    is_right = hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))
    return is_right and actions.is_first(f"slack-{workspace.pk}-{wanted}")


def _secret(workspace: Workspace) -> str:
    """Return with what Slack signs; empty where it does not call us."""
    try:
        return "" if platform.is_socket(workspace.settings) else actions.secrets_of(workspace)["signing_secret"]
    except (RaglanError, KeyError):
        return ""


def _take(workspace: Workspace, message: Incoming | None) -> HttpResponse:
    if message is not None:
        hearing.take(workspace, message)
    return HttpResponse(status=200)


def _slash(workspace: Workspace, request: HttpRequest) -> HttpResponse:
    aside = Aside()
    _take(workspace, reading.of_slash(request.POST.dict(), aside))
    return JsonResponse(platform.answer_of(aside)) if aside.words else HttpResponse(status=200)
