"""Kinds of events that the catalog appends. Each carries the whole service, so that events can rebuild state."""

from raglan.core.timeline import EventPayload


class ServiceSaved(EventPayload):
    """A service was made or changed; this is how it is now. Needs are other services by number."""

    kind = "service.saved"
    service: int
    slug: str
    name: str
    team: int | None
    service_kind: str
    purposes: list[str]
    needs: list[int]
    instead: str
