"""Git folders whose runbooks are copied here: named by people, read by a timer, and kept when they are gone."""

import threading
from dataclasses import dataclass
from datetime import timedelta

from raglan.core import http, logs, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, RaglanError
from raglan.people import sealing
from raglan.runbooks import actions, events, git, importing, queries
from raglan.runbooks.actions import Origin, Writer
from raglan.runbooks.git import Copy, NotReadError, Where
from raglan.runbooks.importing import File, Outcome
from raglan.runbooks.models import Runbook, RunbookSource

READ = "runbooks.folder"
EVERY = timedelta(minutes=10)
BUSY = timedelta(seconds=10)
MOST = 50
NAMED = 5  # problems that are told by name
log = logs.get("raglan.runbooks")
_reading = threading.Lock()  # one at a time: the threads that reach out are for pages


@dataclass(frozen=True, slots=True)
class Draft:
    """A git folder as somebody names it. `web_url` is where people read the folder, if anywhere."""

    name: str
    where: Where
    web_url: str = ""


@atomic
def add(draft: Draft, *, actor: timeline.Subject) -> RunbookSource:
    """Copy a git folder from now on. Raises BadInput naming the field."""
    name = clean_text(draft.name).strip()
    if not 1 <= len(name) <= 120:
        raise BadInput("name", "give it a name of at most 120 characters", status=422)
    git.check(draft.where)
    if draft.web_url:
        http.check_url(draft.web_url, "web_url")
    if queries.sources().count() >= MOST:
        raise BadInput("address", f"{MOST} git folders are enough; end one first", status=422)
    where, at = draft.where, now()
    folder = where.folder.strip("/")
    if queries.sources().filter(address=where.address, branch=where.branch, folder=folder).exists():
        raise BadInput("address", "this folder is copied already", status=422)
    made = RunbookSource.objects.create(
        name=name,
        address=where.address,
        branch=where.branch,
        folder=folder,
        web_url=draft.web_url,
        token_sealed=sealing.seal(where.token) if where.token else "",
        created_at=at,
    )
    payload = events.RunbookSourceSet(
        source=made.pk,
        name=name,
        address=where.address,
        branch=where.branch,
        folder=folder,
        web_url=draft.web_url,
        has_token=bool(where.token),
        created_at=at,
    )
    timeline.append(payload, actor=actor, about=[made, "runbooks"])
    read_soon(made)
    return made


@atomic
def read_soon(source: RunbookSource) -> None:
    """Read a folder as soon as a worker is free."""
    timers.schedule(READ, subject=timeline.ref(source), due_at=now())


@atomic
def end(source: RunbookSource, *, actor: timeline.Subject) -> None:
    """Copy a folder no more; what was copied stays, and can be changed here. Safe to call twice."""
    at = now()
    if not RunbookSource.objects.filter(pk=source.pk, ended_at__isnull=True).update(ended_at=at, token_sealed=""):
        return
    timers.cancel(READ, subject=timeline.ref(source))
    for runbook in Runbook.objects.select_for_update(no_key=True).filter(source=source).order_by("pk"):
        Runbook.objects.filter(pk=runbook.pk).update(source=None)
        timeline.append(events.RunbookLetGo(), actor=actor, about=[runbook, "runbooks"])
    payload = events.RunbookSourceEnded(source=source.pk, ended_at=at)
    timeline.append(payload, actor=actor, about=[source, "runbooks"])


@timers.handler(READ, network=True)
def read_due(due: timers.Due) -> None:
    """Read a folder if its branch has moved, then plan the next time."""
    source = queries.sources().filter(pk=due.subject_id).first()
    if source is None:
        return
    wait = EVERY
    if _reading.acquire(blocking=False):
        try:
            _read(source)
        finally:
            _reading.release()
    else:
        wait = BUSY
    with atomic():
        if queries.sources().filter(pk=source.pk).exists():
            timers.schedule(READ, subject=due.subject, due_at=now() + wait)


def _read(source: RunbookSource) -> None:
    try:
        token = sealing.unseal(source.token_sealed) if source.token_sealed else ""
        where = Where(source.address, source.branch, source.folder, token)
        if source.commit and not source.failing_since and git.newest(where) == source.commit:
            RunbookSource.objects.filter(pk=source.pk).update(tried_at=now(), read_at=now())
        else:
            take_copy(source, git.read(where))
    except (NotReadError, sealing.SealBrokenError) as error:
        keep_last_copy(source, str(error))


@atomic
def take_copy(source: RunbookSource, copy: Copy) -> None:
    """Let the library have what a folder holds; what is not in it any more is removed, and comes back with it."""
    source = RunbookSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    if source.ended_at is not None:
        return
    problems = list(copy.problems)
    for file in copy.files:
        problems += _take(source, file, copy.commit)
    _remove_what_is_gone(source, copy)
    at, problem = now(), _words(problems)
    is_news = (copy.commit, problem) != (source.commit, source.problem) or source.failing_since is not None
    RunbookSource.objects.filter(pk=source.pk).update(
        commit=copy.commit, problem=problem, failing_since=None, tried_at=at, read_at=at
    )
    if is_news:
        payload = events.RunbookSourceRead(source=source.pk, commit=copy.commit, problem=problem, read_at=at)
        timeline.append(payload, about=[source, "runbooks"])


def _remove_what_is_gone(source: RunbookSource, copy: Copy) -> None:
    """Remove runbooks whose file is gone. One whose file can not be read any more stays as it was."""
    present = {file.path for file in copy.files} | {line.partition(": ")[0] for line in copy.problems}
    writer = _writer(source, "", copy.commit)
    for runbook in Runbook.objects.filter(source=source, removed_at__isnull=True).order_by("pk"):
        if runbook.path not in present:
            actions.remove(runbook, writer=writer)


def _take(source: RunbookSource, file: File, commit: str) -> list[str]:
    """Take one file; return why not."""
    try:
        with atomic():
            taken = importing.take(file, writer=_writer(source, file.path, commit))
    except RaglanError as error:
        return [f"{file.path}: {error.sentence}"]
    return [f"{file.path}: {taken.why}"] if taken.outcome == Outcome.KEPT else []


def _writer(source: RunbookSource, path: str, commit: str) -> Writer:
    return Writer(timeline.ref(source), None, Origin(f"{source.name}, commit {commit[:10]}", path, source))


def _words(problems: list[str]) -> str:
    more = len(problems) - NAMED
    return "\n".join([*problems[:NAMED], *([f"and {more} more"] if more > 0 else [])])


@atomic
def keep_last_copy(source: RunbookSource, problem: str) -> None:
    """Keep what a folder held before, and say why and since when it can not be read."""
    source = RunbookSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    if source.ended_at is not None:
        return
    at = now()
    since = source.failing_since or at
    is_news = source.failing_since is None or source.problem != problem
    RunbookSource.objects.filter(pk=source.pk).update(problem=problem, failing_since=since, tried_at=at)
    if is_news:
        log.warning("a git folder can not be read", extra={"folder": source.name, "problem": problem})
        payload = events.RunbookSourceNotRead(source=source.pk, problem=problem, failing_since=since, tried_at=at)
        timeline.append(payload, about=[source, "runbooks"])
