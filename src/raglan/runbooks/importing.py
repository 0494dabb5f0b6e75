"""Files as runbooks, one at a time.

Who wins: a file of the git folder that a runbook came from always does, because it can not be changed here. A file
that somebody imports wins over what was imported before, and not over what was written or removed here, unless told to.
A git folder takes over what was imported and not changed here since, and nothing that was written here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from raglan.catalog.models import Service
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.people.models import Team
from raglan.runbooks import actions, front
from raglan.runbooks.actions import Draft, Origin, Writer
from raglan.runbooks.models import Runbook, RunbookSource

MAX_PATH = 500


class Outcome(StrEnum):
    """What became of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: the runbook's name, the outcome, why it was kept, and what in it names nothing here."""

    path: str
    slug: str
    outcome: Outcome
    why: str = ""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file's path within its folder, and its text."""

    path: str
    text: str


@atomic
def take(file: File, *, writer: Writer, overwrite: bool = False) -> Taken:
    """Take one file into the library. Raises BadInput when it can not be read."""
    path = clean_text(file.path)[:MAX_PATH]
    page = front.read(clean_text(file.text), path)
    draft, unknown = _draft(page)
    actions.check(draft)
    origin = writer.origin or Origin(f"imported from {path}", path)
    writer = Writer(writer.actor, writer.person, origin)
    found = _place(page.slug, path, origin.source)
    if found is None:
        actions.write_new(draft, writer=writer)
        return Taken(path, page.slug, Outcome.NEW, unknown=unknown)
    if why := _why_kept(found, draft, origin.source, overwrite=overwrite):
        return Taken(path, found.slug, Outcome.KEPT, why)
    return Taken(path, found.slug, _change(found, draft, writer), unknown=unknown)


def _place(slug: str, path: str, source: RunbookSource | None) -> Runbook | None:
    """Return the runbook that a file is: in a git folder by its path, else by its name."""
    held = Runbook.objects.select_for_update(no_key=True)
    own = held.filter(source=source, path=path).first() if source else None
    return own or held.filter(slug=slug).first()


def _why_kept(found: Runbook, draft: Draft, source: RunbookSource | None, *, overwrite: bool) -> str:
    """Say why what is here stays as it is; empty when the file may take its place."""
    if found.source_id is not None and found.source_id != (source.pk if source else None):
        return f"{found.slug} comes from another git folder"
    if source is not None:
        is_own = found.source_id is not None or found.imported_version == found.version
        return "" if is_own else f"{found.slug} was written here; give the file another name"
    if overwrite or (found.removed_at is None and actions.is_same(found, draft)):
        return ""
    if found.removed_at is not None:
        return f"{found.slug} was removed here"
    return "" if found.imported_version == found.version else f"{found.slug} was changed here"


def _change(found: Runbook, draft: Draft, writer: Writer) -> Outcome:
    came_back = found.removed_at is not None
    if came_back:
        found = actions.bring_back(found, writer=writer)
    if actions.is_same(found, draft) and not actions.has_moved(found, writer.origin):
        return Outcome.CHANGED if came_back else Outcome.SAME
    actions.rewrite(found, draft, seen_version=found.version, writer=writer)
    return Outcome.CHANGED


def _draft(page: front.Page) -> tuple[Draft, tuple[str, ...]]:
    """Return a file as a draft, and the words in it that name no service and no team here."""
    services, strange = _services(page.services)
    needs, other_needs = _services(page.needs)
    team = Team.objects.filter(slug=page.team).first() if page.team else None
    unknown = [f"service {word}" for word in strange] + ([f"team {page.team}"] if page.team and not team else [])
    draft = Draft(
        title=page.title,
        text=page.text,
        slug=page.slug,
        team=team,
        services=services,
        needs=needs,
        needs_words="\n".join(other_needs),
        alerts=page.alerts,
    )
    return draft, tuple(unknown)


def _services(words: Sequence[str]) -> tuple[list[Service], list[str]]:
    found = {service.slug: service for service in Service.objects.filter(slug__in=[word.lower() for word in words])}
    listed = dict.fromkeys(word.lower() for word in words if word.lower() in found)
    return [found[slug] for slug in listed], [word for word in words if word.lower() not in found]
