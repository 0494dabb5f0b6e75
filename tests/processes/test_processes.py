"""Processes are written, changed with the earlier text kept, removed and brought back; events are enough."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person
from raglan.processes import actions, events, queries
from raglan.processes.actions import Draft
from raglan.processes.models import Process, ProcessStep
from raglan.processes.steps import StepDraft, matched, read, written
from raglan.testing import replay

PROCESS = ("slug", "title", "outcome", "team_id", "version", "rethought_on", "updated_at", "updated_by_id",
           "removed_at")  # fmt: skip
STEP = ("process_id", "place", "title", "minutes", "removed_at")
OTHER = Draft("Change it quicker", "Same", [StepDraft("Run it on one host", 5), StepDraft("Tell the channel")])


def stored() -> replay.State:
    return {"processes": replay.rows(Process, PROCESS), "steps": replay.rows(ProcessStep, STEP)}


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    pk = next(int(name[8:]) for name in event.subjects if name.startswith("process:"))
    match said:
        case events.ProcessWritten():
            wrote(state, said)
        case events.ProcessRemoved():
            state["processes"][pk]["removed_at"] = said.removed_at
        case events.ProcessBroughtBack():
            state["processes"][pk]["removed_at"] = None
        case events.ProcessRethought():
            state["processes"][pk]["rethought_on"] = said.rethought_on


def wrote(state: replay.State, said: events.ProcessWritten) -> None:
    own = {"slug": said.slug, "title": said.title, "outcome": said.outcome, "team_id": said.team}
    more: replay.Row = {"version": said.version, "updated_at": said.written_at, "updated_by_id": said.person}
    before = state["processes"].get(said.process, replay.fresh(Process, PROCESS))
    state["processes"][said.process] = {**before, "pk": said.process, **own, **more}
    for one in said.steps:
        pk = int(one["step"] or 0)
        state["steps"][pk] = {"pk": pk, "process_id": said.process, "removed_at": None} | {
            name: one[name] for name in ("place", "title", "minutes")
        }
    for pk in said.gone:
        state["steps"][pk]["removed_at"] = said.written_at


def test_events_told_to_an_older_copy_give_the_stored_state(process: Process, mara: Person) -> None:
    writer = actions.by(mara)

    def act() -> None:
        actions.rewrite(process, OTHER, seen_version=1, writer=writer)
        actions.rethink(process, "It stays", writer=writer)
        actions.remove(process, writer=writer)
        actions.bring_back(process, writer=writer)

    assert replay.differences(stored, tell, act) == {}


def test_changing_keeps_the_earlier_text(process: Process, bo: Person) -> None:
    changed = actions.rewrite(process, OTHER, seen_version=1, writer=actions.by(bo))

    assert (changed.version, queries.version(changed, 1).title, queries.version(changed, 2).by) == (
        2,
        "Change a cookbook",
        bo,
    )
    assert len(queries.version(changed, 1).steps) == 3


def test_the_later_of_two_at_once_is_refused(process: Process, mara: Person) -> None:
    actions.rewrite(process, OTHER, seen_version=1, writer=actions.by(mara))
    with pytest.raises(Conflict):
        actions.rewrite(process, OTHER, seen_version=1, writer=actions.by(mara))


def test_names_are_its_own_and_none_of_a_screen(write: Callable[..., Process]) -> None:
    assert [write(title).slug for title in ("Kitchen", "Kitchen", "New")] == ["kitchen-2", "kitchen-3", "new-2"]


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(" ", "For it", [StepDraft("a")]), "title"),
        (Draft("A", "", [StepDraft("a")]), "outcome"),
        (Draft("A", "For it", []), "steps"),
        (Draft("A", "For it", [StepDraft("a"), StepDraft("A ")]), "steps"),
        (Draft("A", "For it", [StepDraft("a", 10**6)]), "steps"),
    ],
)
def test_what_can_not_be_kept_names_its_field(mara: Person, draft: Draft, field: str) -> None:
    with pytest.raises(BadInput) as error:
        actions.write_new(draft, writer=actions.by(mara))
    assert error.value.field == field


def test_steps_are_read_as_they_are_written() -> None:
    text = "Wait | 15\n\n  Ask | the other team\nLook"
    assert read(text) == [StepDraft("Wait", 15), StepDraft("Ask | the other team"), StepDraft("Look")]
    assert read(written(read(text))) == read(text)


def test_a_step_goes_on_by_its_words_and_else_by_its_place() -> None:
    assert matched(["a", "b", "c"], ["c", "B", "new"]) == [2, 1, None]
    assert matched(["a", "b"], ["x", "b", "y"]) == [0, 1, None]


def test_the_form_shows_what_somebody_else_wrote_meanwhile(browser: Client, process: Process, bo: Person) -> None:
    actions.rewrite(process, OTHER, seen_version=1, writer=actions.by(bo))
    mine = {"title": "Mine", "outcome": "Same", "steps": "One | 3", "seen_version": "1"}
    answer = browser.post(f"/processes/{process.slug}/edit/", mine)
    page = answer.content.decode()

    assert answer.status_code == 422
    assert "Tell the channel" in page
    assert "One | 3" in page
    assert browser.post(f"/processes/{process.slug}/edit/", {**mine, "seen_version": "2"}).status_code == 302
