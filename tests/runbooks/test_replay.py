"""Events of runbooks are enough: told to an older copy of the state, they give the stored one."""

from collections.abc import Callable

import pytest

from raglan.core import timeline
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.runbooks import actions, events, folders, following
from raglan.runbooks.actions import Draft
from raglan.runbooks.following import Told
from raglan.runbooks.git import Copy, Where
from raglan.runbooks.importing import File
from raglan.runbooks.models import Following, Runbook, RunbookSource, StepResult
from raglan.testing import replay

BOOK = ("slug", "title", "text", "team_id", "needs_words", "alerts", "version", "source_id", "path", "imported_version",
        "updated_at", "updated_by_id", "removed_at", "followed_at", "followed_by_id")  # fmt: skip
SOURCE = ("name", "address", "branch", "folder", "web_url", "commit", "created_at", "ended_at", "problem",
          "failing_since")  # fmt: skip
GOING = ("incident_id", "runbook_id", "version", "title", "step_count", "state", "started_by_id", "started_at",
         "follower_id", "ended_at", "ended_by_id", "words")  # fmt: skip


def stored() -> replay.State:
    results = StepResult.objects.values(
        "following_id", "number", "result", "words", "person_id", "at", "key", "entry_id"
    )
    return {
        "sources": replay.rows(RunbookSource, SOURCE),
        "books": replay.rows(Runbook, BOOK),
        "followings": replay.rows(Following, GOING),
        "results": {(row["following_id"], row["number"]): dict(row) for row in results},
    }


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    pk = next((int(name[8:]) for name in event.subjects if name.startswith("runbook:")), 0)
    match said:
        case events.RunbookWritten():
            written(state, said)
        case events.RunbookRemoved():
            state["books"][pk]["removed_at"] = said.removed_at
        case events.RunbookBroughtBack():
            state["books"][pk]["removed_at"] = None
        case events.RunbookFollowed():
            own = said.model_dump(exclude={"following", "incident", "runbook", "person"})
            links: replay.Row = {"pk": said.following, "incident_id": said.incident, "runbook_id": said.runbook}
            people: replay.Row = {"started_by_id": said.person, "follower_id": said.person}
            state["followings"][said.following] = {**replay.fresh(Following, GOING), **own, **links, **people}
        case events.StepTold():
            row = said.model_dump(exclude={"following", "person", "told_at", "entry"})
            mine: replay.Row = {"following_id": said.following, "person_id": said.person, "at": said.told_at}
            state["results"][said.following, said.number] = {**row, **mine, "entry_id": said.entry}
        case events.FollowingHandedOver():
            state["followings"][said.following]["follower_id"] = said.person
        case events.FollowingEnded():
            ended(state, said)
        case _:
            of_a_folder(state, pk, said)


def of_a_folder(state: replay.State, pk: int, said: timeline.EventPayload) -> None:
    match said:
        case events.RunbookLetGo():
            state["books"][pk]["source_id"] = None
        case events.RunbookSourceSet() | events.RunbookSourceEnded():
            row = said.model_dump(exclude={"source", "has_token"})
            before = state["sources"].get(said.source, replay.fresh(RunbookSource, SOURCE))
            state["sources"][said.source] = {**before, "pk": said.source, **row}
        case events.RunbookSourceRead():
            told = said.model_dump(include={"commit", "problem"})
            state["sources"][said.source].update(told, failing_since=None)
        case events.RunbookSourceNotRead():
            state["sources"][said.source].update(problem=said.problem, failing_since=said.failing_since)


def written(state: replay.State, said: events.RunbookWritten) -> None:
    names = ("slug", "title", "text", "needs_words", "alerts", "version", "path", "imported_version")
    own: replay.Row = {name: getattr(said, name) for name in names}
    links: replay.Row = {"team_id": said.team, "source_id": said.source, "updated_by_id": said.person}
    before = state["books"].get(said.runbook, replay.fresh(Runbook, BOOK))
    state["books"][said.runbook] = {**before, "pk": said.runbook, **own, **links, "updated_at": said.written_at}


def ended(state: replay.State, said: events.FollowingEnded) -> None:
    row = state["followings"][said.following]
    row.update(state=said.state, ended_at=said.ended_at, ended_by_id=said.person, words=said.words)
    if any(place[0] == said.following for place in state["results"] if isinstance(place, tuple)):
        by = said.person or row["follower_id"]
        state["books"][said.runbook].update(followed_at=said.ended_at, followed_by_id=by)


def writing(room: Incident, mara: Person, bo: Person) -> Runbook:
    made = actions.write_new(Draft("A", "1. a\n2. b"), writer=actions.by(mara))
    actions.rewrite(made, Draft("B", "1. a\n2. b"), seen_version=1, writer=actions.by(bo))
    actions.remove(made, writer=actions.by(mara))
    return actions.bring_back(made, writer=actions.by(mara))


def to_the_end(room: Incident, mara: Person, bo: Person) -> None:
    going = following.follow(room, writing(room, mara, bo), by=mara)
    following.hand_over(going, bo, by=mara)
    following.tell_step(going, Told(1, "failed", "no", key="a"), by=bo)
    following.tell_step(going, Told(1, "done", seen_key="a"), by=bo)
    following.tell_step(going, Told(2, "skipped", "not needed"), by=mara)


def stopping(room: Incident, mara: Person, bo: Person) -> None:
    runbook = writing(room, mara, bo)
    following.stop(following.follow(room, runbook, by=mara), by=bo, why="over")
    following.tell_step(following.follow(room, runbook, by=mara), Told(1, "done"), by=bo)
    following.stop_all(room)


def copying(room: Incident, mara: Person, bo: Person) -> None:
    draft = folders.Draft("Web", Where("https://git.example.test/web.git", folder="runbooks"))
    source = folders.add(draft, actor=mara)
    first, second = File("a.md", "# A\n1. a"), File("b.md", "# B\n1. b")
    folders.take_copy(source, Copy("1" * 40, (first, second)))
    folders.keep_last_copy(source, "it is gone")
    folders.take_copy(source, Copy("2" * 40, (File("c.md", "---\nslug: a\n---\n# A\n1. a"),), ("b.md: too large",)))
    folders.end(source, actor=mara)


@pytest.mark.parametrize("act", [writing, to_the_end, stopping, copying], ids=lambda act: act.__name__)
def test_events_told_to_an_older_copy_give_the_stored_state(
    act: Callable[[Incident, Person, Person], object], room: Incident, mara: Person, bo: Person
) -> None:
    assert replay.differences(stored, tell, lambda: act(room, mara, bo)) == {}
