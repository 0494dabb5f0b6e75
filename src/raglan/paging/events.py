"""Kinds of events that paging appends."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from raglan.core.timeline import EventPayload
from raglan.paging.plan import FORGOTTEN_AFTER_S


class PageStarted(EventPayload):
    """A page was written, with its plan. One that took its first step at once stands behind that: its `step` is 0."""

    kind = "page.started"
    page: int
    title: str
    text: str
    severity: str
    policy: str
    policy_id: int | None
    plan: dict[str, object]
    reason_type: str
    reason_id: int | None
    link: str
    started_at: datetime
    step: int = -1
    next_step_at: datetime | None
    is_test: bool = False
    urgency: str = "high"


class NextStepPlanned(EventPayload):
    """A step was taken, or the wait after it was cut short; this is when the one after it comes."""

    kind = "page.next_step"
    round: int
    step: int
    next_step_at: datetime
    held_since: datetime | None = None


class StepLate(EventPayload):
    """A step came later than it was due, as after an outage. It is taken once, with the delay."""

    kind = "page.step_late"
    round: int
    step: int
    delay_s: int


class EarlierStopped(EventPayload):
    """The next step stopped what earlier steps still meant to send, as the policy says."""

    kind = "page.earlier_stopped"
    step: int
    notifications: list[int]


class PageHeld(EventPayload):
    """Nobody is on call, and the policy holds the page until somebody is. `until` is when that is known to be."""

    kind = "page.held"
    step: int
    until: datetime | None


class FellBack(EventPayload):
    """Nobody could be reached; the page goes on with the fallback policy, in a new round."""

    kind = "page.fell_back"
    policy: str
    plan: dict[str, object]
    round: int


class PageConfirmed(EventPayload):
    """One of several people who must each acknowledge has it; the page waits for the others."""

    kind = "page.confirmed"
    person: int
    via: str
    reached: int
    at: datetime
    missing: list[int]


class PageRaised(EventPayload):
    """A page that waited for daylight goes out now: what it is for became urgent."""

    kind = "page.raised"
    severity: str
    urgency: str


class PageSnoozed(EventPayload):
    """Somebody has it and wants it back at a time."""

    kind = "page.snoozed"
    person: int | None
    via: str
    reached: int | None
    until: datetime
    at: datetime


class PageHurried(EventPayload):
    """The next step of a page follows now, because something outside asked for it."""

    kind = "page.hurried"
    why: str


class PageReturned(EventPayload):
    """A page begins again: its snooze is over, it was given back or handed on, or nobody said anything for long."""

    kind = "page.returned"
    why: str
    person: int | None
    plan: dict[str, object]
    round: int
    urgency: str


class WebhookPlanned(EventPayload):
    """A step tells a program."""

    kind = "webhook_call.planned"
    call: int
    round: int
    step: int
    url: str
    key: str
    planned_at: datetime


class WebhookCalled(EventPayload):
    """A program took the news of a step."""

    kind = "webhook_call.handed_over"
    call: int
    attempt: int
    may_repeat: bool
    handed_over_at: datetime


class WebhookFailed(EventPayload):
    """A program could not be told of a step."""

    kind = "webhook_call.failed"
    call: int
    attempt: int
    why: str
    permanent: bool


class ChatPlanned(EventPayload):
    """A step tells a room in chat."""

    kind = "chat_call.planned"
    call: int
    round: int
    step: int
    chat: int
    room: str
    key: str
    planned_at: datetime


class ChatTold(EventPayload):
    """A chat took the line of a step. That is not proof that anybody read it."""

    kind = "chat_call.handed_over"
    call: int
    attempt: int
    may_repeat: bool
    handed_over_at: datetime


class ChatNotTold(EventPayload):
    """A room in chat could not be told of a step, for now or for good."""

    kind = "chat_call.failed"
    call: int
    attempt: int
    why: str
    permanent: bool
    may_repeat: bool = False


class ChatNotNeeded(EventPayload):
    """A room in chat need not be told of a step any more: somebody has the page, it is over, or it began anew."""

    kind = "chat_call.not_needed"
    call: int
    may_repeat: bool = False


class Way(BaseModel):
    """One message that was planned. Its address is not told here."""

    model_config = ConfigDict(frozen=True)
    notification: int
    contact: int | None
    channel: str
    key: str
    due_at: datetime


class PersonReachedOut(EventPayload):
    """A step reached out to a person, by these ways."""

    kind = "page.reached_out"
    reached: int
    person: int
    round: int
    step: int
    why: str
    reached_at: datetime
    is_added: bool = False
    ways: list[Way]


class ShadowTold(EventPayload):
    """Somebody who learns beside those on call was told of the page by mail; they are not reached by it."""

    kind = "page.shadow_told"
    shadow: int
    person: int


class StepFoundNobody(EventPayload):
    """A step had nobody to page; the next one follows at once."""

    kind = "page.step_found_nobody"
    step: int
    why: str


class PersonUnreachable(EventPayload):
    """Every way to a person was refused or missing; the next step follows at once."""

    kind = "page.person_unreachable"
    reached: int
    person: int
    why: str
    found_at: datetime


class NotificationHandedOver(EventPayload):
    """A provider took a message. That is not yet proof that anybody read it."""

    kind = "notification.handed_over"
    notification: int
    person: int
    channel: str
    attempt: int
    may_repeat: bool
    handed_over_at: datetime
    is_received: bool
    provider: str = ""
    provider_id: str


class NotificationFailed(EventPayload):
    """A message could not be handed over."""

    kind = "notification.failed"
    notification: int
    person: int
    channel: str
    attempt: int
    why: str
    permanent: bool
    provider: str = ""


class NotificationReceived(EventPayload):
    """The provider says that a message arrived. That is not yet proof that anybody read it."""

    kind = "notification.received"
    notification: int
    person: int
    received_at: datetime


class NotificationNotReached(EventPayload):
    """A message was taken by its provider and reached nobody: no answer, a machine, a dead number."""

    kind = "notification.not_reached"
    notification: int
    person: int
    channel: str
    why: str


class BudgetSpent(EventPayload):
    """A provider has had all the messages that an hour may have; the next way is used, and the owners are told."""

    kind = "channel.budget_spent"
    channel: str
    provider: str
    per_hour: int


class ChannelSecretMade(EventPayload):
    """A channel made the secret that it keeps, such as the key pair of web push; it stands in no event."""

    kind = "channel.secret_made"
    channel: str
    made_at: datetime


class NotificationCancelled(EventPayload):
    """A message that was to be tried again is not needed any more."""

    kind = "notification.cancelled"
    notification: int


class NotificationHurried(EventPayload):
    """A person's next way is tried now, because the one before it failed."""

    kind = "notification.hurried"
    notification: int
    due_at: datetime


