"""Own health: whether raglan itself can store, work on time, send, and tell the time."""

import shutil
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from raglan.alerts.models import Source
from raglan.chat.queries import backlog as chat_backlog
from raglan.config import config
from raglan.core import signs, timers
from raglan.core.backup import restored_mark
from raglan.core.clock import CLOCK, now
from raglan.core.db.check import verify_durability
from raglan.core.models import Seal, Timer
from raglan.paging.models import Notification, Page, Policy
from raglan.people.models import Person
from raglan.ui import wording

LATE_S = 5
VERY_LATE_S = 60
DRIFT_S = 2
LITTLE_SPACE = 2 << 30
VERY_LITTLE_SPACE = 200 << 20
PARKED_SHOWN = 20
SILENT_AFTER = timedelta(minutes=3)
RELEASE_FILES = ("tzdata.zi", "+VERSION")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that raglan knows of itself. `kind` is how it looks, `word` stands beside the shape."""

    name: str
    kind: str
    word: str
    words: str


def facts() -> list[Fact]:
    """Return all facts, in the order in which an event passes through them."""
    return list(_facts())


def _facts() -> Iterator[Fact]:
    yield _storage()
    yield _space()
    yield _engine()
    yield _parked()
    yield _mail()
    yield _fallback()
    yield _sources()
    yield _chat()
    yield _clock()
    yield _sign_of_life()
    yield _peer()
    yield _record()
    yield Fact("Version", "good", version(), f"time-zone data {zone_data()}")


def _storage() -> Fact:
    name = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    complaints = verify_durability(connection, allow_data_loss=True)
    if complaints:
        return Fact("Storage", "bad", "May lose data", " ".join(complaints))
    return Fact("Storage", "good", "Fine", f"{name}: what was answered for is on disk")


def _space() -> Fact:
    free = shutil.disk_usage(config().data_dir).free
    kind = "bad" if free < VERY_LITTLE_SPACE else "slow" if free < LITTLE_SPACE else "good"
    word = {"bad": "Nearly none", "slow": "Little", "good": "Fine"}[kind]
    return Fact("Space", kind, word, f"{free / (1 << 30):,.1f} GiB free where the data is")


def _engine() -> Fact:
    late = timers.lateness()
    if late < LATE_S:
        return Fact("Work that is due", "good", "On time", "nothing waits longer than it should")
    words = f"the oldest waits for {wording.span(timedelta(seconds=late))}"
    return Fact("Work that is due", "bad" if late > VERY_LATE_S else "slow", "Late", words)


def _parked() -> Fact:
    count = Timer.objects.filter(parked_at__isnull=False).count()
    if not count:
        return Fact("Work set aside", "good", "None", "no work failed three times")
    return Fact("Work set aside", "bad", f"{count} to look at", "failed three times; see below")


def parked() -> list[Timer]:
    """Return the work that was set aside last."""
    return list(Timer.objects.filter(parked_at__isnull=False).order_by("-parked_at", "-pk")[:PARKED_SHOWN])


def _mail() -> Fact:
    if not config().smtp_url:
        return Fact("Mail", "unknown", "Switched off", "smtp_url is empty, so no mail is sent")
    server = urlsplit(config().smtp_url).hostname or "127.0.0.1"
    tried = (Notification.State.HANDED_OVER, Notification.State.FAILED)
    last = Notification.objects.filter(channel="email", state__in=tried).order_by("-pk").first()
    if last is None:
        return Fact("Mail", "unknown", "Not known", f"nothing was handed to {server} yet; test the whole path")
    if last.state == Notification.State.FAILED:
        return Fact("Mail", "bad", "Refused", f"the last mail to {server}: {last.error[:300]}")
    age = wording.age(last.handed_over_at, at=now()) if last.handed_over_at else ""
    return Fact("Mail", "good", "Fine", f"{server} took the last mail {age}")


def _fallback() -> Fact:
    name = "Alerts without a route"
    policy = Policy.objects.filter(is_fallback=True).first()
    if policy is not None:
        return Fact(name, "good", "Go out", f"by the policy {policy.name}")
    if Person.objects.filter(is_active=True, role=Person.Role.ADMINISTRATOR).exists():
        return Fact(name, "good", "Go out", "to every administrator")
    return Fact(name, "bad", "Held back", "there is no administrator who could be paged")


def _sources() -> Fact:
    """Tell of sources whose last message could not be understood: its owner may not know."""
    day = now() - timedelta(days=1)
    wrong = Source.objects.filter(disabled_at__isnull=True, last_error_at__gte=day).order_by("name")
    names = list(wrong.values_list("name", flat=True)[:4])
    if not names:
        return Fact("What sources send", "good", "Understood", "nothing of the last day could not be read")
    more = " and others" if len(names) > 3 else ""
    words = f"in the last day something of {', '.join(names[:3])}{more} could not be read; see below"
    return Fact("What sources send", "slow", "Not all understood", words)


def _chat() -> Fact:
    """Tell whether chat answers. Nothing else depends on it, so that its absence is no alarm."""
    chat = chat_backlog()
    if not chat.connected:
        return Fact("Chat", "unknown", "Not connected", "incidents need none; see Chat under Setup")
    waits = f"{chat.waiting} {'line waits' if chat.waiting == 1 else 'lines wait'} for it"
    if not chat.away:
        return Fact("Chat", "good", "Answers", waits if chat.waiting else "all is told there")
    since = min(one.away_since for one in chat.away if one.away_since)
    names = wording.listed([one.name for one in chat.away])
    return Fact("Chat", "slow", "Away", f"{names}, first {wording.age(since, at=now())}; {waits}")


def _clock() -> Fact:
    drift = CLOCK.drift().total_seconds()
    if abs(drift) < DRIFT_S:
        return Fact("Clock", "good", "Fine", "the machine’s clock has not moved since raglan started")
    direction = "ahead" if drift > 0 else "back"
    span = wording.span(timedelta(seconds=abs(drift)))
    return Fact("Clock", "slow", "Moved", f"the machine’s clock went {span} {direction}; waits are not affected")


def _sign_of_life() -> Fact:
    name = "Sign of life outside"
    if not config().sign_of_life_url:
        return Fact(name, "unknown", "Not set up", "nobody outside notices when raglan is silent; set sign_of_life_url")
    host = urlsplit(config().sign_of_life_url).hostname or ""
    sent = signs.last("sign of life")
    if sent is None:
        return Fact(name, "unknown", "Not yet", f"none was sent to {host} so far")
    if sent.age > SILENT_AFTER or not sent.data["ok"]:
        why = str(sent.data["why"]) or "the engine sends none"
        return Fact(name, "bad", "Silent", f"{why}; the last try was {wording.age(sent.at, at=now())}")
    return Fact(name, "good", "Sent", f"{host} took the last one {wording.age(sent.at, at=now())}")


def _peer() -> Fact:
    name = "The other raglan"
    if not config().peer_url:
        return Fact(name, "unknown", "Not set up", "two raglans can watch each other; set peer_url and peer_key")
    heard = signs.last("peer heard")
    if heard is None:
        return Fact(name, "unknown", "Not heard yet", f"{config().peer_url} has not said hello")
    age = wording.age(heard.at, at=now())
    if heard.age > 3 * timedelta(seconds=config().peer_every_s):
        return Fact(name, "bad", "Silent", f"{config().peer_url} was last heard {age}")
    return Fact(name, "good", "Heard", f"{config().peer_url} said hello {age}")


def _record() -> Fact:
    last = Seal.objects.order_by("-pk").only("at", "last_event", "head").first()
    if last is None:
        return Fact("The record", "unknown", "Not sealed yet", "events are sealed two minutes after they happened")
    words = f"sealed up to event {last.last_event}, head {last.head[:12]}; raglan audit verify reads it all"
    return Fact("The record", "good", "Sealed", words)


def version() -> str:
    """Return the version of raglan."""
    try:
        return metadata.version("raglan")
    except metadata.PackageNotFoundError:
        return "a source checkout"


def zone_data() -> str:
    """Return the release of the time-zone data in use: the system's, or else the package's."""
    for folder in (Path(place) for place in zoneinfo.TZPATH):
        for name in RELEASE_FILES:
            if (release := _release(folder / name)) is not None:
                return f"{release} of this system"
        if folder.is_dir():
            return "of this system, release not known"
    return f"{metadata.version('tzdata')} of the package tzdata" if find_spec("tzdata") else "missing"


def _release(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(80).removeprefix("# version").strip() or None
    except OSError:
        return None


def quiet_since() -> str:
    """Say that this is a restored copy that pages nobody yet; empty when it is not."""
    mark = restored_mark(config().data_dir)
    if mark is None:
        return ""
    restored = wording.age(mark.restored_at, at=now())
    return f"Restored {restored} from a copy that was made {mark.made_at:%d %b %Y %H:%M} UTC."


def last_test(person: Person) -> Notification | None:
    """Return the newest test that was sent to a person, with its three facts."""
    sent = Notification.objects.filter(person=person, page__is_test=True)
    return sent.select_related("page").order_by("-pk").first()


def test_page_ref(notification: Notification | None) -> str:
    """Return the name under which a test is told of."""
    return f"{Page.ref_kind}:{notification.page_id}" if notification else "health"


def source_look(source: Source) -> tuple[str, str]:
    """Return how a source looks, and the word for it."""
    if source.disabled_at is not None:
        return "unknown", "Switched off"
    if source.last_heard_at is None:
        return "unknown", "Not heard yet"
    if source.last_error_at is not None and source.last_error_at >= source.last_heard_at - timedelta(minutes=1):
        return "slow", "Not understood"
    if source.kind == Source.Kind.ALERTMANAGER and source.last_heard_at < now() - timedelta(minutes=30):
        return "unknown", "Silent"
    return "good", "Heard"
