"""A step of a policy tells a room in chat: what, how bad, why there, what is next; people take the page there."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from raglan.chat import actions, queries, sending, steps
from raglan.chat.actions import line_to
from raglan.chat.models import Post, Room, Workspace
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput
from raglan.core.models import Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.paging import actions as paging
from raglan.paging import chat_ready, coming, foresight, policies, returning
from raglan.paging import queries as pages
from raglan.paging.models import ChatCall, Page, Policy
from raglan.paging.plan import Target
from raglan.paging.timers import READINESS
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db
ROOM = "#operations"
REST = paging.Via.REST


def told(chat: Workspace, *people: Person, room: str = ROOM, wait_s: int = 300) -> Policy:
    """A policy whose first step tells a room beside people, and whose second asks them again."""
    asked = tuple(world.target(person) for person in people)
    first = paging.StepDraft(wait_s, (*asked[:1], Target("chat", chat.pk, room=room)))
    return world.policy_of(first, paging.StepDraft(wait_s, asked), slug="web")


@pytest.fixture
def page(chat: Workspace, mara: Person, bo: Person) -> Page:
    """A page whose first step asks Mara and tells the room."""
    started = world.page(told(chat, mara, bo))
    send(chat)
    world.fire_all()
    return started


def lines(there: memory.There, room: str = ROOM) -> list[str]:
    return there.rooms.get(room, [])


def said(chat: Workspace, there: memory.There, author: str, text: str, **more: object) -> list[str]:
    """Write in the room; return what then stands there that did not before."""
    before = len(lines(there))
    memory.write(chat, ROOM, author, text, **more)
    send(chat)
    return lines(there)[before:]


def call() -> ChatCall:
    return ChatCall.objects.get()


def test_the_room_is_told_what_how_bad_since_when_why_and_what_comes_next(page: Page, there: memory.There) -> None:
    (line,) = lines(there)
    assert re.fullmatch(
        r"Page \(critical\): “Apache is not running on web-014”, since (\d\d \w+ )?\d\d:\d\d UTC\. "
        r"It comes here by step 1 of the policy web\. "
        r"If nobody answers, Mara Keller and Bo Silva are paged at (\d\d \w+ )?\d\d:\d\d UTC\. "
        rf"http\S+/pages/{page.pk}/ – whoever has it: !ack {page.pk}",
        line,
    )
    assert (call().state, call().attempts, call().may_repeat) == ("handed_over", 1, False)


def test_it_has_a_button_where_there_are_some_and_a_sign(page: Page) -> None:
    post = Post.objects.get(key=f"step-{call().pk}-{page.pk}")
    assert steps.call_of(post) == call().pk
    assert sending.answers_of(post) == [("I have it", f"ack {page.pk}")]


def test_whoever_is_known_takes_it_there_and_the_room_hears_it_once(
    page: Page, chat: Workspace, there: memory.There, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")

    heard = said(chat, there, "@bo", f"!ack {page.pk}")

    page.refresh_from_db()
    assert (page.state, page.acknowledged_by) == ("acknowledged", bo)
    assert heard == ["Bo Silva has “Apache is not running on web-014”."]


@pytest.mark.parametrize("sign", ["👍", "✅", "✋🏽"])
def test_a_sign_under_it_takes_it(page: Page, chat: Workspace, there: memory.There, bo: Person, sign: str) -> None:
    memory.known(chat, bo, "@bo")
    about = Post.objects.get(key=f"step-{call().pk}-{page.pk}").external_id

    heard = said(chat, there, "@bo", sign, kind=memory.ports.Kind.REACTION, about=about)

    page.refresh_from_db()
    assert page.acknowledged_by == bo
    assert heard == ["Bo Silva has “Apache is not running on web-014”."]


def test_a_sign_that_says_no_or_comes_late_takes_nothing(
    page: Page, chat: Workspace, there: memory.There, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")
    about = Post.objects.get(key=f"step-{call().pk}-{page.pk}").external_id
    sign = {"kind": memory.ports.Kind.REACTION, "about": about}
    late = {"at": page.created_at - timedelta(minutes=11)}
    Room.objects.update(opened_at=page.created_at - timedelta(hours=1))

    assert said(chat, there, "@bo", "👎", **sign) == said(chat, there, "@bo", "👍", **sign, **late) == []

    page.refresh_from_db()
    assert page.state == "triggered"


@pytest.mark.parametrize("how", ["sign", "command"])
def test_nobody_takes_it_whom_raglan_does_not_know(page: Page, chat: Workspace, there: memory.There, how: str) -> None:
    about = Post.objects.get(key=f"step-{call().pk}-{page.pk}").external_id
    more = {"kind": memory.ports.Kind.REACTION, "about": about} if how == "sign" else {}

    (answer,) = said(chat, there, "@eve", "👍" if how == "sign" else f"!ack {page.pk}", **more)

    page.refresh_from_db()
    assert page.state == "triggered"
    assert "I do not know who you are" in answer


def test_a_viewer_takes_nothing(page: Page, chat: Workspace, there: memory.There) -> None:
    memory.known(chat, world.person("Vi Ewer", role="viewer"), "@vi")
    said(chat, there, "@vi", f"!ack {page.pk}")
    page.refresh_from_db()
    assert page.state == "triggered"


Elsewhere = Callable[[Page, Person], object]


def acknowledged(page: Page, by: Person) -> None:
    paging.acknowledge(page, by=by, via=REST)
    paging.acknowledge(page, by=by, via=REST)


def snoozed(page: Page, by: Person) -> None:
    returning.snooze(page, until=page.created_at + timedelta(hours=1), by=by, via=REST)


def resolved(page: Page, by: Person) -> None:
    for _ in range(2):
        paging.resolve(page, why="over")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (acknowledged, "Bo Silva has it."),
        (snoozed, "Bo Silva has it until .+ UTC; then it comes back."),
        (resolved, "it is over."),
    ],
    ids=["acknowledged", "snoozed", "resolved"],
)
def test_what_becomes_of_it_elsewhere_is_told_once(
    page: Page, chat: Workspace, there: memory.There, bo: Person, act: Elsewhere, words: str
) -> None:
    act(page, bo)
    world.fire_all()
    send(chat)

    (line,) = lines(there)[1:]
    assert re.fullmatch(rf"Page: “Apache is not running on web-014”: {words} http\S+/pages/{page.pk}/", line)


def test_a_page_that_comes_back_is_told_as_one_that_waits_and_by_its_step(
    page: Page, chat: Workspace, there: memory.There, bo: Person
) -> None:
    paging.acknowledge(page, by=bo, via=REST)
    world.fire_all()
    returning.give_back(page, by=bo)
    world.fire_all()
    send(chat)

    after = lines(there)[1:]
    assert [line.partition(" http")[0] for line in after if "“Apache is not running on web-014”: " in line] == [
        "Page: “Apache is not running on web-014”: Bo Silva has it.",
        "Page: “Apache is not running on web-014”: it waits for somebody again, since Bo Silva gave it back.",
    ]
    assert sum("It comes here by step 1" in line for line in after) == 1


def test_taken_before_its_line_goes_out_the_room_hears_nothing(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    started = world.page(told(chat, mara, bo))
    paging.acknowledge(started, by=mara, via=REST)
    world.fire_all()
    send(chat)
    assert lines(there) == []
    assert call().state == "cancelled"
    assert Post.objects.get().state == Post.State.REFUSED


def test_taken_before_its_line_goes_out_and_before_anything_followed_from_that(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    started = world.page(told(chat, mara, bo))
    paging.acknowledge(started, by=mara, via=REST)
    send(chat)  # what follows from the acknowledgement has not run yet
    world.fire_all()
    send(chat)
    assert lines(there) == []
    assert call().state == "cancelled"


def test_taken_while_its_line_is_on_its_way_the_room_hears_who_has_it(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = world.page(told(chat, mara, bo))
    post = memory.MemoryLine.post

    def taken_meanwhile(line: memory.MemoryLine, room: str, words: memory.ports.Line) -> str:
        if Page.objects.get().state == "triggered":
            paging.acknowledge(started, by=mara, via=REST)
            world.fire_all()
        return post(line, room, words)

    monkeypatch.setattr(memory.MemoryLine, "post", taken_meanwhile)
    send(chat)
    send(chat)
    assert [line.partition(" http")[0] for line in lines(there)][1:] == [
        "Page: “Apache is not running on web-014”: Mara Keller has it."
    ]
    assert call().state == "handed_over"


def test_whoever_is_second_there_hears_who_was_first(
    page: Page, chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")
    paging.acknowledge(page, by=mara, via=REST)
    heard = said(chat, there, "@bo", f"!ack {page.pk}")
    page.refresh_from_db()
    assert page.acknowledged_by == mara
    assert "Mara Keller has it already. You can join them." in heard


def test_what_is_over_can_not_be_taken_there(page: Page, chat: Workspace, there: memory.There, bo: Person) -> None:
    memory.known(chat, bo, "@bo")
    paging.resolve(page, why="over")
    assert "“Apache is not running on web-014” is over." in said(chat, there, "@bo", f"!ack {page.pk}")


def test_a_policy_that_only_tells_is_refused(chat: Workspace) -> None:
    alone = paging.StepDraft(60, (Target("chat", chat.pk, room=ROOM),))
    with pytest.raises(BadInput, match="a room in chat alone wakes nobody"):
        world.policy_of(alone)
    with pytest.raises(BadInput, match="a room in chat alone wakes nobody"):
        world.policy_of(alone, paging.StepDraft(60, (Target("webhook", 0, "https://hooks.example.test/"),)))


@pytest.mark.parametrize(
    ("number", "room", "field"),
    [(0, ROOM, "id"), (1, "", "room"), (1, " ", "room"), (1, "a\nb", "room"), (1, "x" * 121, "room")],
)
def test_a_room_that_can_be_none_is_refused(chat: Workspace, mara: Person, number: int, room: str, field: str) -> None:
    wrong = Target("chat", chat.pk * number, room=room)
    with pytest.raises(BadInput) as refused:
        world.policy_of(paging.StepDraft(60, (world.target(mara), wrong)))
    assert refused.value.field == f"steps[0].targets[1].{field}"


def test_what_comes_next_names_what_is_told_where_that_is_all(chat: Workspace, mara: Person) -> None:
    alone = paging.StepDraft(600, (Target("chat", chat.pk, room=ROOM), Target("webhook", 0, "https://a.example.test/")))
    started = world.page(world.policy_of(paging.StepDraft(300, (world.target(mara),)), alone))
    both = "the room #operations in Team chat and a program at https://a.example.test/"
    assert coming.next_words(started, "at 12:00") == f"If nobody answers, {both} are told at 12:00."


def test_nobody_is_reached_by_it(chat: Workspace, there: memory.There, mara: Person) -> None:
    mara.contact_methods.all().delete()
    alone = paging.StepDraft(60, (Target("chat", chat.pk, room=ROOM),))
    step = paging.StepDraft(600, (world.target(mara), Target("chat", chat.pk, room=ROOM)))
    started = world.page(world.policy_of(alone, step, paging.StepDraft(600, (world.target(mara),))))
    assert (started.step, started.reached.count()) == (0, 0)  # a step that only tells has its wait

    world.fast_forward(timedelta(seconds=60))

    started.refresh_from_db()
    assert started.step == 2  # nobody of the second step can be reached, and its room keeps nobody waiting


def test_words_and_warnings_of_a_policy_name_it(chat: Workspace, there: memory.There, mara: Person) -> None:
    plan = pages.plan_of(told(chat, mara))
    assert foresight.words_of(plan)[0] == "At once: Mara Keller and the room #operations in Team chat."
    assert foresight.warnings(plan) == []

    there.refused.add(ROOM)
    world.fire_all()
    send(chat)
    assert foresight.warnings(plan) == [
        "Step 1 tells the room #operations in Team chat, which can not be told: there is no such room."
    ]

    actions.end(chat, actor="raglan")
    assert foresight.warnings(plan) == [
        "Step 1 tells the room #operations in a chat that is gone, which can not be told: it is not connected any more."
    ]


def test_a_room_is_entered_when_the_policy_is_saved(chat: Workspace, there: memory.There, mara: Person) -> None:
    told(chat, mara)
    world.fire_all()
    assert not queries.is_idle(chat)
    send(chat)
    assert list(there.rooms) == [ROOM]
    assert queries.is_idle(chat)


def test_a_room_that_is_not_there_is_said_on_the_page_and_tried_anew_by_the_next_step(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    there.refused.add(ROOM)
    policy = told(chat, mara, bo)
    world.page(policy)
    send(chat)
    assert (call().state, call().error) == ("failed", "there is no such room")

    there.refused.clear()
    world.page(policy)
    send(chat)
    assert ChatCall.objects.latest("pk").state == "handed_over"


def test_a_room_that_refuses_us_is_looked_for_anew(
    page: Page, chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    there.refused.add(ROOM)  # raglan was put out of it
    world.page(policy := Policy.objects.get(slug="web"))
    send(chat)
    assert ChatCall.objects.latest("pk").error == "you are not in this room"

    there.refused.clear()
    world.page(policy)
    send(chat)
    assert ChatCall.objects.latest("pk").state == "handed_over"


def test_a_step_that_asks_nobody_and_is_told_nowhere_is_followed_at_once(
    chat: Workspace, there: memory.There, mara: Person
) -> None:
    there.refused.add(ROOM)
    alone = paging.StepDraft(600, (Target("chat", chat.pk, room=ROOM),))
    started = world.page(world.policy_of(alone, paging.StepDraft(600, (world.target(mara),))))
    assert started.step == 0
    send(chat)
    world.fire_all()
    started.refresh_from_db()
    assert (started.step, started.reached.get().person) == (1, mara)


def test_a_platform_that_is_away_delays_nobody_and_is_given_up_with_its_reason(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    there.is_away = True
    started = world.page(told(chat, mara, bo))
    with pytest.raises(sending.DeliveryError):
        send(chat)
    assert [item.person for item in started.reached.all()] == [mara]
    assert (call().state, call().error) == ("waiting", "nobody answers")

    actions.note_away(chat, "nobody answers")
    world.fast_forward(timedelta(minutes=16))

    assert (call().state, call().error) == (
        "failed",
        "not told within 15 minutes: Team chat does not answer: nobody answers",
    )
    there.is_away = False
    send(chat)
    assert lines(there) == []
    assert bo in [item.person for item in started.reached.all()]


def test_a_platform_that_is_back_in_time_is_told_what_is_true_then(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    there.is_away = True
    world.page(told(chat, mara, bo))
    for _ in range(4):
        with pytest.raises(sending.DeliveryError):
            send(chat)
        world.fast_forward(timedelta(minutes=2))
    there.is_away = False
    send(chat)
    (line,) = lines(there)
    assert "this page counts as unanswered" in line  # its second step was taken meanwhile
    assert call().state == "handed_over"


def test_a_crash_between_sending_and_noting_it_sends_once_more_with_the_same_key_and_says_so(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.page(told(chat, mara, bo))
    keys = []
    post = memory.MemoryLine.post

    def dies(line: memory.MemoryLine, room: str, words: memory.ports.Line) -> str:
        keys.append((words.key, words.text.startswith("This may be a repeat.")))
        if len(keys) == 1:
            raise KeyboardInterrupt
        return post(line, room, words)

    monkeypatch.setattr(memory.MemoryLine, "post", dies)
    with pytest.raises(KeyboardInterrupt):
        send(chat)
    send(chat)
    assert [is_repeat for _, is_repeat in keys] == [False, True]
    assert len({key for key, _ in keys}) == 1
    assert (call().state, call().may_repeat) == ("handed_over", True)


@pytest.mark.parametrize("unknown", [True, False])
def test_a_line_whose_answer_was_lost_says_that_it_may_be_a_repeat(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch, unknown: bool
) -> None:
    world.page(told(chat, mara, bo))
    with monkeypatch.context() as patched:
        error = sending.DeliveryError("no answer", permanent=False, unknown=unknown)

        def lost(line: memory.MemoryLine, room: str, words: memory.ports.Line) -> str:
            raise error

        patched.setattr(memory.MemoryLine, "post", lost)
        with pytest.raises(sending.DeliveryError):
            send(chat)
    send(chat)
    assert lines(there)[0].startswith("Page (critical): This may be a repeat.") is unknown
    assert call().may_repeat is unknown


def test_a_running_page_keeps_its_room(page: Page, chat: Workspace, there: memory.There, mara: Person) -> None:
    told(chat, mara, room="#elsewhere")
    world.fire_all()
    returning.give_back(paging.acknowledge(page, by=mara, via=REST), by=mara)
    world.fire_all()
    send(chat)
    assert sum("It comes here by step 1" in line for line in lines(there)) == 2
    assert lines(there, "#elsewhere") == []


def test_the_lobby_may_be_told_too(there: memory.There, mara: Person, bo: Person) -> None:
    chat = memory.connect(lobby="#lobby")
    send(chat)
    world.page(told(chat, mara, bo, room="#lobby"))
    send(chat)
    assert len(lines(there, "#lobby")) == 1
    assert Room.objects.count() == 1


def test_two_names_of_one_room_are_one_room(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = memory.MemoryLine.find_room
    monkeypatch.setattr(memory.MemoryLine, "find_room", lambda line, name: find(line, f"#{name.strip('#')}"))
    for name in ("operations", ROOM):
        world.page(told(chat, mara, bo, room=name))
        send(chat)
    assert len(lines(there)) == 2
    assert Room.objects.get().external_id == ROOM


def test_the_room_of_an_incident_is_none_that_a_step_tells(
    chat: Workspace, there: memory.There, room: Room, mara: Person, bo: Person
) -> None:
    world.page(told(chat, mara, bo, room=room.external_id))
    send(chat)
    assert call().error == f"this is the room of incident {room.incident_id}"


def test_what_is_private_is_not_told(chat: Workspace, there: memory.There, mara: Person, bo: Person) -> None:
    private = incidents.make_private(incidents.declare("A key leaked", by=mara), "A key", by=mara)
    words = paging.Words("Key of web-014", severity="critical")
    reason = paging.Reason("incident", private.pk, f"/incidents/{private.pk}/")
    paging.start(told(chat, mara, bo), words, reason=reason)
    world.fire_all()
    send(chat)
    assert lines(there) == []
    assert call().error == "it is about a private incident, of which nothing is told in chat"


def test_what_became_private_after_it_was_told_is_told_no_further(
    chat: Workspace, there: memory.There, incident: Incident, mara: Person, bo: Person
) -> None:
    reason = paging.Reason("incident", incident.pk, f"/incidents/{incident.pk}/")
    started = paging.start(told(chat, mara, bo), paging.Words("Look"), reason=reason)
    world.fire_all()
    send(chat)
    incidents.make_private(incident, "A key leaked", by=mara)
    paging.resolve(started, why="over")
    world.fire_all()
    send(chat)
    assert len(lines(there)) == 1


def test_owners_hear_of_a_room_that_is_gone_once_in_daylight_and_it_is_tried_again(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    CLOCK.move(datetime(2027, 3, 1, 2, 0, tzinfo=UTC) - now())  # the night to a Monday
    ada = world.administrator("Ada Lamb")
    there.refused.add(ROOM)
    told(chat, mara, bo)
    world.fire_all()
    send(chat)

    assert (chat_ready.look(), chat_ready.look()) == (1, 0)

    page = Page.objects.get()
    assert (page.title, page.urgency) == ("Web tells a room in chat that can not be told", "low")
    assert page.text == "The room #operations in Team chat (there is no such room). People are paged as ever."
    world.fire_all()
    assert not page.reached.exists()
    world.fast_forward(timedelta(hours=8))
    assert {item.person for item in page.reached.all()} == {ada}
    there.refused.clear()
    send(chat)
    assert chat_ready.lost() == []


def test_owners_hear_of_it_each_third_day_as_of_people_who_can_not_be_reached(
    chat: Workspace, there: memory.There, mara: Person, outbox: world.Outbox
) -> None:
    CLOCK.move(datetime(2027, 3, 1, 7, 30, tzinfo=UTC) - now())  # a Monday
    world.administrator("Ada Lamb")
    there.refused.add(ROOM)
    told(chat, mara)
    world.fire_all()
    timers.schedule(READINESS, subject="paging", due_at=now())
    counts = []
    for _ in range(4):
        send(chat)  # in vain, once more
        world.fast_forward(timedelta(days=1))
        counts.append(Page.objects.filter(reason_type="chat_room").count())
    assert counts == [1, 1, 1, 2]


def test_owners_hear_at_once_of_a_chat_that_is_not_connected_any_more(
    chat: Workspace, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    told(chat, mara, bo)
    world.fire_all()
    actions.end(chat, actor="raglan")
    world.fire_all()
    page = Page.objects.get()
    assert "a chat that is gone (it is not connected any more)" in page.text

    world.page(Policy.objects.get(slug="web"))
    assert (call().state, call().error) == ("failed", "the chat can not be told: it is not connected any more")


def test_another_connection_keeps_what_waits_for_a_room(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    there.is_away = True
    world.page(told(chat, mara, bo))
    with pytest.raises(sending.DeliveryError):
        send(chat)
    draft = actions.Draft("Team chat", {"url": "https://chat.example.test", "token": "new"})
    actions.change(chat, draft, actor="raglan")
    there.is_away = False
    send(chat)
    assert len(lines(there)) == 1


def test_without_any_call_nothing_follows_from_pages(mara: Person) -> None:
    paging.acknowledge(world.page(world.policy((60, [mara]))), by=mara, via=REST)
    assert "tell_what_became" not in str(list(Timer.objects.values_list("kind", "payload")))


def test_pages_that_come_together_are_each_told(chat: Workspace, there: memory.There, mara: Person, bo: Person) -> None:
    policy = told(chat, mara, bo)
    for number in range(3):
        paging.start(policy, paging.Words(f"web-{number}"), reason=paging.Reason())
    world.fire_all()
    send(chat)
    assert sorted(line.partition("”")[0] for line in lines(there)) == [f"Page: “web-{n}" for n in range(3)]


def test_word_of_a_page_goes_before_the_backlog_of_an_incident(
    chat: Workspace, there: memory.There, incident: Incident, mara: Person, bo: Person
) -> None:
    send(chat)
    for number in range(sending.AT_ONCE + 5):
        incidents.post(incident, incidents.Said(Entry.Kind.NOTE, f"line {number}"), by=mara)
    world.page(told(chat, mara, bo))
    send(chat)
    there.takes = 1
    world.page(Policy.objects.get(slug="web"))
    with pytest.raises(sending.DeliveryError):
        send(chat)
    assert len(lines(there)) == 2


def test_a_draft_of_a_policy_says_what_it_would_tell(chat: Workspace, mara: Person) -> None:
    plan = policies.plan_from(
        [paging.StepDraft(60, (Target("chat", chat.pk, room=ROOM),))], repeat=0, choices=policies.Choices()
    )
    assert foresight.finds_nobody(plan) == []
    assert line_to(chat) is not None
