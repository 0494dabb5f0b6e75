"""Verbs of runbooks: write, remove, bring back. All ways in (screen, REST, CLI, git) call these."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from raglan.alerts import matchers
from raglan.alerts.pipeline.route import Matcher
from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person, Team
from raglan.runbooks import events
from raglan.runbooks.front import MAX_TITLE, SLUG, slug_of
from raglan.runbooks.models import Runbook, RunbookSource, RunbookVersion

MAX_TEXT = 60_000
MAX_NEEDS = 2_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A runbook as somebody wrote it. Services and needs are all of them."""

    title: str
    text: str
    slug: str = ""
    team: Team | None = None
    services: Sequence[Service] = ()
    needs: Sequence[Service] = ()
    needs_words: str = ""
    alerts: Sequence[Matcher] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version came from, when nobody wrote it here: words for people, the file, and the git folder."""

    words: str
    path: str
    source: RunbookSource | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: an actor for the record, the person where there is one, and where it came from otherwise."""

    actor: timeline.Subject
    person: Person | None = None
    origin: Origin | None = None


def by(person: Person) -> Writer:
    """Return a person as the one who writes."""
    return Writer(person, person)


@atomic
def write_new(draft: Draft, *, writer: Writer) -> Runbook:
    """Put a new runbook into the library. Raises BadInput naming the field."""
    check(draft)
    own = {"title": "", "text": "", "version": 0, "updated_at": now()}
    runbook, made = Runbook.objects.get_or_create(slug=_free_slug(draft), defaults=own)
    if not made:  # somebody was faster by a moment
        raise BadInput("slug", "another runbook has this name already", status=422)
    return _write(runbook, draft, writer)


@atomic
def rewrite(runbook: Runbook, draft: Draft, *, seen_version: int, writer: Writer) -> Runbook:
    """Give a runbook another text; the earlier one stays readable. The same again changes nothing.

    Raises BadInput, and Conflict when it lives elsewhere or somebody else was faster.
    """
    check(draft)
    runbook = locked(runbook)
    _refuse_foreign(runbook, writer)
    if runbook.removed_at is not None:
        raise Conflict("This runbook was removed. Bring it back to change it.")
    if runbook.version != seen_version:
        raise Conflict("Somebody changed this runbook meanwhile.")
    is_done = is_same(runbook, draft) and not has_moved(runbook, writer.origin)
    return runbook if is_done else _write(runbook, draft, writer)


def locked(runbook: Runbook) -> Runbook:
    """Return a runbook as it is now, held until the end of the transaction."""
    return Runbook.objects.select_for_update(no_key=True).get(pk=runbook.pk)


def _refuse_foreign(runbook: Runbook, writer: Writer) -> None:
    """Refuse a change here of what lives in a git folder; that folder itself may."""
    own = writer.origin.source if writer.origin else None
    if runbook.source_id is not None and (own is None or own.pk != runbook.source_id):
        raise Conflict("This runbook lives in a git folder. Change it there; it is copied here within minutes.")


def check(draft: Draft) -> None:
    """Raise BadInput when a runbook can not be kept as it is written."""
    if not draft.title.strip():
        raise BadInput("title", "give it a title that says when to use it", status=422)
    if len(draft.title.strip()) > MAX_TITLE:
        raise BadInput("title", f"at most {MAX_TITLE} characters", status=422)
    if not draft.text.strip():
        raise BadInput("text", "write at least one step", status=422)
    if len(draft.text) > MAX_TEXT:
        raise BadInput("text", f"at most {MAX_TEXT} characters; make two of it", status=422)
    if len(draft.needs_words) > MAX_NEEDS:
        raise BadInput("needs_words", f"at most {MAX_NEEDS} characters", status=422)
    if draft.alerts:
        matchers.check_all(draft.alerts, "alerts")


