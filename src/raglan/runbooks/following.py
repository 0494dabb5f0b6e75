"""Verbs of following: begin, tell a step, hand over, stop. What is told stands in the room's timeline."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.runbooks import document, events, queries
from raglan.runbooks.models import Following, Runbook, StepResult

MAX_WORDS = 2_000
MAX_KEY = 64
Result = StepResult.Result
VERBS = {Result.DONE: "done", Result.FAILED: "did not work", Result.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody tells of a step. `key` is theirs: twice the same tells once. `seen_key` is of what they saw."""

    number: int
    result: str
    words: str = ""
    key: str = ""
    seen_key: str = ""


@atomic
def follow(incident: Incident, runbook: Runbook, *, by: Person) -> Following:
    """Begin to follow a runbook in a room, or return the following that is under way. Raises Conflict."""
    incident = incidents.hold_room(incident)
    if going := Following.objects.filter(incident=incident, runbook=runbook, state=Following.State.GOING).first():
        return going
    runbook = Runbook.objects.get(pk=runbook.pk)
    if runbook.removed_at is not None:
        raise Conflict("This runbook was removed.")
    if incident.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to follow a runbook in it.")
    at, steps = now(), document.understand(runbook.text).steps
    made = Following.objects.create(
        incident=incident,
        runbook=runbook,
        version=runbook.version,
        title=runbook.title,
        step_count=len(steps),
        started_by=by,
        started_at=at,
        follower=by,
    )
    payload = events.RunbookFollowed(
        following=made.pk,
        incident=incident.pk,
        runbook=runbook.pk,
        version=made.version,
        title=made.title,
        step_count=made.step_count,
        person=by.pk,
        started_at=at,
    )
    timeline.append(payload, actor=by, about=_about(made))
    words = f"follows the runbook “{_plain(made.title)}”, {_steps(made.step_count)}."
    _say(made, words, by=by, key="begin")
    return made


def _locked(following: Following) -> Following:
    incidents.hold_room(following.incident)
    joined = Following.objects.select_related("incident", "runbook", "follower")
    return joined.get(pk=following.pk)


def _about(following: Following) -> Sequence[timeline.Subject]:
    return [following.incident, following.runbook, following]


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def _plain(title: str) -> str:
    return title.replace("`", "'")


def _say(following: Following, text: str, *, by: Person, key: str, kind: Entry.Kind = Entry.Kind.NOTE) -> Entry:
    link = f"/incidents/{following.incident_id}/runbooks/{following.pk}/"
    said = Said(kind, text, key=_key(f"runbook-{following.pk}-{key}"), link=link)
    return incidents.post(following.incident, said, by=by)


def _key(text: str) -> str:
    return text if len(text) <= MAX_KEY else hashlib.sha256(text.encode()).hexdigest()


@atomic
def tell_step(following: Following, told: Told, *, by: Person) -> StepResult:
    """Tell the room what came of a step; the last one told ends the following.

    The same key tells once. Raises BadInput, and Conflict when somebody else told of it meanwhile.
    """
    key = _key(told.key) or secrets.token_hex(16)
    following = _locked(following)
    before = StepResult.objects.filter(following=following, number=told.number).first()
    if before is not None and before.key == key:
        return before
    _check(following, told)
    if before is not None and before.key != told.seen_key:
        raise Conflict(f"{before.person.name} told of this step meanwhile: {VERBS[Result(before.result)]}.")
    step = _step(following, told.number)
    words = told.words.strip()
    text = f"step {told.number} of {following.step_count}, {_plain(step.title)}: {VERBS[Result(told.result)]}."
    text = f"{'Again, ' if before else ''}{text}{f' {words}' if words else ''}"
    kind = Entry.Kind.FOUND if told.result == Result.FAILED else Entry.Kind.NOTE
    entry = _say(following, text[:1].upper() + text[1:], by=by, key=f"{told.number}-{key}", kind=kind)
    result, _ = StepResult.objects.update_or_create(
        following=following,
        number=told.number,
        defaults={"result": told.result, "words": words, "person": by, "at": now(), "key": key, "entry": entry},
    )
    _tell(following, result, by)
    if following.results.count() == following.step_count:
        _end(following, Following.State.DONE, by=by)
    return result


