"""What a gateway says is of the address that was asked, until several addresses of its server fail so."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from raglan.core.clock import CLOCK, now
from raglan.core.errors import DeliveryError
from raglan.paging import channel_views, circuit, ports
from raglan.paging.models import Notification
from raglan.testing import world

pytestmark = pytest.mark.usefixtures("time_stands")
LANE = "webhook hooks.example.test"


def gateway(status: int = 502) -> DeliveryError:
    return DeliveryError(f"the webhook answered {status}", permanent=False, is_of_gateway=True)


def away() -> DeliveryError:
    return DeliveryError("it could not be reached", permanent=False)


def ask(address: str, error: DeliveryError | None = None) -> str:
    """Hand one over and return what came of it: taken, failed, or that it rests."""
    try:
        with circuit.hand_over(LANE, address):
            if error is not None:
                raise error
    except circuit.Resting:
        return "rests"
    except DeliveryError:
        return "failed"
    return "taken"


def fail(address: str, times: int = circuit.FAILURES) -> None:
    for _ in range(times):
        assert ask(address, gateway()) == "failed"


def test_an_address_whose_backend_is_away_rests_alone() -> None:
    fail("/broken")

    assert ask("/broken") == "rests"
    assert circuit.rests(LANE, "/broken")
    assert not circuit.rests(LANE)
    assert ask("/well") == "taken"


def test_it_rests_however_well_its_neighbours_do() -> None:
    for _ in range(circuit.FAILURES):
        assert ask("/broken", gateway()) == "failed"
        assert ask("/well") == "taken"

    assert ask("/broken") == "rests"
    assert ask("/well") == "taken"


def test_after_its_rest_one_message_tries_it_and_the_others_wait() -> None:
    fail("/broken")
    CLOCK.move(circuit.REST)

    entered = circuit.enter(LANE, "/broken")
    assert ask("/broken") == "rests"
    assert ask("/well") == "taken"
    circuit.leave(LANE, entered, gateway(), "/broken")
    CLOCK.move(circuit.REST)
    assert ask("/broken") == "rests"  # for longer each time
    CLOCK.move(circuit.REST)
    assert ask("/broken") == "taken"
    assert ask("/broken") == "taken"


def test_the_one_that_was_to_try_it_and_did_not_leaves_that_to_another() -> None:
    fail("/broken")
    CLOCK.move(circuit.REST)

    circuit.back_out(LANE, circuit.enter(LANE, "/broken"), "/broken")

    assert ask("/broken") == "taken"


def test_several_addresses_that_fail_so_let_their_server_rest() -> None:
    for address in ("/1", "/2", "/3", "/1"):
        fail(address, 1)
    assert not circuit.rests(LANE)

    fail("/2", 1)

    assert circuit.rests(LANE)
    assert [ask(address) for address in ("/1", "/well")] == ["rests", "rests"]


def test_one_that_is_well_in_between_keeps_the_server() -> None:
    for address in ("/1", "/2", "/3", "/1"):
        fail(address, 1)
    assert ask("/well") == "taken"

    fail("/2", 1)

    assert not circuit.rests(LANE)


def test_failures_of_long_ago_are_no_matter_of_the_server() -> None:
    for address in ("/1", "/2", "/3", "/1"):
        fail(address, 1)
    CLOCK.move(circuit.LATELY + timedelta(seconds=1))

    fail("/2", 1)

    assert not circuit.rests(LANE)


def test_after_the_rest_of_the_server_each_address_may_try() -> None:
    """Which of them is well nobody knows: one that stays broken must not hold up the others again and again."""
    for address in ("/1", "/2", "/3", "/1", "/2"):
        fail(address, 1)
    CLOCK.move(circuit.REST)

    entered = circuit.enter(LANE, "/1")
    assert ask("/well") == "taken"
    circuit.leave(LANE, entered, gateway(), "/1")
    assert ask("/well") == "taken"


def test_a_server_that_can_not_be_reached_rests_whatever_the_address() -> None:
    for number in range(circuit.FAILURES):
        assert ask(f"/{number % 2}", away()) == "failed"

    assert circuit.rests(LANE)
    assert ask("/well") == "rests"


@pytest.mark.parametrize("error", [gateway(), DeliveryError("500", permanent=False, is_of_address=True)])
def test_an_answer_of_any_kind_shows_that_the_server_is_back(error: DeliveryError) -> None:
    for _ in range(circuit.FAILURES):
        ask("/broken", away())
    CLOCK.move(circuit.REST)

    assert ask("/broken", error) == "failed"

    assert ask("/well") == "taken"


def test_a_server_that_is_away_rests_also_where_a_gateway_answers_in_between() -> None:
    found = []
    for number in range(40):
        CLOCK.move(timedelta(seconds=1))
        found.append(ask(f"/{number % 2}", away() if number % 3 else gateway()))

    assert found.index("rests") <= 2 * circuit.FAILURES
    assert found.count("failed") < 20


def test_whoever_tries_a_server_after_its_rest_and_meets_a_gateway_leaves_that_to_another() -> None:
    for _ in range(circuit.FAILURES):
        ask("/1", away())
    CLOCK.move(circuit.REST)

    assert ask("/2", gateway()) == "failed"
    assert ask("/1", away()) == "failed"

    assert ask("/1") == "rests"
    CLOCK.move(circuit.REST)
    assert ask("/1") == "rests"  # for longer than the first time
    CLOCK.move(circuit.REST)
    assert ask("/1") == "taken"


def test_an_address_behind_a_gateway_rests_also_where_it_is_not_reached_in_between() -> None:
    for _ in range(circuit.FAILURES):
        assert ask("/broken", gateway()) == "failed"
        assert ask("/well") == "taken"
        if not circuit.rests(LANE, "/broken"):
            assert ask("/broken", away()) == "failed"
        assert ask("/well") == "taken"

    assert ask("/broken") == "rests"
    assert ask("/well") == "taken"


@pytest.mark.parametrize(
    "error", [DeliveryError("410", permanent=True), DeliveryError("500", permanent=False, is_of_address=True)]
)
def test_an_address_that_answers_itself_again_is_forgotten(error: DeliveryError) -> None:
    fail("/back", circuit.FAILURES - 1)
    assert ask("/back", error) == "failed"

    fail("/back", 1)

    assert ask("/back") == "taken"


def test_what_is_remembered_of_addresses_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "MOST_BEHIND", 3)
    for number in range(9):
        fail(f"/{number}", 1)
        CLOCK.move(circuit.LATELY)

    assert list(circuit.lanes()[0].behind) == ["/6", "/7", "/8"]


class Hooks:
    """A server of which some addresses have nothing behind them."""

    kind = "webhook"

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.came: list[str] = []

    def check(self, address: str) -> None:
        """Take every address."""

    def lane(self, address: str) -> str:
        return "hooks.example.test"

    def send(self, address: str, message: ports.Message) -> ports.Receipt:
        self.came.append(address)
        if address in self.broken:
            raise gateway(503)
        return ports.Receipt()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    found = Hooks()
    with ports.only(found):
        yield found


@pytest.fixture
def page_by() -> Callable[[str], None]:
    def page(address: str) -> None:
        someone = world.person(f"Somebody at {address}")
        world.mail_of(someone).delete()
        world.way(someone, "webhook", address)
        world.page(world.policy((6000, [someone])))

    return page


@pytest.mark.django_db
def test_pages_to_others_of_the_server_go_out_while_one_address_rests(
    hooks: Hooks, page_by: Callable[[str], None]
) -> None:
    hooks.broken = {"https://hooks.example.test/1"}
    for _ in range(circuit.FAILURES):
        page_by("https://hooks.example.test/1")
    page_by("https://hooks.example.test/1")
    assert len(hooks.came) == circuit.FAILURES

    page_by("https://hooks.example.test/2")

    assert hooks.came[-1] == "https://hooks.example.test/2"
    waiting = Notification.objects.order_by("pk").values_list("state", "attempts")
    assert list(waiting)[-2:] == [("waiting", 0), ("handed_over", 1)]

    shown = next(row for row in channel_views.rows() if row.channel == "webhook")
    assert (shown.resting, shown.addresses) == ([], 1)
    assert shown.lanes[0].failed_at is not None
    assert shown.lanes[0].failed_at <= now()
