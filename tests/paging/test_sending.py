"""Messages that are plain posts: several on their way from one thread leave behind what each would alone."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from raglan.core import http, posts, timeline, timers
from raglan.core.faults import Crash, crash_at, record
from raglan.core.models import Timer
from raglan.integrations.webhook.channel import Webhook
from raglan.paging import actions, circuit, delivery, desk, handing, ports, sending
from raglan.paging import claimed as claims
from raglan.paging.models import Notification, Page
from raglan.people.models import ContactMethod
from raglan.testing import world
from tests.core.test_exchange import ANSWERS
from tests.core.test_posts import lines
from tests.support.receiver import TAKEN, Receiver, receiving

COUNT = 4
REFUSED = b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"
WITHOUT_KEYS = ("notification", "handed_over_at", "person")


pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(handing, "LONGEST_S", 3600.0)  # the other thread does not see what a test has not committed
    monkeypatch.setattr(desk, "PATIENCE_S", 3600.0)
    circuit.forget()
    with receiving(monkeypatch.setattr) as there:
        yield there


def paged(receiver: Receiver) -> list[Page]:
    """Page some people by webhooks of one receiver."""
    pages = []
    for number in range(COUNT):
        someone = world.person()
        world.mail_of(someone).delete()
        world.way(someone, ContactMethod.Kind.WEBHOOK, f"{receiver.url}/{number}")
        pages.append(actions.start(world.policy((1800, [someone])), actions.Words("Down"), reason=actions.Reason()))
    for due in timers.claim(50, pool=Timer.Pool.WORK):
        timers.fire(due)
    return pages


def due() -> list[timers.Due]:
    return timers.claim(50, pool=Timer.Pool.NETWORK, several=True)


def left_behind(pages: list[Page]) -> list[object]:
    rows = Notification.objects.filter(page__in=pages).order_by("page_id")
    told = [
        (event.kind, {name: value for name, value in event.data.items() if name not in WITHOUT_KEYS})
        for page in pages
        for event in timeline.about(page)
        if event.kind.startswith("notification.")
    ]
    kept = [
        (row.state, row.attempts, row.may_repeat, row.error, row.provider, bool(row.handed_over_at)) for row in rows
    ]
    again = [(timer.attempts, timer.payload) for timer in Timer.objects.filter(kind=actions.DELIVER).order_by("pk")]
    lanes = [(lane.name, lane.failures, lane.handed_over, lane.failed, lane.in_flight) for lane in circuit.lanes()]
    return [told, kept, again, lanes]


@pytest.mark.parametrize("said", [TAKEN, REFUSED, BUSY, b""], ids=["taken", "refused", "busy", "nothing"])
def test_they_leave_behind_what_they_would_leave_behind_alone(receiver: Receiver, said: bytes) -> None:
    found = []
    for is_alone in (False, True):
        circuit.forget()
        http.kept.forget()
        pages = paged(receiver)
        lines(receiver, 3)
        receiver.says = lambda body: said
        dues = due()
        if is_alone:
            for one in dues:
                delivery.deliver(one)
                timers.end([one.id])
        else:
            assert timers.fire_together(dues) == []
        assert len(receiver.came) == COUNT
        found.append(left_behind(pages))
        Timer.objects.all().delete()

    assert found[0] == found[1]


@pytest.mark.parametrize("is_alone", [False, True], ids=["together", "alone"])
@pytest.mark.parametrize("takes_answers", [False, True])
def test_what_brings_answers_is_made_for_a_channel_that_takes_them(
    receiver: Receiver, takes_answers: bool, is_alone: bool
) -> None:
    (webhook,) = ports.providers("webhook")
    given: list[ports.Message] = []

    class Own(type(webhook.channel)):  # type: ignore[misc]  # whatever class it has
        def post_of(self, address: str, message: ports.Message) -> posts.Post:
            given.append(message)
            return super().post_of(address, message)  # type: ignore[no-any-return]

    Own.takes_answers = takes_answers
    paged(receiver)
    with ports.only(Own()):
        if is_alone:
            for one in due():
                delivery.deliver(one)
        else:
            assert timers.fire_together(due()) == []

    assert len(given) == COUNT
    assert all(message.link for message in given)
    assert {bool(message.token) for message in given} == {takes_answers}
    assert {bool(message.have_url) for message in given} == {takes_answers}
    assert {bool(message.pass_url) for message in given} == {takes_answers}
    assert not any(message.is_word for message in given)


def test_several_are_on_their_way_at_once_and_never_more_than_their_lane_has_places(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "PLACES", 2)
    paged(receiver)
    lines(receiver, 4)
    most, meet = [0], threading.Barrier(2)

    def says(body: bytes) -> bytes:
        most[0] = max(most[0], *(len(lane.in_flight) for lane in circuit.lanes()))
        if len(receiver.came) <= 2 * (COUNT // 2):
            meet.wait(10)  # the first is not answered before the second is written
        return TAKEN

    receiver.says = says

    assert timers.fire_together(due()) == []

    assert most == [2]
    assert [lane.in_flight for lane in circuit.lanes()] == [[]]
    assert {row.state for row in Notification.objects.all()} == {"handed_over"}


def test_one_whose_answer_breaks_us_is_left_to_be_tried_alone_as_a_possible_repeat(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    paged(receiver)
    lines(receiver, 3)
    real, calls = sending._receipt_of, [0]

    def breaks(*given: object) -> object:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("a fault of our own")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "_receipt_of", breaks)

    (left,) = timers.fire_together(due())
    timers.fire(left)

    assert [lane.in_flight for lane in circuit.lanes()] == [[]]
    assert sorted(Notification.objects.values_list("state", "may_repeat")) == [
        *[("handed_over", False)] * (COUNT - 1),
        ("handed_over", True),
    ]


def test_a_channel_that_breaks_when_it_is_asked_where_takes_no_other_message_with_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    paged(receiver)
    lines(receiver, 1)
    real = Webhook.url_of

    def breaks(self: Webhook, address: str) -> str:
        if address.endswith("/2"):
            raise RuntimeError("a fault of the channel")
        return real(self, address)

    monkeypatch.setattr(Webhook, "lane", lambda self, address: address.rpartition("/")[2])
    monkeypatch.setattr(Webhook, "url_of", breaks)

    (left,) = timers.fire_together(due())

    assert Notification.objects.get(pk=left.subject_id).address.endswith("/2")
    states = [row.state for row in Notification.objects.order_by("address")]
    assert states == ["handed_over", "handed_over", "sending", "handed_over"]


def test_wherever_the_process_dies_none_is_lost_and_each_copy_more_is_marked(receiver: Receiver) -> None:
    pages = paged(receiver)
    lines(receiver, 3)
    with record() as reached:
        assert timers.fire_together(due()) == []
        names = list(reached)
    assert names.count("http.before_send") == names.count("deliver.sent") == COUNT

    for place, _ in enumerate(names, start=1):
        Page.objects.filter(pk__in=[page.pk for page in pages]).update(state=Page.State.RESOLVED)
        pages = paged(receiver)
        receiver.came.clear()
        with crash_at(place), pytest.raises(Crash):
            timers.fire_together(due())
        circuit.forget()
        claims.forget()
        timers.release()

        if left := due():  # nothing is, where it died after all was recorded
            for one in timers.fire_together(left):
                timers.fire(one)

        states = set(Notification.objects.filter(page__in=pages).values_list("state", flat=True))
        bodies = [body for body in receiver.bodies if body != b"warm"]
        unmarked = [body for body in bodies if b'"may_be_a_repeat":false' in body]
        assert states == {"handed_over"}, names[place - 1]
        assert len({body.partition(b'"page":')[2].partition(b",")[0] for body in bodies}) == COUNT
        assert len(unmarked) <= COUNT
        assert len(bodies) <= 2 * COUNT


def page_by(*addresses: str) -> None:
    """Page a person by each of these addresses."""
    for address in addresses:
        someone = world.person()
        world.mail_of(someone).delete()
        world.way(someone, ContactMethod.Kind.WEBHOOK, address)
        actions.start(world.policy((1800, [someone])), actions.Words("Down"), reason=actions.Reason())
    for one in timers.claim(50, pool=Timer.Pool.WORK):
        timers.fire(one)


def test_what_is_on_its_way_to_one_receiver_does_not_wait_for_another(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no connection that was kept has to be waited for: it begins when all others have ended."""
    other = Receiver()
    monkeypatch.setattr(Webhook, "lane", lambda self, address: address.rpartition(":")[2].partition("/")[0])
    page_by(f"{receiver.url}/1", f"{other.url}/2", f"{receiver.url}/3")
    lines(receiver, 2)
    said: list[str] = []
    meet = threading.Barrier(2)

    def here(body: bytes) -> bytes:
        meet.wait(10)
        said.append("here")
        return TAKEN

    def there(body: bytes) -> bytes:
        said.append(f"there, {sum(len(lane.in_flight) for lane in circuit.lanes())} on their way")
        return TAKEN

    receiver.says, other.says = here, there

    assert timers.fire_together(due()) == []
    other.close()

    assert said == ["here", "here", "there, 1 on their way"]
    assert {row.state for row in Notification.objects.all()} == {"handed_over"}