def _check(following: Following, told: Told) -> None:
    if following.state != Following.State.GOING:
        raise Conflict("Nobody follows this runbook any more. Begin again to go on.")
    if told.result not in Result.values:
        raise BadInput("result", f"must be one of {', '.join(Result.values)}", status=422)
    if not 1 <= told.number <= following.step_count:
        raise BadInput("number", f"there are {_steps(following.step_count)}", status=422)
    if len(told.words) > MAX_WORDS:
        raise BadInput("words", f"at most {MAX_WORDS} characters", status=422)
    if told.result != Result.DONE and not told.words.strip():
        what = "what you saw instead" if told.result == Result.FAILED else "why it was not needed"
        raise BadInput("words", f"say in a few words {what}", status=422)


def _step(following: Following, number: int) -> document.Step:
    text = queries.version(following.runbook, following.version).text
    return document.understand(text).steps[number - 1]


def _tell(following: Following, result: StepResult, by: Person) -> None:
    payload = events.StepTold(
        following=following.pk,
        number=result.number,
        result=result.result,
        words=result.words,
        person=by.pk,
        told_at=result.at,
        key=result.key,
        entry=result.entry_id,
    )
    timeline.append(payload, actor=by, about=_about(following))


@atomic
def hand_over(following: Following, to: Person, *, by: Person) -> Following:
    """Let another person go on with a runbook. Safe to call twice. Raises Conflict."""
    following = _locked(following)
    if following.follower_id == to.pk:
        return following
    if following.state != Following.State.GOING:
        raise Conflict("Nobody follows this runbook any more.")
    if not to.is_active or not to.may_respond:
        raise BadInput("person", f"{to.name} can not respond here", status=422)
    following.follower = to
    following.save(update_fields=["follower"])
    payload = events.FollowingHandedOver(following=following.pk, person=to.pk)
    event = timeline.append(payload, actor=by, about=_about(following))
    who = "goes on with" if to.pk == by.pk else f"hands over to {_plain(to.name)}:"
    _say(following, f"{who} the runbook “{_plain(following.title)}”.", by=by, key=f"to-{to.pk}-{event.pk}")
    return following


@atomic
def stop(following: Following, *, by: Person, why: str = "") -> Following:
    """Stop to follow a runbook before its end. Safe to call twice."""
    following = _locked(following)
    if following.state != Following.State.GOING:
        return following
    why = why.strip()[:MAX_WORDS]
    if following.incident.state == Incident.State.OPEN:
        told = f"{following.results.count()} of {_steps(following.step_count)} told"
        words = f"stops to follow the runbook “{_plain(following.title)}”: {why or told}."
        _say(following, words, by=by, key="stop")
    return _end(following, Following.State.STOPPED, by=by, words=why)


@atomic
def stop_all(incident: Incident) -> None:
    """Stop what is being followed in a room that is closed."""
    for following in Following.objects.filter(incident=incident, state=Following.State.GOING):
        _end(_locked(following), Following.State.STOPPED, by=None, words="the incident was closed")


def _end(following: Following, state: Following.State, *, by: Person | None, words: str = "") -> Following:
    at = now()
    following.state, following.ended_at, following.ended_by, following.words = state, at, by, words
    following.save(update_fields=["state", "ended_at", "ended_by", "words"])
    if following.results.exists():  # what was never begun is not called followed
        Runbook.objects.filter(pk=following.runbook_id).update(followed_at=at, followed_by=by or following.follower)
    payload = events.FollowingEnded(
        following=following.pk,
        runbook=following.runbook_id,
        state=state,
        words=words,
        person=by.pk if by else None,
        ended_at=at,
    )
    timeline.append(payload, actor=by or timeline.SYSTEM, about=_about(following))
    return following
