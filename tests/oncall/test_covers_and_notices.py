"""Requests to take a shift, acting for others, notices of gaps and shifts."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.core.models import Event, Timer
from raglan.oncall import actions, covers, queries, watch
from raglan.oncall.models import CoverRequest, Leave, Notice, Override, Schedule
from raglan.people import actions as people
from raglan.people import sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, draft, rota
from tests.oncall.test_layers_are_stored import OFFICE
from tests.oncall.test_rest import Api

NEXT = MONDAY + 7 * DAY - 3 * HOUR  # the next handoff


def mails() -> list[tuple[str, str]]:
    """Return what waits to be sent, oldest first, as address and subject."""
    rows = Timer.objects.filter(kind="people.mail").order_by("pk")
    letters = [json.loads(sealing.unseal(str(row.payload["sealed"]))) for row in rows]
    return [(letter["to"], letter["subject"]) for letter in letters]


def request(web: Schedule, asker: Person, **fields: object) -> CoverRequest:
    wanted = covers.RequestDraft(MONDAY + DAY, MONDAY + 2 * DAY)
    return covers.ask(web, replace(wanted, **fields), by=asker)  # type: ignore[arg-type]  # any of its fields


def test_a_request_moves_nothing_until_somebody_takes_it(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    row = request(web, mara, reason="dentist")
    assert mails() == [(ike.email, "Mara Novak asks you to take a shift of Web")]
    assert queries.who("web", MONDAY + DAY).people == (mara,)
    covers.take(row, by=ike)
    assert [queries.who("web", MONDAY + n * DAY).people for n in (1, 2)] == [(ike,), (mara,)]
    assert [subject for to, subject in mails() if to == mara.email] == ["Ike Okafor takes your shift"]


def test_a_swap_moves_both_shifts(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    row = request(web, mara, asked=ike, back=(NEXT + DAY, NEXT + 2 * DAY))
    covers.take(row, by=ike)
    assert queries.who("web", MONDAY + DAY + HOUR).people == (ike,)
    assert [queries.who("web", NEXT + n * DAY).people for n in (0, 1, 2)] == [(ike,), (mara,), (ike,)]
    assert mails() == [
        (ike.email, "Mara Novak asks you to take a shift of Web"),
        (mara.email, "Ike Okafor takes your shift"),
    ]


def test_a_swap_is_refused_once_the_asker_has_not_what_they_give(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    row = request(web, mara, asked=ike, back=(NEXT + DAY, NEXT + 2 * DAY))
    actions.set_rotation(web, replace(draft(rowan, ike), starts_on=MONDAY.date()), actor=rowan)
    with pytest.raises(Conflict, match="Mara Novak is not on call then any more"):
        covers.take(row, by=ike)
    assert not Override.objects.exists()
    assert [one.pk for one in covers.waiting(web)] == [row.pk]


def test_a_swap_is_refused_once_the_taker_has_not_what_they_give(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    row = request(web, mara, asked=ike, back=(NEXT + DAY, NEXT + 2 * DAY))
    actions.set_rotation(web, replace(draft(mara, rowan), starts_on=MONDAY.date()), actor=rowan)
    with pytest.raises(Conflict, match="you are not on call any more at the time in return"):
        covers.take(row, by=ike)
    assert not Override.objects.exists()


@pytest.mark.parametrize("is_swap", [False, True])
def test_a_request_is_refused_once_another_covers_a_part_of_it(
    mara: Person, ike: Person, rowan: Person, is_swap: bool
) -> None:
    web = rota(mara, ike)
    row = request(web, mara, asked=ike, **({"back": (NEXT + DAY, NEXT + 2 * DAY)} if is_swap else {}))
    cover(web, rowan, MONDAY + DAY, MONDAY + 2 * DAY - HOUR)
    sent = mails()
    with pytest.raises(Conflict, match="Rowan Ellis would lose time by this"):
        covers.take(row, by=ike)
    people_then = [queries.who("web", MONDAY + DAY + n * HOUR).people for n in (0, 12, 23)]
    assert (people_then, queries.who("web", NEXT + DAY).people) == ([(rowan,), (rowan,), (mara,)], (ike,))
    assert (Override.objects.count(), mails()) == (1, sent)
    assert [one.pk for one in covers.waiting(web)] == [row.pk]


def test_a_swap_is_refused_once_another_covers_a_part_of_what_is_given_back(
    mara: Person, ike: Person, rowan: Person
) -> None:
    web = rota(mara, ike)
    row = request(web, mara, asked=ike, back=(NEXT + DAY, NEXT + 2 * DAY))
    cover(web, rowan, NEXT + DAY, NEXT + DAY + HOUR)
    with pytest.raises(Conflict, match="Rowan Ellis would lose time by this"):
        covers.take(row, by=ike)
    assert queries.who("web", MONDAY + DAY).people == (mara,)


def test_a_request_is_answered_once_and_by_whom_it_asks(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    row = request(web, mara, asked=ike)
    for act, who in ((covers.take, rowan), (covers.take, mara), (covers.decline, rowan), (covers.withdraw, rowan)):
        with pytest.raises(NotAllowed):
            act(row, by=who)
    covers.decline(row, by=ike)
    with pytest.raises(Conflict):
        covers.take(row, by=ike)
    assert not Override.objects.exists()
    covers.withdraw(request(web, mara), by=mara)
    assert covers.waiting(web) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"starts_at": NEXT + HOUR, "ends_at": NEXT + DAY}, "starts_at"),
        ({"ends_at": MONDAY + DAY}, "ends_at"),
        ({"starts_at": MONDAY - DAY, "ends_at": MONDAY - HOUR}, "ends_at"),
        ({"back": (NEXT, NEXT + DAY)}, "asked_id"),
        ({"ends_at": MONDAY + 400 * DAY}, "ends_at"),
    ],
)
def test_a_wrong_request_is_refused_by_field(mara: Person, ike: Person, fields: dict[str, object], field: str) -> None:
    web = rota(mara, ike)
    with pytest.raises(BadInput) as refused:
        request(web, mara, **fields)
    assert refused.value.field == field


def test_a_lead_arranges_cover_with_a_reason_and_both_are_told(mara: Person, ike: Person, boss: Person) -> None:
    rota(mara)
    api = Api(boss, ["read", "respond"])
    body = {"person_id": ike.pk, "instead_of_id": mara.pk, "kind": "replace_one"}
    times = {"starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z"}
    assert api.send("post", "/schedules/web/overrides", {**body, **times})[1]["field"] == "reason"
    assert api.send("post", "/schedules/web/overrides", {**body, **times, "reason": "Mara is ill"})[0] == 201
    assert mails() == [
        (ike.email, "Web: you are on call, by Hana Lind"),
        (mara.email, "Web: Ike Okafor stands in for you, by Hana Lind"),
    ]
    assert Event.objects.get(kind="schedule.override_added").data["reason"] == "Mara is ill"


def test_requests_go_over_rest_and_the_screen(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    body = {"starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z", "asked_id": ike.pk}
    status, made = Api(mara, ["read", "respond"]).send("post", "/schedules/web/cover-requests", body)
    assert (status, made["state"]) == (201, "waiting")
    assert Api(None, ["read", "respond"]).send("post", "/schedules/web/cover-requests", body)[0] == 403
    client = Client()
    client.force_login(ike)
    assert "Mara Novak</b> asks Ike Okafor" in client.get("/on-call/web/").content.decode()
    assert client.post(f"/on-call/web/ask/{made['id']}/take/").status_code == 302
    again = Api(ike, ["read", "respond"]).send("post", f"/schedules/web/cover-requests/{made['id']}/take", {})
    assert again[0] == 409
    assert queries.who("web", MONDAY + DAY).people == (ike,)


def test_the_form_to_ask_offers_the_next_shift_and_keeps_what_is_wrong(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    client = Client()
    client.force_login(ike)
    form = client.get("/on-call/web/ask/").context["form"]
    assert form["starts_at"].value() == NEXT.replace(tzinfo=None)
    wrong = {"starts_at": "2026-11-24T00:00", "ends_at": "2026-11-25T00:00", "asked": "", "reason": "x"}
    answer = client.post("/on-call/web/ask/", wrong)
    assert (answer.status_code, "You are not on call then." in answer.content.decode()) == (422, True)
    right = {**wrong, "starts_at": "2026-11-30T09:00", "ends_at": "2026-12-01T09:00"}
    assert client.post("/on-call/web/ask/", right).status_code == 302


def test_the_owner_is_told_of_a_gap_once(mara: Person, ike: Person, boss: Person) -> None:
    team = people.create_team(name="Web", slug="web", actor="raglan")
    people.add_member(team, ike, is_lead=True, actor=boss)
    rota(mara, ike, team=team)
    look()
    assert mails() == []
    before = len(mails())
    people.deactivate(mara, by=boss)
    for _ in range(3):
        look()
    assert mails()[before:] == [(ike.email, "Web: nobody is on call at times in the next two weeks")]


def look() -> None:
    CLOCK.move(timedelta(minutes=10))
    Timer.objects.filter(kind=watch.WATCH).delete()
    watch.look(watch.timers.Due(0, watch.WATCH, "oncall", MONDAY, 1, {}))


def test_a_look_that_is_set_aside_does_not_end_the_watch(mara: Person) -> None:
    due = watch.timers.schedule(watch.WATCH, subject="oncall", due_at=MONDAY)
    for attempt in range(1, watch.timers.MAX_ATTEMPTS + 1):
        Timer.objects.filter(pk=due.pk).update(attempts=attempt)
        watch.timers.failed(watch.timers.Due(due.pk, watch.WATCH, "oncall", MONDAY, attempt, {}), "it stumbled")
    waiting = Timer.objects.filter(kind=watch.WATCH, parked_at__isnull=True)
    assert [row.due_at > MONDAY for row in waiting] == [True]


def test_a_rota_of_office_hours_does_not_nag(mara: Person, boss: Person) -> None:
    web = rota(mara)
    actions.set_rotation(web, replace(draft(mara), windows=OFFICE), actor=boss)
    sent = []
    for _ in range(15):
        CLOCK.move(DAY)
        look()
        sent.append(sum("nobody is on call" in subject for _, subject in mails()))
    assert (sent[0], sent[-1]) == (1, 3)


def test_a_shift_is_told_before_at_its_start_and_after_it(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    world.page(world.policy((60, [Schedule.objects.get()])))
    world.silence(("alertname", "=", "DiskFull"), hours=24 * 30)
    Timer.objects.filter(kind="people.mail").delete()
    at = MONDAY
    CLOCK.move(NEXT - DAY - MONDAY - HOUR)
    while at < NEXT + 2 * HOUR:
        look()
        at = Timer.objects.get(kind=watch.WATCH).due_at
    assert sorted(mails()) == sorted(
        [
            (ike.email, "Web: your shift begins Mon 30 Nov 09:00"),
            (mara.email, "Web: your shift ends Mon 30 Nov 09:00"),
            (mara.email, "Web: your shift is over"),
            (ike.email, "Web: you are on call now"),
        ]
    )
    rows = Timer.objects.filter(kind="people.mail")
    texts = [json.loads(sealing.unseal(str(row.payload["sealed"])))["text"] for row in rows]
    [begun] = [text for text in texts if "You are on call" in text]
    assert ": Apache is not running on web-014, nobody has it yet" in begun
    assert "silence until" in begun


def test_the_end_of_a_shift_of_months_is_told_once(mara: Person, ike: Person) -> None:
    web = rota(mara)
    CLOCK.move(HOUR)
    actions.end_layer(web, None, actor=ike, at=MONDAY + 5 * HOUR)
    for _ in range(36):
        look()
    told = [subject for to, subject in mails() if to == mara.email and "your shift" in subject]
    assert told == ["Web: your shift ends Mon 23 Nov 17:00", "Web: your shift is over"]


def test_leave_of_months_in_a_shift_of_months_is_told_once(mara: Person, boss: Person) -> None:
    rota(mara)
    times = {"starts_at": MONDAY - 100 * DAY, "ends_at": MONDAY + 100 * DAY}
    Leave.objects.create(person=mara, created_at=MONDAY, **times)
    for _ in range(4):
        look()
    told = [subject for to, subject in mails() if to == mara.email and "away" in subject]
    assert told == ["Web: you are away during a shift of yours"]


def test_leave_in_a_shift_that_becomes_older_than_what_is_looked_at_is_told_once(mara: Person, boss: Person) -> None:
    actions.create_schedule(
        name="Web", slug="web", team=None, time_zone="UTC", rotation=draft(mara, starts_on=MONDAY.date()), actor=boss
    )
    Leave.objects.create(person=mara, created_at=MONDAY, starts_at=MONDAY - 10 * DAY, ends_at=MONDAY + 200 * DAY)
    look()
    for days in (60, 5, 1):
        CLOCK.move(days * DAY)
        look()
    told = [subject for to, subject in mails() if to == mara.email and "away" in subject]
    assert told == ["Web: you are away during a shift of yours"]


def test_a_gap_that_was_told_before_its_end_was_kept_is_told_again_when_it_grows(
    mara: Person, ike: Person, boss: Person
) -> None:
    web = rota(mara)
    later = actions.add_override(
        web, actions.OverrideDraft(ike, MONDAY + 6 * HOUR, MONDAY + 40 * DAY, "", Override.Kind.ADD), by=ike
    )
    actions.end_layer(web, None, actor=ike, at=MONDAY + 5 * HOUR)
    look()
    Notice.objects.filter(kind=Notice.Kind.GAP).update(until=None)
    before = gaps_told()
    for _ in range(2):
        look()
    assert gaps_told() == before
    assert Event.objects.filter(kind="schedule.notice_given", data__does="gap").count() == 2
    actions.cancel_override(later, actor=ike)
    for _ in range(2):
        look()
    assert (before, gaps_told()) == (1, 2)


def gaps_told() -> int:
    return sum("nobody is on call" in subject for _, subject in mails())


def test_a_gap_that_becomes_longer_is_told_again_and_not_at_each_look(mara: Person, ike: Person, boss: Person) -> None:
    web = rota(mara)
    later = actions.add_override(
        web, actions.OverrideDraft(ike, MONDAY + 6 * HOUR, MONDAY + 40 * DAY, "", Override.Kind.ADD), by=ike
    )
    actions.end_layer(web, None, actor=boss, at=MONDAY + 5 * HOUR)
    for _ in range(3):
        look()
    assert gaps_told() == 1
    actions.cancel_override(later, actor=ike)
    for _ in range(15):
        look()
    assert gaps_told() == 2
    rows = Timer.objects.filter(kind="people.mail").order_by("pk")
    texts = [json.loads(sealing.unseal(str(row.payload["sealed"])))["text"] for row in rows]
    assert ["no end is planned" in text for text in texts if "Nobody is on call" in text] == [False, True]


def test_a_gap_that_becomes_a_little_longer_is_not_told_again(mara: Person, ike: Person, boss: Person) -> None:
    web = rota(mara)
    first, second = (
        actions.add_override(web, actions.OverrideDraft(ike, start, end, "", Override.Kind.ADD), by=ike)
        for start, end in (
            (MONDAY + 6 * HOUR, MONDAY + 6.5 * HOUR),
            (MONDAY + 6.5 * HOUR, MONDAY + 40 * DAY),
        )
    )
    assert first.ends_at == second.starts_at
    actions.end_layer(web, None, actor=boss, at=MONDAY + 5 * HOUR)
    look()
    actions.cancel_override(first, actor=ike)
    look()
    assert gaps_told() == 1


def test_a_rota_whose_only_turn_order_was_taken_back_is_a_gap(mara: Person, boss: Person) -> None:
    web = actions.create_schedule(
        name="Web", slug="web", team=None, time_zone="UTC", rotation=draft(mara, starts_on=MONDAY.date()), actor=boss
    )
    row, begins_at = queries.rotation("web", web.rotations.get().pk)
    actions.withdraw_rotation(row, begins_at=begins_at + 30 * DAY, actor=boss)
    for _ in range(3):
        look()
    assert gaps_told() == 1


def test_a_rota_that_was_only_just_made_is_no_gap(mara: Person, boss: Person) -> None:
    actions.create_schedule(name="Web", slug="web", team=None, time_zone="UTC", rotation=None, actor=boss)
    look()
    assert gaps_told() == 0