class PageAcknowledged(EventPayload):
    """Somebody has it."""

    kind = "page.acknowledged"
    person: int | None
    via: str
    reached: int | None
    at: datetime


class PageJoined(EventPayload):
    """Another person joins the one who has it."""

    kind = "page.joined"
    person: int
    via: str
    reached: int
    at: datetime


class PagePassedOn(EventPayload):
    """A person can not take it now; the next one is tried at once."""

    kind = "page.passed_on"
    person: int
    via: str
    reached: int
    at: datetime


class PageUnanswered(EventPayload):
    """All steps and repeats are through and nobody answered."""

    kind = "page.unanswered"
    rounds: int


class PageTriesOn(EventPayload):
    """No message could be handed over for now; the plan is gone through once more after a wait."""

    kind = "page.tries_on"
    plan: dict[str, object]
    round: int


class PageReachedSomebody(EventPayload):
    """A message was handed over at last; the page goes on with its plan."""

    kind = "page.reached_somebody"


class PageReworded(EventPayload):
    """A page that keeps counting says how far it is; messages from now on say so."""

    kind = "page.reworded"
    title: str
    text: str


class PageResolved(EventPayload):
    """What the page was for is over."""

    kind = "page.resolved"
    why: str
    at: datetime


class EscalationRepaired(EventPayload):
    """An open page had no timer; the audit gave it one."""

    kind = "page.escalation_repaired"
    found_at: datetime


class PagesDigested(EventPayload):
    """What came and went while raglan could not page was told to a person in one digest."""

    kind = "page.digested"
    person: int
    pages: list[int]
    since: datetime


class PolicyChanged(EventPayload):
    """A policy was made or changed. Running pages keep the plan that they started with."""

    kind = "policy.changed"
    policy: int
    slug: str
    name: str
    team: int | None
    version: int
    repeat: int
    is_fallback: bool
    steps: list[dict[str, object]]
    when_nobody: str = "next_step"
    earlier_steps: str = "go_on"
    urgency: str = "high"
    hours: dict[str, object] = {}
    forgotten_after_s: int = FORGOTTEN_AFTER_S


class ReadinessOverruled(EventPayload):
    """A policy was saved although some of its people can not be reached, for a reason."""

    kind = "policy.readiness_overruled"
    policy: int
    people: list[int]
    reason: str


class AppointmentMade(EventPayload):
    """When somebody is tested through the whole path was agreed, or changed."""

    kind = "appointment.made"
    appointment: int
    person: int
    appointment_kind: str
    weekday: int
    at: str
    hours_before: int


class AppointmentCalledOff(EventPayload):
    """Somebody is not tested by appointment any more."""

    kind = "appointment.called_off"
    appointment: int
    person: int


class AppointmentKept(EventPayload):
    """Tests by appointment went out."""

    kind = "appointment.kept"
    appointment: int
    person: int
    pages: list[int]
    at: datetime


class AppointmentJudged(EventPayload):
    """The time to answer a test is over."""

    kind = "appointment.judged"
    appointment: int
    person: int
    passed: bool
    unanswered: list[int]


class RulesChanged(EventPayload):
    """A person's notification rules were changed."""

    kind = "person.rules_changed"
    person: int
    rules: list[tuple[int, int]]
    urgency: str = "high"


class MessageOfLastResort(BaseModel):
    """One message that a node sent while the database was away. `why` says why it was not handed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    person: int
    name: str
    channel: str
    at: datetime
    outcome: str
    why: str = ""


class LastResortTold(EventPayload):
    """The database was away, and a node paged by itself for what this page is for: to whom, when, with what outcome."""

    kind = "page.last_resort"
    case: str
    node: str
    began_at: datetime
    sent: list[MessageOfLastResort]
    taken_by: int | None
    taken_at: datetime | None


class WordHandedOver(EventPayload):
    """A quiet word was handed to one person's provider. Nobody was paged."""

    kind = "word.handed_over"
    person: int
    channel: str
    provider: str
    key: str


class WordNotSaid(EventPayload):
    """A quiet word could not be handed over by one way."""

    kind = "word.not_said"
    person: int
    channel: str
    why: str
    key: str
