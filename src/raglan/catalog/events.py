"""Kinds of events that the catalog appends."""

from raglan.core.timeline import EventPayload


class ServiceSaved(EventPayload):
    """A service was made or changed."""

    kind = "service.saved"
    slug: str
