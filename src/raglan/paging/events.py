"""Kinds of events that paging appends."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class PageStarted(EventPayload):
    """A page was written, with its plan."""

    kind = "page.started"
    title: str
    severity: str
    policy: str
    reason_type: str
    reason_id: int | None
    is_test: bool = False


class PersonReachedOut(EventPayload):
    """A step reached out to a person."""

    kind = "page.reached_out"
    person: int
    round: int
    step: int
    why: str


class StepFoundNobody(EventPayload):
    """A step had nobody to page; the next one follows at once."""

    kind = "page.step_found_nobody"
    step: int
    why: str


class PersonUnreachable(EventPayload):
    """Every way to a person was refused or missing; the next step follows at once."""

    kind = "page.person_unreachable"
    person: int
    why: str


class NotificationHandedOver(EventPayload):
    """A provider took a message. That is not yet proof that anybody read it."""

    kind = "notification.handed_over"
    notification: int
    person: int
    channel: str
    attempt: int
    may_repeat: bool


class NotificationFailed(EventPayload):
    """A message could not be handed over."""

    kind = "notification.failed"
    notification: int
    person: int
    channel: str
    why: str
    permanent: bool


class PageAcknowledged(EventPayload):
    """Somebody has it."""

    kind = "page.acknowledged"
    person: int | None
    via: str


class PageJoined(EventPayload):
    """Another person joins the one who has it."""

    kind = "page.joined"
    person: int
    via: str


class PagePassedOn(EventPayload):
    """A person can not take it now; the next one is tried at once."""

    kind = "page.passed_on"
    person: int
    via: str


class PageUnanswered(EventPayload):
    """All steps and repeats are through and nobody answered."""

    kind = "page.unanswered"
    rounds: int


class PageResolved(EventPayload):
    """What the page was for is over."""

    kind = "page.resolved"
    why: str


class EscalationRepaired(EventPayload):
    """An open page had no timer; the audit gave it one."""

    kind = "page.escalation_repaired"
    found_at: datetime


class PolicyChanged(EventPayload):
    """A policy was made or changed. Running pages keep the plan that they started with."""

    kind = "policy.changed"
    slug: str
    version: int


class RulesChanged(EventPayload):
    """A person's notification rules were changed."""

    kind = "person.rules_changed"
    person: int
