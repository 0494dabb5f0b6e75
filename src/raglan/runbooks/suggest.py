"""Which runbooks fit: an alert by its address, conditions or service; a room by its services and alerts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from raglan.alerts import matchers
from raglan.alerts.models import Alert
from raglan.config import config
from raglan.incidents.models import Incident
from raglan.runbooks import queries
from raglan.runbooks.models import Runbook

ADDRESSES = ("runbook_url", "runbook", "link: runbook", "link: runbook_url")
SERVICES = ("service", "component", "job")
MOST = 5
MAX_ALERTS = 50
MAX_RUNBOOKS = 2_000


@dataclass(frozen=True, slots=True)
class Fit:
    """A runbook that fits, and why."""

    runbook: Runbook
    why: str


@dataclass(frozen=True, slots=True)
class Away:
    """The address of a runbook that is not kept here."""

    host: str
    address: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The runbooks of the library with what they are for, read once for many alerts."""

    runbooks: Sequence[Runbook]

    def for_alert(self, labels: Mapping[str, str], annotations: Mapping[str, str]) -> list[Fit]:
        """Return what fits an alert: named by it first, then by condition, then by service."""
        named = [slug for text in _addresses(annotations) if (slug := self.slug_of(text))]
        about = {labels[name].lower() for name in SERVICES if labels.get(name)}
        fits = [Fit(one, "named by the alert") for one in self.runbooks if one.slug in named]
        fits += [Fit(one, "for such alerts") for one in self.runbooks if one.alerts and _matches(one, labels)]
        fits += [Fit(one, "for its service") for one in self.runbooks if not one.alerts and _is_about(one, about)]
        return _once(fits)

    def slug_of(self, text: str) -> str:
        """Return the runbook that an address leads to: one of ours, or the home of one that is copied here."""
        own = f"{config().public_url.rstrip('/')}/library/runbooks/"
        path = text.removeprefix(own) if text.startswith(own) else text.removeprefix("/library/runbooks/")
        if path != text:
            return path.partition("/")[0].partition("?")[0].partition("#")[0]
        address = text.partition("#")[0].partition("?")[0]
        return next((one.slug for one in self.runbooks if (home := queries.home_of(one)) and home == address), "")


def shelf() -> Shelf:
    """Return all runbooks of the library."""
    return Shelf(list(queries.runbooks().defer("text")[:MAX_RUNBOOKS]))


def away(shelf: Shelf, annotations: Mapping[str, str]) -> list[Away]:
    """Return addresses of runbooks that an alert names and that are not kept here."""
    found = [text for text in dict.fromkeys(_addresses(annotations)) if not shelf.slug_of(text)]
    return [Away(host, text) for text in found if (host := _host(text))][:MOST]


def _host(text: str) -> str:
    try:
        parts = urlsplit(text)
        return parts.hostname or "" if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _addresses(annotations: Mapping[str, str]) -> list[str]:
    return [text.strip() for name, text in annotations.items() if name.lower() in ADDRESSES and text.strip()]


def _matches(runbook: Runbook, labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(dict(labels)) for matcher in matchers.read(runbook.alerts))


def _is_about(runbook: Runbook, slugs: set[str]) -> bool:
    return any(service.slug in slugs for service in runbook.services.all())


def _once(fits: Iterable[Fit]) -> list[Fit]:
    found: dict[int, Fit] = {}
    for fit in fits:
        found.setdefault(fit.runbook.pk, fit)
    return list(found.values())[:MOST]


def for_incident(incident: Incident) -> list[Fit]:
    """Return what fits a room: what its alerts name, what is for its services, what is for its alerts."""
    kept = shelf()
    alerts = Alert.objects.filter(group__joined_incident__incident=incident).order_by("-pk")[:MAX_ALERTS]
    of_alerts = [fit for alert in alerts for fit in kept.for_alert(alert.labels, alert.annotations)]
    slugs = set(incident.services.values_list("slug", flat=True))
    own = [Fit(one, "for a service of this incident") for one in kept.runbooks if _is_about(one, slugs)]
    named = [fit for fit in of_alerts if fit.why == "named by the alert"]
    return _once([*(Fit(fit.runbook, "named by its alerts") for fit in named), *own, *of_alerts])