def test_one_that_has_to_wait_can_be_taken_by_another_thread(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Receiver()
    monkeypatch.setattr(Webhook, "lane", lambda self, address: address.rpartition(":")[2].partition("/")[0])
    page_by(f"{receiver.url}/1", f"{other.url}/2")
    lines(receiver, 1)
    given: list[Callable[[], None]] = []

    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        given.append(do)
        return lambda: None

    monkeypatch.setattr(handing, "relief", relief)
    collect = sending._Go.collect

    def after_half_a_second(self: sending._Go, wait_s: float) -> None:
        if given:
            given.pop()()
        collect(self, wait_s)

    monkeypatch.setattr(sending._Go, "collect", after_half_a_second)

    assert timers.fire_together(due()) == []
    other.close()

    assert [row.state for row in Notification.objects.order_by("pk")] == ["handed_over", "waiting"]
    assert (len(receiver.came), len(other.came)) == (1, 0)


def test_only_what_is_known_by_heart_and_is_for_one_receiver_meets_at_its_desk(receiver: Receiver) -> None:
    page_by(f"{receiver.url}/1", f"{receiver.url}/2", "http://hooks.example.test/3")
    dues = due()
    assert claims.lane_of(dues[:2]) == ""

    claims._remember(list(Notification.objects.select_related("page")))

    assert claims.lane_of(dues[:2]) == f"webhook {receiver.url.removeprefix('http://').partition('/')[0]}"
    assert claims.lane_of(dues) == ""
    lines(receiver, 2)
    assert timers.fire_together(dues[:2]) == []
    assert len(receiver.came) == 2
    claims.forget()


def test_a_receiver_whose_places_are_taken_lets_those_for_others_begin(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Receiver()
    monkeypatch.setattr(circuit, "PLACES", 1)
    monkeypatch.setattr(Webhook, "lane", lambda self, address: address.rpartition(":")[2].partition("/")[0])
    page_by(f"{receiver.url}/1", f"{receiver.url}/2", f"{other.url}/3", f"{receiver.url}/4")
    lines(receiver, 1)
    lines(other, 1)
    came, waited = threading.Event(), []

    def here(body: bytes) -> bytes:
        waited.append(came.wait(10))
        return TAKEN

    def there(body: bytes) -> bytes:
        came.set()
        return TAKEN

    receiver.says, other.says = here, there

    assert timers.fire_together(due()) == []
    other.close()

    assert waited == [True] * 3
    pages = [body.partition(b'"page":')[2].partition(b",")[0] for body in receiver.bodies]
    assert pages == sorted(pages, key=int)  # those for one receiver stay in order


def test_an_odd_answer_of_one_receiver_is_read_while_another_hangs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Receiver()
    monkeypatch.setattr(Webhook, "lane", lambda self, address: address.rpartition(":")[2].partition("/")[0])
    page_by(f"{receiver.url}/1", f"{other.url}/2")
    lines(receiver, 1)
    lines(other, 1)
    was_read, waited = threading.Event(), []
    real = sending._receipt_of

    def receipt_of(item: sending.Ready, result: object) -> object:
        if item.notification.address.startswith(receiver.url):
            was_read.set()
        return real(item, result)  # type: ignore[arg-type]

    def hangs(body: bytes) -> bytes:
        waited.append(was_read.wait(8))
        return TAKEN

    monkeypatch.setattr(sending, "_receipt_of", receipt_of)
    receiver.says, other.says = (lambda body: ANSWERS["in chunks"]), hangs

    assert timers.fire_together(due()) == []
    other.close()

    assert waited == [True]
    assert {row.state for row in Notification.objects.all()} == {"handed_over"}


@pytest.fixture
def strangers(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver in a lane of its own, with no connection that is kept; a message goes to it, and one to the other."""
    other = Receiver()
    monkeypatch.setattr(Webhook, "lane", lambda self, address: address.rpartition(":")[2].partition("/")[0])
    page_by(f"{receiver.url}/1", f"{other.url}/2")
    lines(receiver, 1)
    yield other
    other.close()


def test_one_that_was_looked_at_when_relief_came_is_given_back_too(
    strangers: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Callable[[], None]] = []

    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        given.append(do)
        return lambda: None

    begin = sending._Go.begin

    def begin_late(self: sending._Go, item: sending.Ready) -> bool:
        if self.on_way and given:
            given.pop()()
        return begin(self, item)

    monkeypatch.setattr(handing, "relief", relief)
    monkeypatch.setattr(sending._Go, "begin", begin_late)

    assert timers.fire_together(due()) == []

    rows = Notification.objects.order_by("pk")
    assert [(row.state, row.attempts) for row in rows] == [("handed_over", 1), ("waiting", 0)]
    assert strangers.came == []
    assert Timer.objects.filter(kind=actions.DELIVER, leased_until=None).count() == 1


@pytest.mark.parametrize("comes", ["before", "after"])
def test_one_whose_lane_came_to_rest_does_not_wait_for_what_is_on_its_way_elsewhere(
    strangers: Receiver, monkeypatch: pytest.MonkeyPatch, comes: str
) -> None:
    """Whether the go's relief comes before it is looked at or after."""
    given: list[Callable[[], None]] = []
    seen: list[list[str]] = []

    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        given.append(do)
        return lambda: None

    def rests(name: str, address: str) -> object:
        if comes == "before":
            given.pop()()
        raise circuit.Resting("left alone", timedelta(seconds=10))

    collect = sending._Go.collect

    def collects(self: sending._Go, wait_s: float) -> None:
        if given:
            given.pop()()
        seen.append([row.state for row in Notification.objects.order_by("pk")])
        collect(self, wait_s)

    lines(strangers, 1)
    monkeypatch.setattr(handing, "relief", relief)
    monkeypatch.setattr(circuit, "enter_at_once", rests)
    monkeypatch.setattr(sending._Go, "collect", collects)

    assert timers.fire_together(due()) == []

    assert seen[0] == ["sending", "waiting"]
    rows = Notification.objects.order_by("pk")
    assert [(row.state, row.attempts) for row in rows] == [("handed_over", 1), ("waiting", 0)]
    assert Timer.objects.filter(kind=actions.DELIVER, leased_until=None).count() == 1


def test_one_that_can_not_be_given_back_is_tried_so_once_and_done_alone_then(
    strangers: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def fails(ids: object) -> None:
        tried.append(ids)
        raise RuntimeError("a fault of our own")

    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    begin = sending._Go.begin

    def begin_late(self: sending._Go, item: sending.Ready) -> bool:
        self._went.is_relieved = bool(self.on_way)
        return begin(self, item)

    monkeypatch.setattr(handing, "relief", relief)
    monkeypatch.setattr(sending._Go, "begin", begin_late)
    monkeypatch.setattr(timers, "give_back", fails)

    (left,) = timers.fire_together(due())

    assert len(tried) == 1
    row = Notification.objects.get(pk=left.subject_id)
    assert (row.state, row.attempts) == ("waiting", 0)


@pytest.mark.parametrize("seems", [False, True], ids=["no line", "a line that is gone"])
def test_the_words_of_one_that_is_put_off_are_made_once(
    strangers: Receiver, monkeypatch: pytest.MonkeyPatch, *, seems: bool
) -> None:
    made, steps = [], []
    real, collect = sending.Words.message_of, sending._Go.collect

    def message_of(*given: object, **named: object) -> object:
        made.append(1)
        return real(*given, **named)  # type: ignore[arg-type]

    def collects(self: sending._Go, wait_s: float) -> None:
        steps.append(len(made))
        collect(self, wait_s)

    monkeypatch.setattr(sending.Words, "message_of", message_of)
    monkeypatch.setattr(sending._Go, "collect", collects)
    if seems:
        monkeypatch.setattr(sending.posts, "has_line", lambda url: True)

    assert timers.fire_together(due()) == []

    assert steps[0] == (2 if seems else 1)
    assert (len(made), len(strangers.came)) == (2, 1)


def test_a_lane_that_comes_back_keeps_its_one_try_when_that_is_put_off(
    strangers: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending.posts, "has_line", lambda url: True)
    name = f"webhook {strangers.url.rpartition(':')[2].partition('/')[0]}"
    circuit._lanes[name] = circuit.Lane(name=name, failures=circuit.FAILURES, last_error="it said no")

    assert timers.fire_together(due()) == []

    assert {row.state for row in Notification.objects.all()} == {"handed_over"}
    lane = circuit._lanes[name]
    assert (lane.failures, lane.closed_until, lane.in_flight) == (0, None, [])


def test_one_that_is_taken_while_another_thread_takes_too_is_found() -> None:
    """Comparing runs no code between which the other thread could have its turn."""
    went = sending.Went()

    class Meddling:
        def __eq__(self, other: object) -> bool:
            went.waiting.popleft()
            return False

        __hash__ = None  # type: ignore[assignment]

    def ready(lane: str) -> sending.Ready:
        return sending.Ready(None, Meddling(), None, lane)  # type: ignore[arg-type]

    first, second, third = (ready(lane) for lane in ("full", "full", "free"))
    went.waiting.extend([first, second, third])

    assert went.next({"full"}) is third
    assert list(went.waiting) == [first, second]