def _free_slug(draft: Draft) -> str:
    if draft.slug:
        if not SLUG.fullmatch(draft.slug):
            raise BadInput("slug", "write small letters, digits and hyphens, at most 60", status=422)
        if Runbook.objects.filter(slug=draft.slug).exists():
            raise BadInput("slug", "another runbook has this name already", status=422)
        return draft.slug
    base = slug_of(draft.title)
    taken = set(Runbook.objects.filter(slug__startswith=base[:55]).values_list("slug", flat=True))
    others = (f"{base[:55]}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (base, *others) if name not in taken)


def is_same(runbook: Runbook, draft: Draft) -> bool:
    """Say whether a runbook already is as it is written."""
    return (
        (runbook.title, runbook.text, runbook.needs_words)
        == (draft.title.strip(), draft.text.strip("\n"), draft.needs_words.strip())
        and runbook.team_id == (draft.team.pk if draft.team else None)
        and runbook.alerts == matchers.stored(draft.alerts)
        and _slugs(runbook.services.all()) == _slugs(draft.services)
        and _slugs(runbook.needs.all()) == _slugs(draft.needs)
    )


def has_moved(runbook: Runbook, origin: Origin | None) -> bool:
    """Say whether a git folder has a runbook at another place than before, or has it anew."""
    if origin is None or origin.source is None:
        return False
    return (runbook.source_id, runbook.path) != (origin.source.pk, origin.path)


def _slugs(services: Iterable[Service]) -> list[str]:
    return sorted(service.slug for service in services)


def _write(runbook: Runbook, draft: Draft, writer: Writer) -> Runbook:
    runbook.title, runbook.text = draft.title.strip(), draft.text.strip("\n")
    runbook.team, runbook.needs_words = draft.team, draft.needs_words.strip()
    runbook.alerts = matchers.stored(draft.alerts)
    runbook.version += 1
    runbook.updated_at, runbook.updated_by = now(), writer.person
    if writer.origin is not None:
        runbook.source, runbook.path = writer.origin.source, writer.origin.path
        runbook.imported_version = runbook.version
    runbook.save()
    runbook.services.set(draft.services)
    runbook.needs.set(draft.needs)
    came_from = writer.origin.words[:200] if writer.origin else ""
    version = RunbookVersion.objects.create(
        runbook=runbook,
        version=runbook.version,
        title=runbook.title,
        text=runbook.text,
        services=_slugs(draft.services),
        needs=_slugs(draft.needs),
        needs_words=runbook.needs_words,
        alerts=runbook.alerts,
        at=runbook.updated_at,
        by=writer.person,
        came_from=came_from,
    )
    _tell_written(runbook, version, writer)
    return runbook


def _tell_written(runbook: Runbook, version: RunbookVersion, writer: Writer) -> None:
    payload = events.RunbookWritten(
        runbook=runbook.pk,
        slug=runbook.slug,
        title=runbook.title,
        text=runbook.text,
        team=runbook.team_id,
        services=version.services,
        needs=version.needs,
        needs_words=runbook.needs_words,
        alerts=runbook.alerts,
        version=runbook.version,
        source=runbook.source_id,
        path=runbook.path,
        imported_version=runbook.imported_version,
        person=writer.person.pk if writer.person else None,
        came_from=version.came_from,
        written_at=runbook.updated_at,
    )
    timeline.append(payload, actor=writer.actor, about=[runbook, "runbooks"])


@atomic
def remove(runbook: Runbook, *, writer: Writer) -> Runbook:
    """Take a runbook out of the library. It can be brought back. Safe to call twice. Raises Conflict."""
    runbook = locked(runbook)
    _refuse_foreign(runbook, writer)
    at = now()
    if Runbook.objects.filter(pk=runbook.pk, removed_at__isnull=True).update(removed_at=at):
        timeline.append(events.RunbookRemoved(removed_at=at), actor=writer.actor, about=[runbook, "runbooks"])
    runbook.refresh_from_db()
    return runbook


@atomic
def bring_back(runbook: Runbook, *, writer: Writer) -> Runbook:
    """Put a removed runbook into the library again. Safe to call twice. Raises Conflict."""
    runbook = locked(runbook)
    _refuse_foreign(runbook, writer)
    if Runbook.objects.filter(pk=runbook.pk, removed_at__isnull=False).update(removed_at=None):
        timeline.append(events.RunbookBroughtBack(), actor=writer.actor, about=[runbook, "runbooks"])
    runbook.refresh_from_db()
    return runbook
