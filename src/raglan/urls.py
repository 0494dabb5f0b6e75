"""Every address of raglan that Django answers."""

from django.core.wsgi import get_wsgi_application
from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern


class Rest(URLResolver):
    """REST, which is loaded by the first request below its address, and which no screen leads to by name."""

    def __init__(self, route: str) -> None:
        super().__init__(RoutePattern(route), "raglan.console.rest", app_name="ninja", namespace="rest")

    def _populate(self) -> None:
        """Load nothing for those who look for the address of a screen."""


urlpatterns = [
    path("", include("raglan.console.urls")),
    Rest("api/v1/"),
    path("", include("raglan.incidents.urls")),
    path("", include("raglan.reviews.urls")),
    path("", include("raglan.runbooks.urls")),
    path("", include("raglan.processes.urls")),
    path("", include("raglan.changes.automation_urls")),
    path("", include("raglan.fleet.mirror_urls")),
    path("", include("raglan.fleet.run_urls")),
    path("", include("raglan.fleet.urls")),
    path("", include("raglan.outside.urls")),
    path("", include("raglan.chat.urls")),
    path("", include("raglan.alerts.urls")),
    path("", include("raglan.changes.hold_urls")),
    path("", include("raglan.paging.urls")),
    path("", include("raglan.integrations.urls")),
    path("", include("raglan.oncall.urls")),
    path("", include("raglan.people.urls")),
    path("", include("raglan.ui.urls")),
    path("account/", include("allauth.urls")),
]
handler400 = "raglan.ui.views.bad_request"
handler403 = "raglan.ui.views.not_allowed"
handler404 = "raglan.ui.views.not_found"
handler500 = "raglan.ui.views.server_error"


def application() -> object:
    """Return the WSGI application, made once by the edge."""
    return get_wsgi_application()
