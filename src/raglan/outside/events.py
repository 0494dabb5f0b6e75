"""Kinds of events that the outside appends."""

from datetime import datetime

from pydantic import BaseModel

from raglan.core.timeline import EventPayload


class DeskHeld(EventPayload):
    """A person speaks to those outside from now on; nobody, when `person` is missing."""

    kind = "desk.held"
    incident: int
    person: int | None
    note: str
    held_since: datetime | None


class WordPromised(EventPayload):
    """The next word to those outside is promised for a time, or for none."""

    kind = "desk.promised"
    incident: int
    next_word_at: datetime | None


class WordLate(EventPayload):
    """The time of a promised word passed without it; whoever holds the desk was reminded."""

    kind = "desk.late"
    incident: int
    person: int | None
    reminded_at: datetime


class StateSaid(BaseModel):
    """How a component is, as an update says it."""

    component: int
    state: str


class UpdateSaid(EventPayload):
    """Those who wait were told something; the whole text is kept here."""

    kind = "status_update.said"
    update: int
    incident: int
    number: int
    key: str
    stage: str
    text: str
    person: int
    said_at: datetime
    next_word_at: datetime | None
    is_public: bool = False
    headline: str = ""
    states: list[StateSaid] = []


class UpdateWithdrawn(EventPayload):
    """A public update is on the status page no more. Who got it by mail or fed on it has it still."""

    kind = "status_update.withdrawn"
    update: int
    person: int
    withdrawn_at: datetime


class QuestionAsked(EventPayload):
    """Somebody outside the room wants to know something."""

    kind = "question.asked"
    question: int
    incident: int
    key: str
    text: str
    person: int
    asked_at: datetime


class QuestionPutOff(EventPayload):
    """A question is answered in the next update."""

    kind = "question.put_off"
    question: int
    person: int


class QuestionAnswered(EventPayload):
    """A question is answered, by words of its own or by an update."""

    kind = "question.answered"
    question: int
    answer: str
    person: int
    answered_at: datetime
    update: int | None


class StatusPageSet(EventPayload):
    """The status page is set up anew, on or off."""

    kind = "status_page.set"
    page: int
    is_on: bool
    title: str
    intro: str
    home_url: str
    address: str
    language: str
    zone: str
    word_hours: int
    uses_script: bool
    version: int
    takes_subscribers: bool = False


class ComponentSet(EventPayload):
    """A component of the status page is new, or changed."""

    kind = "component.set"
    component: int
    name: str
    group: str
    text: str
    position: int
    source: int | None
    quiet_min: int
    services: list[int]


class ComponentRemoved(EventPayload):
    """A component is not on the status page any more."""

    kind = "component.removed"
    component: int
    removed_at: datetime


class ComponentSaid(EventPayload):
    """Somebody said how a component is, apart from any incident."""

    kind = "component.said"
    component: int
    state: str
    person: int | None
    said_at: datetime


class WindowShown(EventPayload):
    """A maintenance window is shown on the status page, in these words."""

    kind = "public_window.shown"
    maintenance: int
    title: str
    text: str
    components: list[int]


class WindowHidden(EventPayload):
    """A maintenance window is not shown on the status page any more."""

    kind = "public_window.hidden"
    maintenance: int


class TargetSet(EventPayload):
    """The status page is pushed to one more place from now on. Its secret is not told."""

    kind = "status_target.set"
    target: int
    target_kind: str
    name: str
    settings: dict[str, str]
    has_secret: bool
    every_min: int
    created_at: datetime


class TargetEnded(EventPayload):
    """The status page is pushed to a place no more."""

    kind = "status_target.ended"
    target: int
    ended_at: datetime


class Published(EventPayload):
    """The status page got to a place again, or for the first time. Later times are not told one by one."""

    kind = "status_target.published"
    target: int
    published_at: datetime


class NotPublished(EventPayload):
    """The status page could not be brought to a place; what stands there grows old, and says so."""

    kind = "status_target.not_published"
    target: int
    problem: str
    failing_since: datetime


class SubscriberConfirmed(EventPayload):
    """Somebody is told of public updates from now on. Addresses never stand in events."""

    kind = "subscriber.confirmed"
    subscriber: int
    subscriber_kind: str


class SubscriberLeft(EventPayload):
    """Somebody is told no more, and is forgotten; `why` says by whose wish."""

    kind = "subscriber.left"
    subscriber: int
    why: str


class NewsSpread(EventPayload):
    """An update is on its way to so many subscribers."""

    kind = "status_update.spread"
    update: int
    subscribers: int


class WordingSet(EventPayload):
    """Words that an update can begin with are new, or changed."""

    kind = "wording.set"
    wording: int
    name: str
    stage: str
    headline: str
    text: str


class WordingRemoved(EventPayload):
    """Words that an update could begin with are offered no more."""

    kind = "wording.removed"
    wording: int
    removed_at: datetime
