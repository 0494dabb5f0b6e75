"""Verbs of on call: what they change, what they refuse, and what they leave alone."""

from datetime import date, time, timedelta
from itertools import pairwise

import pytest

from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.core.models import Event
from raglan.oncall import actions, queries
from raglan.oncall.models import Override, Rotation, Schedule
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, draft, rota

Anything = dict[str, object]


def kinds() -> list[str]:
    return [kind for kind in Event.objects.order_by("pk").values_list("kind", flat=True) if kind.startswith("schedule")]


def test_a_rota_appends_what_happened(mara: Person, ike: Person) -> None:
    schedule = rota(mara, ike)
    actions.cancel_override(cover(schedule, ike, MONDAY + DAY, MONDAY + 2 * DAY), actor=mara)
    assert kinds() == [
        "schedule.made",
        "schedule.rotation_set",
        "schedule.override_added",
        "schedule.override_cancelled",
    ]


@pytest.mark.parametrize("slug", ["new", "cover", "part"])
def test_a_rota_can_not_have_the_address_of_a_screen(mara: Person, slug: str) -> None:
    with pytest.raises(BadInput) as refused:
        rota(mara, slug=slug)
    assert refused.value.field == "slug"


def test_a_short_name_is_given_once(mara: Person) -> None:
    rota(mara)
    with pytest.raises(BadInput) as refused:
        rota(mara)
    assert (refused.value.field, refused.value.status) == ("slug", 409)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "localtime", "Factory", "\x00", "../../etc/passwd", "europe/berlin"])
def test_a_zone_that_is_not_known_everywhere_is_refused(mara: Person, zone: str) -> None:
    with pytest.raises(BadInput) as refused:
        rota(mara, zone=zone)
    assert refused.value.field == "time_zone"
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"participants": []}, "participants"),
        ({"participants": [999_999]}, "participants[0]"),
        ({"participants": [1] * 61}, "participants"),
        ({"handoff_weekday": 7}, "handoff_weekday"),
        ({"every": 0}, "every"),
        ({"every": 53}, "every"),
        ({"starts_on": date(1969, 12, 31)}, "starts_on"),
        ({"starts_on": date(2150, 1, 1)}, "starts_on"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
    ],
)
def test_a_wrong_turn_order_is_refused_by_field(mara: Person, fields: Anything, field: str) -> None:
    given: Anything = {
        "participants": [mara.pk],
        "starts_on": date(2026, 1, 5),
        "handoff_weekday": 0,
        "handoff_time": time(9),
    }
    schedule = rota(mara)
    with pytest.raises(BadInput) as refused:
        actions.set_rotation(schedule, actions.RotationDraft(**{**given, **fields}), actor=mara)  # type: ignore[arg-type]  # on purpose
    assert refused.value.field == field
    assert Rotation.objects.count() == 1


def test_a_person_who_left_can_not_be_put_in_a_turn_order(mara: Person, ike: Person) -> None:
    people.deactivate(ike, by=mara)
    with pytest.raises(BadInput):
        rota(mara, ike)


def test_a_changed_turn_order_never_counts_before_now(mara: Person, ike: Person, rowan: Person) -> None:
    schedule = rota(mara, ike)
    before = queries.shifts_between(queries.schedule("web"), MONDAY - 90 * DAY, MONDAY)
    actions.set_rotation(schedule, draft(rowan, starts_on=date(2026, 2, 2)), actor=mara)
    fresh = queries.schedule("web")
    assert queries.shifts_between(fresh, MONDAY - 90 * DAY, MONDAY) == before
    assert queries.who("web", MONDAY + HOUR).people == (rowan,)
    assert Rotation.objects.count() == 2


def test_a_first_turn_order_may_begin_in_the_past(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    assert queries.who("web", MONDAY - 90 * DAY).is_covered


def test_another_zone_leaves_the_shifts_before_as_they_were(mara: Person, ike: Person) -> None:
    schedule = rota(mara, ike, zone="Europe/Berlin")
    Rotation.objects.update(time_zone="")  # as written before turn orders had a zone of their own
    before = queries.shifts_between(queries.schedule("web"), MONDAY - 30 * DAY, MONDAY)
    actions.set_rotation(schedule, draft(ike, mara, zone="Asia/Tokyo", starts_on=date(2026, 11, 30)), actor=mara)
    fresh = queries.schedule("web")
    assert fresh.time_zone == "Asia/Tokyo"
    assert queries.shifts_between(fresh, MONDAY - 30 * DAY, MONDAY) == before
    assert queries.who("web").until == MONDAY + 6 * DAY + 12 * HOUR


def test_a_planned_turn_order_can_be_taken_back_and_a_running_one_not(mara: Person, ike: Person) -> None:
    schedule = rota(mara)
    planned = actions.set_rotation(schedule, draft(ike, starts_on=date(2026, 12, 7)), actor=mara)
    row, begins_at = queries.rotation("web", planned.pk)
    actions.withdraw_rotation(row, begins_at=begins_at, actor=mara)
    actions.withdraw_rotation(row, begins_at=begins_at, actor=mara)
    assert kinds().count("schedule.rotation_withdrawn") == 1
    assert queries.who("web", MONDAY + 30 * DAY).people == (mara,)
    running, began_at = queries.rotation("web", Rotation.objects.order_by("pk")[0].pk)
    with pytest.raises(Conflict):
        actions.withdraw_rotation(running, begins_at=began_at, actor=mara)


def test_the_one_who_made_the_rota_alone_is_on_call_without_end(mara: Person) -> None:
    rota(mara)
    duty = queries.who("web")
    assert (duty.people, duty.until, duty.next_people, duty.next_from) == ((mara,), None, (), None)


def test_a_cover_that_began_in_the_past_counts_from_now(mara: Person, ike: Person) -> None:
    override = cover(rota(mara), ike, MONDAY - DAY, MONDAY + DAY)
    assert timedelta(0) <= override.starts_at - MONDAY < timedelta(minutes=1)
    assert queries.who("web", MONDAY - HOUR).people == (mara,)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (DAY, DAY, "ends_at"),
        (2 * DAY, DAY, "ends_at"),
        (-2 * DAY, -DAY, "ends_at"),
        (DAY, 400 * DAY, "ends_at"),
    ],
)
def test_a_wrong_time_is_refused_by_field(
    mara: Person, ike: Person, start: timedelta, end: timedelta, field: str
) -> None:
    schedule = rota(mara)
    with pytest.raises(BadInput) as refused:
        cover(schedule, ike, MONDAY + start, MONDAY + end)
    assert refused.value.field == field


