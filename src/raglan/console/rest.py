"""The REST door: one API from the routers of all contexts, one rendering of every refusal."""

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from raglan.alerts.heartbeat_rest import router as heartbeats
from raglan.alerts.maintenance_rest import router as maintenances
from raglan.alerts.rest import router as alerts
from raglan.alerts.route_rest import router as routes
from raglan.alerts.silence_rest import router as silences
from raglan.alerts.try_rest import router as tries
from raglan.catalog.rest import router as catalog
from raglan.changes.automation_rest import router as automation
from raglan.changes.hold_rest import router as holds
from raglan.changes.propose_rest import router as proposed
from raglan.changes.rest import router as changes
from raglan.chat.import_rest import router as chat_imports
from raglan.chat.rest import router as chat
from raglan.console.lately_rest import router as lately
from raglan.console.own_rest import router as own
from raglan.core.errors import BadInput, Overloaded, RaglanError
from raglan.fleet.change_rest import router as changes_on_hosts
from raglan.fleet.mirror_rest import router as mirrors
from raglan.fleet.place_rest import router as places
from raglan.fleet.rest import router as fleet
from raglan.fleet.run_rest import router as runs
from raglan.fleet.variety_rest import router as variety
from raglan.incidents.rest import router as incidents
from raglan.oncall.calendar_rest import router as calendars
from raglan.oncall.code_rest import router as code
from raglan.oncall.cover_rest import router as covers
from raglan.oncall.handover_rest import router as handover
from raglan.oncall.hours_rest import router as hours
from raglan.oncall.leave_rest import router as leave
from raglan.oncall.rest import router as oncall
from raglan.oncall.shadow_rest import router as shadows
from raglan.oncall.source_rest import router as filling
from raglan.outside.page_rest import router as status_page
from raglan.outside.rest import router as outside
from raglan.paging.channel_views import router as channels
from raglan.paging.policy_rest import router as policies
from raglan.paging.reach_rest import router as reach
from raglan.paging.rest import router as paging
from raglan.people.access import rest_auth
from raglan.people.rest import router as people
from raglan.processes.rest import router as processes
from raglan.reviews.rest import router as reviews
from raglan.runbooks.rest import router as runbooks

api = NinjaAPI(
    title="raglan",
    version="1",
    description="Everything that the screens can do. Send a token as `Authorization: Bearer …`.",
    auth=rest_auth,
    docs_url=None,
    openapi_url=None,
    urls_namespace="rest",
)
_noise = (alerts, heartbeats, routes, silences, maintenances, tries)
_fleet = (fleet, runs, mirrors, places)
_rotas = (oncall, code, filling, covers, hours, calendars, leave, handover, shadows)
_rooms = (incidents, reviews, runbooks, processes, automation, outside, status_page, chat, chat_imports)
_changes = (changes, lately, proposed, changes_on_hosts, variety, holds)
for _router in (people, catalog, *_rotas, *_fleet, *_changes, policies, paging, reach, *_noise, *_rooms, own):
    api.add_router("", _router)
api.add_router("", channels)


@api.exception_handler(RaglanError)
def refuse(request: HttpRequest, error: RaglanError) -> HttpResponse:
    """Render a refusal."""
    answer = JsonResponse({"field": "", **error.as_json()}, status=error.status)
    if isinstance(error, Overloaded):
        answer["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(ValidationError)
def refuse_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name the first field that could not be understood, and list them all."""
    problems = [{"field": _field(item.get("loc", ())), "message": str(item.get("msg", ""))} for item in error.errors]
    first = problems[0] if problems else {"field": "", "message": "this could not be understood"}
    sentence = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    body = {"code": BadInput.code, "message": sentence, "field": first["field"], "problems": problems[:50]}
    return JsonResponse(body, status=422)


def _field(path: tuple[object, ...]) -> str:
    """Return `steps[0].wait_s` for the path that the validator gives; the first parts name the place, not the field."""
    text = ""
    for part in path[2:] if len(path) > 2 else path[1:]:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text[:200]


@api.exception_handler(HttpError)
def refuse_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Render what the library refuses, such as a body that is not JSON."""
    return JsonResponse({"code": "bad_input", "message": str(error), "field": ""}, status=error.status_code)


@api.exception_handler(Http404)
def refuse_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    """Render a missing thing."""
    return JsonResponse({"code": "not_found", "message": "There is no such thing.", "field": ""}, status=404)


@api.exception_handler(RequestDataTooBig)
def refuse_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    """Render a body that is too large."""
    return JsonResponse({"code": "too_large", "message": "The body has more than 1 MiB.", "field": ""}, status=413)


urlpatterns = api.urls[0]
