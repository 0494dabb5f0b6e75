"""The door for buttons in messages: one POST, one answer. A look at it changes nothing."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from raglan.paging import actions, replies


@login_not_required
@csrf_exempt
@never_cache
@require_POST
def button(request: HttpRequest, said: str, token: str) -> HttpResponse:
    """Answer a page by a button in its message. The token is for this button only; no session is read."""
    notification = replies.of(said, token) if said in ("have", "pass") else None
    if notification is None:
        return HttpResponse("This button is over. Open raglan to see open pages.\n", "text/plain", status=404)
    sentence = replies.answer(notification, said, via=actions.Via.PUSH)
    return HttpResponse(f"{sentence}\n", "text/plain")