def test_a_person_who_left_can_not_cover(mara: Person, ike: Person) -> None:
    schedule = rota(mara)
    ike = people.deactivate(ike, by=mara)
    with pytest.raises(BadInput) as refused:
        cover(schedule, ike, MONDAY + DAY, MONDAY + 2 * DAY)
    assert refused.value.field == "person_id"


def test_a_cover_that_is_given_back_while_it_runs_ends_there(mara: Person, ike: Person) -> None:
    override = cover(rota(mara), ike, MONDAY, MONDAY + DAY)
    CLOCK.move(HOUR)
    actions.cancel_override(override, actor=ike)
    override.refresh_from_db()
    assert queries.who("web").people == (mara,)
    assert queries.who("web", MONDAY + HOUR / 2).people == (ike,)
    assert override.cancelled_at == override.ends_at


def test_a_cover_that_is_given_back_before_it_begins_never_was(mara: Person, ike: Person) -> None:
    override = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    actions.cancel_override(override, actor=ike)
    actions.cancel_override(override, actor=ike)
    CLOCK.move(3 * DAY)
    assert queries.who("web", MONDAY + 1.5 * DAY).people == (mara,)
    assert kinds().count("schedule.override_cancelled") == 1


def test_a_cover_that_is_over_can_not_be_given_back(mara: Person, ike: Person) -> None:
    override = cover(rota(mara), ike, MONDAY + HOUR, MONDAY + 2 * HOUR)
    CLOCK.move(DAY)
    actions.cancel_override(override, actor=ike)
    assert Override.objects.get().cancelled_at is None


def test_somebody_who_leaves_leaves_a_gap_and_the_past_alone(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    CLOCK.move(HOUR)
    people.deactivate(mara, by=ike)
    CLOCK.move(DAY)
    assert not queries.who("web").is_covered
    assert not queries.who("web", MONDAY + 2 * HOUR).is_covered
    assert queries.who("web", MONDAY + HOUR / 2).people == (mara,)
    assert queries.people_on_call(Schedule.objects.get().pk, MONDAY + 2 * HOUR) == []


def test_who_raises_not_found_for_a_rota_that_is_not_there(mara: Person) -> None:
    with pytest.raises(NotFound):
        queries.who("web")


def test_current_answers_for_all_rotas_with_a_fixed_number_of_queries(
    mara: Person, ike: Person, django_assert_num_queries: object
) -> None:
    for number in range(20):
        rota(mara, ike, slug=f"rota-{number}")
    with django_assert_num_queries(6):  # type: ignore[operator]  # a fixture that is a function
        duties = queries.current()
    assert len(duties) == 20
    assert {duty.next_person for duty in duties} == {ike}


def test_services_lead_to_those_on_call_for_their_teams_once(mara: Person, ike: Person) -> None:
    web = world.team(mara, ike)
    rota(mara, ike, team=web)
    rota(mara, slug="web-nights", team=web)
    services = [world.service("httpd", web).pk, world.service("chef", web).pk, world.service("mirror").pk]
    assert queries.people_for_services(services, MONDAY) == [(mara, "Web")]


def test_the_shifts_of_a_person_come_in_order(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    rota(ike, mara, slug="data")
    own = queries.shifts_of(mara, MONDAY)
    assert [row.slug for row, _ in own][:3] == ["web", "data", "web"]
    assert all(one.starts_at <= other.starts_at for (_, one), (_, other) in pairwise(own))
    found = queries.next_shift_of(mara, MONDAY)
    assert found is not None
    assert found[0].slug == "web"


def test_free_short_names_avoid_those_in_use(mara: Person) -> None:
    rota(mara)
    assert [queries.free_slug(name) for name in ("Web", "Pay ments!", "New", "支払い")] == [
        "web-2",
        "pay-ments",
        "new-2",
        "rota",
    ]
