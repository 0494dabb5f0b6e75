"""Reads what Argo CD's notifications send by the template that docs/how-to/change-events.md shows."""

from collections.abc import Sequence

from raglan.alerts.ports import IntakeRequest
from raglan.changes.actions import Told
from raglan.core.errors import BadInput
from raglan.integrations import shape
from raglan.integrations.change_door import ChangeDoor, body_of, facts, link

PHASES = {"Succeeded": "", "Failed": " failed", "Error": " failed", "Running": " begins"}


class Notification(ChangeDoor):
    """One application a request."""

    kinds: Sequence[str] = ("argocd",)
    path = "/argocd"

    def read(self, request: IntakeRequest) -> Told | None:
        """Return the change of a sync."""
        body = body_of(request.body)
        app = shape.plain(body.get("app"))
        if not app:
            raise BadInput("app", "names the application, and must not be empty")
        phase = shape.plain(body.get("phase"))
        if phase not in PHASES:
            return None
        place = shape.plain(body.get("namespace"))
        ended = phase != "Running"
        return Told(
            title=f"Sync of {app}" + (f" to {place}" if place else "") + PHASES[phase],
            origin=shape.plain(body.get("project")) or "Argo CD",
            at=shape.lenient_time(body.get("finished") if ended else body.get("started")),
            links=link(body.get("url"), app),
            details=facts(
                state=phase,
                namespace=place,
                cluster=body.get("cluster"),
                revision=body.get("revision"),
                health=body.get("health"),
                message=body.get("message"),
            ),
        )
