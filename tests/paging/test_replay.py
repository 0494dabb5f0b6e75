"""Events of paging are enough: told to an older copy of the state, they give the stored one, addresses aside."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.paging import actions, appointments, chat_calls, chats, events, returning
from raglan.paging.hours import Hours
from raglan.paging.models import (
    Appointment,
    ChatCall,
    Notification,
    NotificationRule,
    Page,
    Policy,
    Reached,
    WebhookCall,
)
from raglan.paging.plan import Acknowledge, EarlierSteps, Target, Urgency, WhenNobody
from raglan.paging.queries import plan_of
from raglan.people import ports
from raglan.people.models import ContactMethod, Person
from raglan.testing import replay, world

PAGE = (
    *("title", "text", "severity", "state", "reason_type", "reason_id", "link", "policy_id", "plan", "is_test"),
    *("round", "step", "created_at", "next_step_at", "acknowledged_at", "acknowledged_by_id", "resolved_at"),
    *("urgency", "held_since", "snoozed_until"),
)
REACHED = ("page_id", "person_id", "round", "step", "why", "at", "answer", "answered_at", "is_added")
CALL = ("page_id", "round", "step", "url", "key", "state", "attempts", "may_repeat", "error", "planned_at")
CALL += ("handed_over_at",)
CHAT_CALL = (*(name for name in CALL if name != "url"), "chat", "room")
APPOINTMENT = ("person_id", "kind", "weekday", "at", "hours_before", "tested_at", "pages", "passed")
NOTIFICATION = (
    *("page_id", "person_id", "contact_id", "reached_id", "channel", "key", "state", "due_at", "attempts"),
    *("may_repeat", "error", "provider", "provider_id", "handed_over_at", "received_at", "confirmed_at"),
)
POLICY = ("name", "slug", "team_id", "repeat", "version", "is_fallback")
POLICY += ("when_nobody", "earlier_steps", "urgency", "hours", "forgotten_after_s")
LINK = actions.Via.LINK
Answered = events.PageSnoozed | events.PageConfirmed | events.PageAcknowledged | events.PageJoined | events.PagePassedOn


def stored() -> replay.State:
    rules: replay.Table = {}
    for rule in NotificationRule.objects.order_by("position"):
        row = rules.setdefault((rule.person_id, rule.urgency), {"rules": []})
        row["rules"] = [*row["rules"], (rule.contact_id, rule.delay_s)]  # type: ignore[misc]  # a list
    policies = replay.rows(Policy, POLICY)
    for policy in Policy.objects.all():
        policies[policy.pk]["steps"] = plan_of(policy).as_json()["steps"]
    return {
        "pages": replay.rows(Page, PAGE),
        "reached": replay.rows(Reached, REACHED),
        "notifications": replay.rows(Notification, NOTIFICATION),
        "policies": policies,
        "rules": rules,
        "calls": replay.rows(WebhookCall, CALL),
        "chat_calls": replay.rows(ChatCall, CHAT_CALL),
        "appointments": replay.rows(Appointment, APPOINTMENT),
    }


def tell(  # noqa: C901, PLR0912, PLR0915 -- one case for each kind of event
    state: replay.State, event: timeline.Happened, said: timeline.EventPayload
) -> None:
    """Let a copy of the state hear of one event."""
    page_id = next((int(name[5:]) for name in event.subjects if name.startswith("page:")), 0)
    page = state["pages"].get(page_id, {})
    match said:
        case events.PageStarted():
            state["pages"][said.page] = started(said)
        case events.NextStepPlanned():
            page.update(said.model_dump())
        case events.PageUnanswered():
            page.update(state="unanswered", next_step_at=None)
        case events.PageReachedSomebody():
            page.update(state="triggered")
        case events.PageTriesOn():
            page.update(plan=said.plan, round=said.round, step=-1, held_since=None)
        case events.FellBack():
            page.update(plan=said.plan, round=said.round, step=-1, held_since=None)
        case events.PageRaised():
            page.update(said.model_dump())
        case events.PageSnoozed():
            ends(state, page)
            own = {"acknowledged_at": said.at, "acknowledged_by_id": said.person, "snoozed_until": said.until}
            page.update(own, state="acknowledged")
            if said.reached is not None:
                answered(state, page, said, "has_it")
        case events.PageReturned():
            ends(state, page)
            page.update(said.model_dump(include={"plan", "round", "urgency"}), state="triggered", step=-1)
            page.update(acknowledged_at=None, acknowledged_by_id=None)
        case events.PageConfirmed():
            answered(state, page, said, "has_it")
            cancel(state, page_id, person=said.person)
        case events.PageAcknowledged():
            page.update(state="acknowledged", acknowledged_at=said.at, acknowledged_by_id=said.person)
            ends(state, page)
            answered(state, page, said, "has_it")
        case events.PageJoined():
            answered(state, page, said, "joins")
            cancel(state, page_id, person=said.person)
        case events.PagePassedOn():
            answered(state, page, said, "passed_on")
            cancel(state, page_id, person=said.person)
        case events.PageReworded():
            state["pages"][page_id].update(title=said.title, text=said.text)
        case events.PageResolved():
            page.update(state="resolved", resolved_at=said.at)
            ends(state, page)
        case events.PolicyChanged():
            row = {**said.model_dump(exclude={"policy", "team"}), "team_id": said.team}
            state["policies"][said.policy] = {"pk": said.policy, **row}
        case events.RulesChanged():
            state["rules"].pop((said.person, said.urgency), None)
            if said.rules:
                state["rules"][said.person, said.urgency] = {"rules": said.rules}
        case _:
            tell_of_messages(state, page_id, said)


def started(said: events.PageStarted) -> replay.Row:
    given = said.model_dump(exclude={"page", "policy", "started_at"})
    return {**replay.fresh(Page, PAGE), **given, "pk": said.page, "created_at": said.started_at}


def ends(state: replay.State, page: replay.Row) -> None:
    page.update(next_step_at=None, held_since=None, snoozed_until=None)
    cancel(state, page["pk"])


def cancel(state: replay.State, page_id: object, *, person: int | None = None) -> None:
    for row in state["notifications"].values():
        if row["page_id"] == page_id and row["state"] == "waiting" and person in (None, row["person_id"]):
            row["state"] = "cancelled"


def answered(state: replay.State, page: replay.Row, said: Answered, answer: str) -> None:
    if said.reached is None:
        return
    step = max(0, int(str(page["step"])))
    own: replay.Row = {"page_id": page["pk"], "person_id": said.person, "round": page["round"], "step": step}
    came = {**replay.fresh(Reached, REACHED), "pk": said.reached, **own, "why": "came by themselves", "at": said.at}
    state["reached"].setdefault(said.reached, came).update(answer=answer, answered_at=said.at)
    for row in state["notifications"].values():
        if (row["page_id"], row["person_id"]) == (page["pk"], said.person) and row["handed_over_at"]:
            row["confirmed_at"] = row["confirmed_at"] or said.at


def tell_of_chat(state: replay.State, page_id: int, said: timeline.EventPayload) -> None:
    calls = state["chat_calls"]
    match said:
        case events.ChatPlanned():
            own = said.model_dump(exclude={"call"})
            fresh = replay.fresh(ChatCall, CHAT_CALL)
            calls[said.call] = {**fresh, **own, "pk": said.call, "page_id": page_id}
        case events.ChatNotTold():
            failed = "failed" if said.permanent else "waiting"
            own = said.model_dump(include={"may_repeat"})
            calls[said.call].update({**own, "state": failed, "attempts": said.attempt, "error": said.why})
        case events.ChatTold():
            given = said.model_dump(include={"may_repeat", "handed_over_at"})
            calls[said.call].update({**given, "state": "handed_over", "attempts": said.attempt, "error": ""})
        case events.ChatNotNeeded():
            calls[said.call].update(state="cancelled", may_repeat=said.may_repeat)


def tell_of_messages(  # noqa: C901, PLR0912 -- one case for each kind of event
    state: replay.State, page_id: int, said: timeline.EventPayload
) -> None:
    messages = state["notifications"]
    match said:
        case events.AppointmentMade():
            own = said.model_dump(include={"weekday", "hours_before"})
            row = state["appointments"].get(said.appointment, replay.fresh(Appointment, APPOINTMENT))
            at, kind = time.fromisoformat(said.at), said.appointment_kind
            own |= {"pk": said.appointment, "person_id": said.person, "at": at, "kind": kind}
            state["appointments"][said.appointment] = {**row, **own}
        case events.AppointmentCalledOff():
            del state["appointments"][said.appointment]
        case events.AppointmentKept():
            state["appointments"][said.appointment].update(tested_at=said.at, pages=said.pages, passed=None)
        case events.AppointmentJudged():
            state["appointments"][said.appointment]["passed"] = said.passed
        case events.PersonReachedOut():
            reached_out(state, page_id, said)
        case events.PersonUnreachable():
            state["reached"][said.reached].update(answer="unreachable", answered_at=said.found_at)
        case events.NotificationHurried():
            messages[said.notification]["due_at"] = said.due_at
        case events.NotificationCancelled():
            messages[said.notification]["state"] = "cancelled"
        case events.EarlierStopped():
            for pk in said.notifications:
                messages[pk]["state"] = "cancelled"
        case events.WebhookPlanned():
            own = said.model_dump(exclude={"call"})
            state["calls"][said.call] = {**replay.fresh(WebhookCall, CALL), **own, "pk": said.call, "page_id": page_id}
        case events.WebhookFailed():
            failed = "failed" if said.permanent else "waiting"
            state["calls"][said.call].update(state=failed, attempts=said.attempt, error=said.why)
        case events.WebhookCalled():
            given = said.model_dump(include={"may_repeat", "handed_over_at"})
            state["calls"][said.call].update({**given, "state": "handed_over", "attempts": said.attempt, "error": ""})
        case events.NotificationFailed():
            failed = "failed" if said.permanent else "waiting"
            messages[said.notification].update(state=failed, attempts=said.attempt, error=said.why)
        case events.NotificationReceived():
            messages[said.notification]["received_at"] = said.received_at
        case events.NotificationNotReached():
            messages[said.notification].update(state="failed", error=said.why)
        case events.ChatPlanned() | events.ChatNotTold() | events.ChatTold() | events.ChatNotNeeded():
            tell_of_chat(state, page_id, said)
        case events.NotificationHandedOver():
            received = said.handed_over_at if said.is_received else None
            given = said.model_dump(include={"may_repeat", "provider", "provider_id", "handed_over_at"})
            messages[said.notification].update(
                {**given, "state": "handed_over", "attempts": said.attempt, "error": "", "received_at": received}
            )


def reached_out(state: replay.State, page_id: int, said: events.PersonReachedOut) -> None:
    own: replay.Row = {"page_id": page_id, "person_id": said.person}
    given = said.model_dump(include={"round", "step", "why", "is_added"})
    row = {**replay.fresh(Reached, REACHED), **own, **given, "pk": said.reached, "at": said.reached_at}
    state["reached"][said.reached] = row
    for way in said.ways:
        given = way.model_dump(include={"channel", "key", "due_at"})
        links: replay.Row = {"pk": way.notification, "contact_id": way.contact, "reached_id": said.reached}
        fresh = replay.fresh(Notification, NOTIFICATION)
        state["notifications"][way.notification] = {**fresh, **own, **given, **links}


@pytest.fixture
def people(outbox: world.Outbox) -> tuple[Person, Person]:
    """Two people; the first has two ways."""
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    hook = world.way(mara, "webhook")
    actions.set_rules(mara, [(world.mail_of(mara).pk, 0), (hook.pk, 60)], by=mara)
    return mara, bo


def pages(people: tuple[Person, Person], wait_s: int = 300, repeat: int = 1) -> Page:
    mara, bo = people
    return world.page(world.policy((wait_s, [mara]), (wait_s, [bo]), repeat=repeat))


Act = Callable[[tuple[Person, Person], world.Outbox], object]


def starting(people: tuple[Person, Person], box: world.Outbox) -> None:
    pages(people)


def escalating_to_the_end(people: tuple[Person, Person], box: world.Outbox) -> None:
    pages(people, wait_s=90)
    world.fast_forward(timedelta(minutes=20))


def acknowledging(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.acknowledge(pages(people), by=people[0], via=LINK)


def acknowledging_without_being_paged(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.acknowledge(pages(people), by=people[1], via=LINK)


def acknowledging_by_the_source(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.acknowledge(pages(people), by=None, via=actions.Via.SOURCE)


def joining(people: tuple[Person, Person], box: world.Outbox) -> None:
    page = pages(people)
    for person in people:
        actions.join(page, by=person, via=LINK)


def passing_on(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.pass_on(pages(people), by=people[0], via=LINK)
    world.fire_all()


def resolving(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.resolve(pages(people), why="over")


def trying_on_through_an_outage(people: tuple[Person, Person], box: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    for way in ContactMethod.objects.all():
        box.refuse(way.address, times=20)
    pages(people)
    world.fast_forward(timedelta(minutes=60))


def failing_for_now(people: tuple[Person, Person], box: world.Outbox) -> None:
    box.refuse(world.mail_of(people[0]).address, times=2)
    pages(people)
    world.fast_forward(timedelta(minutes=2))


def failing_for_good(people: tuple[Person, Person], box: world.Outbox) -> None:
    for contact in people[0].contact_methods.all():
        box.refuse(contact.address, permanent=True)
    pages(people)


def answering_while_a_message_fails(people: tuple[Person, Person], box: world.Outbox) -> None:
    box.refuse(world.mail_of(people[0]).address)
    box.meanwhile = lambda: actions.acknowledge(Page.objects.get(), by=people[0], via=LINK)
    pages(people)
    world.fast_forward(timedelta(minutes=2))


def finding_nobody(people: tuple[Person, Person], box: world.Outbox) -> None:
    world.page(world.policy((60, [world.schedule()]), (60, [people[1]])))


def paging_by_hand(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.page_people(people, actions.Words("Look"), reason=actions.Reason(), by=people[0])
    actions.page_team(world.team(*people), actions.Words("Look"), reason=actions.Reason("incident", 7), by=None)
    world.fire_all()


def changing_a_policy(people: tuple[Person, Person], box: world.Outbox) -> None:
    for wait_s in (60, 120):
        world.policy((wait_s, [world.schedule(people[0])]), (wait_s, [world.team(*people)]), slug="web")


def falling_back(people: tuple[Person, Person], box: world.Outbox) -> None:
    world.administrator()
    actions.ensure_fallback()


def deciding_much(people: tuple[Person, Person], box: world.Outbox) -> None:
    choices = actions.Choices(WhenNobody.HOLD, EarlierSteps.STOP, "severity", Hours("Asia/Kolkata"), 60)
    for slug in ("web", "web"):
        world.policy((60, [people[0]]), slug=slug, choices=choices)


def stopping_earlier_steps(people: tuple[Person, Person], box: world.Outbox) -> None:
    mara, bo = people
    world.page(world.policy((30, [mara]), (30, [bo]), choices=actions.Choices(earlier_steps=EarlierSteps.STOP)))
    world.fast_forward(timedelta(minutes=2))


def holding(people: tuple[Person, Person], box: world.Outbox) -> None:
    rota = world.schedule()
    world.page(world.policy((60, [rota]), choices=actions.Choices(when_nobody=WhenNobody.HOLD)))
    world.fast_forward(timedelta(hours=2))
    world.cover(rota, people[0])
    world.fire_all()


def falling_back_from_a_step(people: tuple[Person, Person], box: world.Outbox) -> None:
    world.administrator()
    world.page(world.policy((60, [world.schedule()]), choices=actions.Choices(when_nobody=WhenNobody.FALL_BACK)))
    world.fast_forward(timedelta(minutes=7))


def acknowledging_by_each(people: tuple[Person, Person], box: world.Outbox) -> None:
    steps = [actions.StepDraft(300, tuple(world.target(one) for one in people), Acknowledge.EACH)]
    page = world.page(world.policy_of(*steps))
    for person in (people[0], people[0], people[1]):
        actions.acknowledge(page, by=person, via=LINK)


def telling_a_program(people: tuple[Person, Person], box: world.Outbox) -> None:
    address = "https://hooks.example.test/steps"
    box.refuse(address, times=1)
    box.refuse(address + "2", permanent=True)
    for url in (address, address + "2"):
        called = actions.StepDraft(60, (Target("webhook", 0, url),))
        world.page(world.policy_of(called, actions.StepDraft(60, (world.target(people[0]),))))
        world.fast_forward(timedelta(minutes=1))


class _Chats:
    """A chat of whose rooms one is told, one can not be for now, and one never."""

    def connected(self) -> list[chats.Chat]:
        return [chats.Chat(7, "Team chat", "Memory")]

    def why_not(self, number: int, room: str) -> str:
        return ""

    def away(self, number: int) -> str:
        return ""

    def tell(self, call: ChatCall) -> None:
        """Nothing goes out by itself."""

    def try_again(self, number: int, room: str) -> None:
        """Nothing is entered."""


def telling_rooms_in_chat(people: tuple[Person, Person], box: world.Outbox) -> None:
    chats.register(there := _Chats())
    try:
        asked = world.target(people[0])
        rooms = [Target("chat", 7, room=room) for room in ("#told", "#later", "#never")]
        world.page(world.policy_of(actions.StepDraft(3600, (asked, *rooms))))
        first, later, never = ChatCall.objects.order_by("pk").values_list("pk", flat=True)
        chat_calls.claim(first)
        chat_calls.handed_over(first, now())
        for _ in range(2):
            chat_calls.claim(later)
            chat_calls.failed(later, DeliveryError("not now", permanent=False, unknown=True))
        chat_calls.failed(never, DeliveryError("never", permanent=True))
        over = world.page(world.policy_of(actions.StepDraft(3600, (asked, Target("chat", 7, room="#over")))))
        actions.resolve(over, why="over")
        chat_calls.claim(ChatCall.objects.get(room="#over").pk)
        world.fast_forward(timedelta(minutes=16))
    finally:
        chats.forget(there)


def paging_with_low_urgency(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.set_rules(people[0], [(world.mail_of(people[0]).pk, 60)], by=people[0], urgency=Urgency.LOW)
    actions.page_people(people, actions.Words("Look"), reason=actions.Reason(), by=None, urgency=Urgency.LOW)
    world.fast_forward(timedelta(days=3))


def snoozing(people: tuple[Person, Person], box: world.Outbox) -> None:
    page = pages(people)
    for minutes in (30, 30):
        returning.snooze(page, until=page.created_at + timedelta(minutes=minutes), by=people[0], via=LINK)
    world.fast_forward(timedelta(hours=1))


def acting_from_outside(people: tuple[Person, Person], box: world.Outbox) -> None:
    page, outside = pages(people), returning.Outside("a source", "source:1")
    world.fire_all()
    returning.next_step(page, by=outside)
    world.fire_all()
    returning.snooze_outside(page, until=now() + timedelta(minutes=5), by=outside)
    world.fast_forward(timedelta(minutes=6))
    returning.hand_on(page, to=people[1], by=outside)
    actions.acknowledge(page, by=people[1], via=actions.Via.LINK)
    returning.snooze_outside(page, until=now() + timedelta(minutes=5), by=outside)
    returning.give_back(page, by=outside)
    returning.add_people(page, [people[0]], by=outside)


def giving_back(people: tuple[Person, Person], box: world.Outbox) -> None:
    page = actions.acknowledge(pages(people), by=people[0], via=LINK)
    returning.give_back(page, by=people[0])
    returning.give_back(page, by=people[0])
    world.fire_all()


def handing_on(people: tuple[Person, Person], box: world.Outbox) -> None:
    page = pages(people)
    for _ in range(2):
        returning.hand_on(page, to=people[1], by=people[0])
    world.fire_all()


def forgetting(people: tuple[Person, Person], box: world.Outbox) -> None:
    actions.acknowledge(pages(people), by=people[0], via=LINK)
    world.fast_forward(timedelta(days=2))


def adding_people(people: tuple[Person, Person], box: world.Outbox) -> None:
    page = actions.acknowledge(pages(people), by=people[0], via=LINK)
    for _ in range(2):
        returning.add_people(page, people, by=people[0])
    actions.join(page, by=people[1], via=LINK)
    world.fire_all()


def keeping_appointments(people: tuple[Person, Person], box: world.Outbox) -> None:
    for weekday in (2, 3):
        appointments.agree(people[0], kind="weekly", weekday=weekday, at=time(14), hours_before=24, by=people[0])
    world.fast_forward(timedelta(days=10))


def calling_off(people: tuple[Person, Person], box: world.Outbox) -> None:
    appointments.agree(people[0], kind="shift", weekday=1, at=time(14), hours_before=24, by=people[0])
    appointments.call_off(people[0], by=people[0])
    appointments.call_off(people[0], by=people[0])


def becoming_urgent(people: tuple[Person, Person], box: world.Outbox) -> None:
    choices = actions.Choices(urgency="severity", hours=Hours("UTC", days=(0,), until=time(9, 1)))
    page = world.page(world.policy((60, [people[1]]), choices=choices), severity="warning")
    actions.raise_urgency(page, severity="critical")
    world.fire_all()


def changing_rules(people: tuple[Person, Person], box: world.Outbox) -> None:
    mara, bo = people
    actions.set_rules(bo, [(world.mail_of(bo).pk, 120)], by=bo)
    actions.set_rules(mara, [], by=mara)


def sending_a_test(people: tuple[Person, Person], box: world.Outbox) -> None:
    ports.send_test(world.mail_of(people[0]), people[0])
    world.fire_all()
    actions.acknowledge(Page.objects.get(), by=people[0], via=LINK)


ACTS = (starting, escalating_to_the_end, acknowledging, acknowledging_without_being_paged, acknowledging_by_the_source)
MORE = (joining, passing_on, resolving, failing_for_now, failing_for_good, finding_nobody, paging_by_hand)
LAST = (answering_while_a_message_fails, changing_a_policy, falling_back, changing_rules, sending_a_test)


CHOICES = (deciding_much, stopping_earlier_steps, holding, falling_back_from_a_step, acknowledging_by_each)
CHOICES += (acting_from_outside, trying_on_through_an_outage, keeping_appointments, calling_off, becoming_urgent)
CHOICES += (
    telling_a_program,
    telling_rooms_in_chat,
    paging_with_low_urgency,
    snoozing,
    giving_back,
    handing_on,
    forgetting,
    adding_people,
)


@pytest.mark.parametrize("act", [*ACTS, *MORE, *LAST, *CHOICES], ids=lambda act: act.__name__)
def test_events_told_to_an_older_copy_give_the_stored_state(
    people: tuple[Person, Person], outbox: world.Outbox, act: Act
) -> None:
    assert replay.differences(stored, tell, lambda: act(people, outbox)) == {}


def test_a_change_without_an_event_would_be_found(people: tuple[Person, Person], outbox: world.Outbox) -> None:
    page = pages(people)

    found = replay.differences(stored, tell, lambda: Page.objects.update(title="Changed behind our back"))

    assert list(found) == [f"pages {page.pk}"]


def test_events_carry_no_address(people: tuple[Person, Person], outbox: world.Outbox) -> None:
    newest = timeline.newest_id()
    failing_for_good(people, outbox)

    told = str([event.data for event in replay.events_after(newest)])

    assert not any(contact.address in told for person in people for contact in person.contact_methods.all())
