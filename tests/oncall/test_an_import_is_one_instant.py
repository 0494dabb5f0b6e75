"""An import counts from one instant on, however long it takes, and tells once whose time it moves."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from raglan.core.clock import CLOCK
from raglan.core.models import Event, Timer
from raglan.oncall import actions, importing, queries
from raglan.oncall.as_code import Document, OverrideText
from raglan.oncall.models import Override
from raglan.people import sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, draft, rota
from tests.oncall.test_covers_and_notices import look, mails

MINUTE = timedelta(minutes=1)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes the clock go on by a minute whenever it is read."""

    def begin() -> None:
        real = CLOCK.now

        def later() -> datetime:
            CLOCK.move(MINUTE)
            return real()

        monkeypatch.setattr(CLOCK, "now", later)

    return begin


def exported() -> Document:
    return importing.document_of(queries.schedule("web"), with_addresses=True)


def with_overrides(document: Document, *added: OverrideText, **changed: object) -> Document:
    kept = [replace(item, **changed) for item in document.overrides or ()]  # type: ignore[arg-type]  # any of its fields
    return replace(document, overrides=(*kept, *added))


def seen() -> list[tuple[Person, ...]]:
    shifts = queries.shifts_between(queries.schedule("web"), MONDAY + HOUR, MONDAY + 4 * DAY)
    return [shift.people for shift in shifts]


def texts() -> list[str]:
    rows = Timer.objects.filter(kind="people.mail").order_by("pk")
    return [str(json.loads(sealing.unseal(str(row.payload["sealed"])))["text"]) for row in rows]


def test_other_words_for_a_running_cover_write_no_hole(
    mara: Person, ike: Person, rowan: Person, slowly: Callable[[], None]
) -> None:
    web = rota(mara)
    cover(web, ike, MONDAY, MONDAY + 5 * DAY, "old words")
    CLOCK.move(2 * DAY)
    look()
    before = len(mails())
    document = with_overrides(exported(), reason="new words")
    slowly()
    importing.take_over(document, by=rowan, actor=rowan)
    assert set(seen()) == {(ike,)}
    old, new = Override.objects.order_by("pk")
    assert (old.ends_at, old.cancelled_at) == (new.starts_at, new.created_at)
    look()
    assert mails()[before:] == []


def test_another_name_for_a_layer_writes_no_hole(
    mara: Person, ike: Person, rowan: Person, slowly: Callable[[], None]
) -> None:
    rota(mara)
    CLOCK.move(2 * DAY)
    look()
    before = len(mails())
    document = exported()
    document = replace(document, layers=tuple(replace(layer, name="day") for layer in document.layers))
    slowly()
    importing.take_over(document, by=rowan, actor=rowan)
    assert set(seen()) == {(mara,)}
    look()
    assert mails()[before:] == []


def test_what_begins_or_ends_while_a_file_is_imported_is_no_hindrance(
    mara: Person, ike: Person, rowan: Person, slowly: Callable[[], None]
) -> None:
    web = rota(mara)
    actions.set_rotation(web, replace(draft(ike), effective_from=MONDAY + 2 * DAY), actor=mara)
    document = exported()
    CLOCK.move(MONDAY + 2 * DAY - 4 * MINUTE - CLOCK.now())
    ends = OverrideText(rowan.email, MONDAY + DAY, MONDAY + 2 * DAY)
    slowly()
    document = replace(document, layers=document.layers[:1], overrides=(ends,))
    steps = importing.take_over(document, by=rowan, actor=rowan).steps
    assert steps == [
        "layer without a name: a planned turn order does not come",
        "override of Rowan Ellis (replace_everybody)",
    ]
    assert queries.who("web", MONDAY + 3 * DAY).people == (mara,)


def test_nobody_hears_of_a_file_that_moves_nobody(mara: Person, ike: Person, rowan: Person) -> None:
    cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY, "a")
    before = len(mails())
    importing.take_over(with_overrides(exported(), reason="b"), by=rowan, actor=rowan)
    assert mails()[before:] == []
    assert Override.objects.get(cancelled_at=None).reason == "b"


def test_of_a_cover_that_is_given_to_another_only_those_two_hear(mara: Person, ike: Person, rowan: Person) -> None:
    sol = world.person("Sol Adeyemi", time_zone="UTC")
    cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY, "Mara is ill")
    before = len(mails())
    importing.take_over(with_overrides(exported(), person=sol.email), by=rowan, actor=rowan)
    assert mails()[before:] == [
        (sol.email, "Web: you are on call, by Rowan Ellis"),
        (ike.email, "Web: you are not on call, by Rowan Ellis"),
    ]
    assert all("Tue 24 Nov 12:00 to Wed 25 Nov 12:00 UTC.\nWhy: Mara is ill\n" in text for text in texts()[before:])


def test_who_loses_and_gets_the_same_time_in_one_file_hears_nothing(mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara)
    document = exported()
    document = replace(
        document,
        layers=tuple(replace(layer, people=((ike.email,),)) for layer in document.layers),
        overrides=(OverrideText(mara.email, MONDAY + DAY, MONDAY + 2 * DAY, reason="keeps Tuesday"),),
    )
    importing.take_over(document, by=rowan, actor=rowan)
    assert queries.who("web", MONDAY + DAY + HOUR).people == (mara,)
    assert mails() == []


def test_each_hears_the_words_of_what_moves_their_own_time(mara: Person, ike: Person, rowan: Person) -> None:
    sol = world.person("Sol Adeyemi", time_zone="UTC")
    rota(mara)
    document = with_overrides(
        exported(),
        OverrideText(ike.email, MONDAY + DAY, MONDAY + 2 * DAY, reason="dentist"),
        OverrideText(sol.email, MONDAY + 3 * DAY, MONDAY + 4 * DAY),
    )
    importing.take_over(document, by=rowan, actor=rowan)
    why = {to: text.split("Why: ")[1].splitlines()[0] for (to, _), text in zip(mails(), texts(), strict=True)}
    assert why == {ike.email: "dentist", sol.email: "imported from a file", mara.email: "dentist; imported from a file"}
    assert importing.take_over(document, by=rowan, actor=rowan).steps == []


def test_a_cover_that_the_file_does_not_have_any_more_ends_with_a_word_on_why(
    mara: Person, ike: Person, rowan: Person
) -> None:
    cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY, "old words")
    before = len(mails())
    importing.take_over(replace(exported(), overrides=()), by=rowan, actor=rowan)
    assert mails()[before:] == [
        (mara.email, "Web: you are on call, by Rowan Ellis"),
        (ike.email, "Web: you are not on call, by Rowan Ellis"),
    ]
    assert all("Why: imported from a file\n" in text for text in texts()[before:])
    assert Event.objects.get(kind="schedule.override_cancelled").data["reason"] == "imported from a file"
