"""Doors of browser push: the key, the subscription, the worker, and what makes raglan an app."""

from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_POST, require_safe

from raglan.core.errors import RaglanError
from raglan.integrations.webpush import channel
from raglan.people import actions
from raglan.people.access import reader
from raglan.people.views.asked import asked_again

WORKER = Path(__file__).with_name("worker.js")


@require_POST
def key(request: HttpRequest) -> JsonResponse:
    """Return the key that a browser needs to subscribe; it is made at the first call."""
    return JsonResponse({"key": channel.sender().public})


@require_POST
@asked_again
def subscribe(request: HttpRequest) -> HttpResponse:
    """Add this browser as a way to be reached."""
    person = reader(request)
    given = {name: request.POST.get(name, "").strip() for name in ("endpoint", "p256dh", "auth")}
    found = channel.Subscription(**given)
    try:
        found.check()
        label = request.POST.get("label", "").strip() or "a browser"
        actions.add_contact(person, kind="push", address=found.address, label=label, secret=found.text, actor=person)
        messages.success(request, "This browser was added. Send a test to see that it arrives.")
    except RaglanError as error:
        messages.error(request, f"This browser was not added: {error.sentence}.".replace("..", "."))
    return redirect("/you/#reach")


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Serve the service worker from the root, so that it may open every page."""
    response = HttpResponse(WORKER.read_bytes(), "text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    return response


@login_not_required
@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Serve what a device needs to install raglan as an app."""
    described = {
        "name": "raglan",
        "short_name": "raglan",
        "description": "Pages, who is on call, incidents",
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#ffffff",
        "icons": [{"src": static("ui/favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    return JsonResponse(described, content_type="application/manifest+json")
