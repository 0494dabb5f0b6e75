"""People and programs are told of public updates: only who wants it, never twice, and after all pages."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from socket import socket

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client

from raglan.config import config
from raglan.core import limits, timers
from raglan.core.clock import CLOCK, now
from raglan.core.engine import NETWORK_THREADS
from raglan.core.errors import BadInput, Conflict, NotFound, Overloaded
from raglan.core.faults import Crash, crash_at
from raglan.core.models import Event, Timer
from raglan.core.signing import STATUS, signing_key
from raglan.incidents.models import Incident
from raglan.outside import components, desk, forgetting, queries, spreading, subscribing
from raglan.outside.components import PageDraft
from raglan.outside.desk import Word
from raglan.outside.models import Sending, StatusUpdate, Subscriber
from raglan.people import mail
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.fakes import Answer, Request, http_server
from tests.people.mailbox import Mailbox

Say = Callable[..., StatusUpdate]
State = Sending.State
ADDRESS = "vera@example.test"


@pytest.fixture(autouse=True)
def _on(mara: Person) -> None:
    caches[limits.CACHE].clear()
    page = PageDraft(True, "Loomhaven", address="https://status.example.test", takes_subscribers=True)
    components.set_page(page, seen_version=0, actor=mara)


@pytest.fixture
def say(room: Incident, bo: Person) -> Say:
    def said(text: str = "Pay later, please.", **more: object) -> StatusUpdate:
        word = Word("looking", text, is_public=True, headline="Buying is slow", **more)  # type: ignore[arg-type]  # by name
        return desk.say(room, word, by=bo)

    return said


def subscribe(address: str = ADDRESS) -> Subscriber:
    subscribing.ask(address)
    found = Subscriber.objects.get(address=address)
    return subscribing.confirm(subscribing._sign(found, subscribing.CONFIRM))


def move_every_clock(by: timedelta) -> None:
    """Move time as it passes, for caches too, which have a clock of their own."""
    CLOCK.move(by)
    with connection.cursor() as cursor:
        for row in (table["LOCATION"] for table in settings.CACHES.values()):
            cursor.execute(f"SELECT cache_key, expires FROM {row}")
            for key, expires in cursor.fetchall():
                ends = datetime.fromisoformat(str(expires)) - by
                cursor.execute(f"UPDATE {row} SET expires = %s WHERE cache_key = %s", [str(ends), key])


def at_the_start_of(length: timedelta) -> None:
    CLOCK.move(length - (now() - datetime.fromtimestamp(0, UTC)) % length)


def forget() -> None:
    forgetting.forget(timers.Due(0, forgetting.FORGET, "outside", now(), 1, {}))


def outbox() -> list[str]:
    return [one.state for one in Sending.objects.order_by("pk")]


def test_an_address_is_told_only_after_its_owner_pressed_the_button(mailbox: Mailbox, say: Say) -> None:
    public = Client()
    assert public.post("/status/subscribe/", {"address": ADDRESS}).status_code == 200
    world.fire_all()
    link = mailbox.link()
    assert "Yes, tell me" in public.get(link).content.decode()  # as a mail scanner would open it
    say()
    world.fire_all()
    assert len(mailbox.taken) == 1
    assert "You are told" in public.post(link).content.decode()
    say("It is over.")
    world.fire_all()
    to, mail = mailbox.taken[-1]
    assert (to, mail["Subject"]) == (ADDRESS, "Loomhaven: Buying is slow")
    assert "It is over." in mailbox.text()
    assert "https://status.example.test" in mailbox.text()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_mail_program_and_a_person_leave_by_the_link_and_the_address_is_forgotten(mailbox: Mailbox, say: Say) -> None:
    subscribe()
    say()
    world.fire_all()
    link = "/" + str(mailbox.taken[-1][1]["List-Unsubscribe"]).strip("<>").split("/", 3)[3]
    strict = Client(enforce_csrf_checks=True)
    assert "Tell me no more" in strict.get(link).content.decode()
    assert Subscriber.objects.count() == 1
    assert strict.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert strict.post(link).status_code == 200
    assert Subscriber.objects.count() == Sending.objects.count() == 0
    subscribe()
    strict.post(link)  # the link of an old mail, after coming back
    assert not Subscriber.objects.exists()
    assert not [event for event in Event.objects.all() if ADDRESS in json.dumps(event.data)]


@pytest.mark.parametrize("token", ["x", "abc.def", "vera.1.2"])
def test_links_that_were_not_signed_here_do_nothing(token: str) -> None:
    subscribe()
    public = Client()
    for path in (f"/status/confirm/{token}/", f"/status/leave/{token}/"):
        assert (public.get(path).status_code, public.post(path).status_code) == (404, 404)
    found = Subscriber.objects.get()
    leaving = subscribing._sign(found, subscribing.LEAVE)
    with pytest.raises(NotFound):
        subscribing.confirm(leaving)
    assert Subscriber.objects.count() == 1


def test_a_link_that_confirms_ends_after_three_days_and_the_address_with_it() -> None:
    subscribing.ask(ADDRESS)
    token = subscribing._sign(Subscriber.objects.get(), subscribing.CONFIRM)
    CLOCK.move(timedelta(days=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: now().timestamp())
        with pytest.raises(NotFound):
            subscribing.confirm(token)
    subscribing.ask("other@example.test")
    forget()
    assert [one.address for one in Subscriber.objects.all()] == ["other@example.test"]


def test_who_asks_again_and_again_gets_one_mail_and_learns_nothing(mailbox: Mailbox) -> None:
    public = Client()
    answers = {public.post("/status/subscribe/", {"address": ADDRESS.upper()}).content.count(b"notice") for _ in "123"}
    world.fire_all()
    assert len(mailbox.taken) == 1
    subscribing.confirm(mailbox.link().split("/")[3])
    answers.add(public.post("/status/subscribe/", {"address": ADDRESS}).content.count(b"notice"))
    world.fire_all()
    assert (len(mailbox.taken), len(answers)) == (1, 1)


def test_who_floods_is_stopped_by_client_and_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    public = Client()
    codes = [public.post("/status/subscribe/", {"address": f"a{n}@example.test"}).status_code for n in range(12)]
    assert codes == [200] * 10 + [503] * 2
    monkeypatch.setattr(subscribing, "MOST_AN_HOUR", 10)
    with pytest.raises(Overloaded):
        subscribing.ask("b@example.test")
    assert public.post("/status/subscribe/", {"address": "no address"}).status_code == 422


def test_a_known_address_is_answered_like_any_other_also_when_the_hour_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscribe()
    public, at = Client(), now()
    monkeypatch.setattr("raglan.ui.context.now", lambda: at)  # each screen shows the minute

    def answers() -> list[tuple[int, bytes]]:
        found = [public.post("/status/subscribe/", {"address": one}) for one in (ADDRESS, "new@example.test")]
        return [(one.status_code, one.content) for one in found]

    known, new = answers()
    assert known == new
    assert known[0] == 200
    monkeypatch.setattr(subscribing, "MOST_AN_HOUR", 1)
    known, new = answers()
    assert known == new
    assert b"Very many people" in known[1]


def test_an_address_gets_three_mails_a_day_with_pauses_between_and_although_it_is_forgotten(mailbox: Mailbox) -> None:
    at_the_start_of(timedelta(days=1))
    told = []
    for _ in range(8):
        subscribing.ask(ADDRESS)
        Subscriber.objects.all().delete()
        world.fire_all()
        told.append(len(mailbox.taken))
        move_every_clock(timedelta(hours=2))
    assert told == [1, 2, 3, 3, 3, 3, 3, 3]
    move_every_clock(timedelta(hours=9))
    subscribing.ask(ADDRESS)
    world.fire_all()
    assert len(mailbox.taken) == 4


def test_a_client_asks_ten_times_an_hour_with_pauses_between() -> None:
    at_the_start_of(timedelta(hours=1))
    public, codes = Client(), []
    for number, pause in enumerate([6] * 6 + [4] * 6):
        codes.append(public.post("/status/subscribe/", {"address": f"a{number}@example.test"}).status_code)
        move_every_clock(timedelta(minutes=pause))
    assert codes == [200] * 10 + [503] * 2
    assert public.post("/status/subscribe/", {"address": "b@example.test"}).status_code == 200


def test_a_client_of_ipv6_is_a_network_of_64_bits() -> None:
    public = Client()
    codes = [
        public.post("/status/subscribe/", {"address": f"a{n}@example.test"}, REMOTE_ADDR=f"2001:db8::{n:x}").status_code
        for n in range(1, 13)
    ]
    assert codes == [200] * 10 + [503] * 2
    other = public.post("/status/subscribe/", {"address": "b@example.test"}, REMOTE_ADDR="2001:db8:0:1::1")
    assert other.status_code == 200


@pytest.mark.parametrize("page", [PageDraft(False, "x", takes_subscribers=True), PageDraft(True, "x")])
def test_nobody_subscribes_while_that_is_off(mara: Person, page: PageDraft) -> None:
    components.set_page(page, seen_version=1, actor=mara)
    assert Client().get("/status/subscribe/").status_code == 404
    with pytest.raises(NotFound):
        subscribing.ask(ADDRESS)


def test_an_update_goes_to_each_once_however_often_the_engine_looks(mailbox: Mailbox, say: Say) -> None:
    for number in range(3):
        subscribe(f"a{number}@example.test")
    world.fire_all()
    mailbox.taken.clear()
    update = say()
    timers.schedule(
        spreading.SPREAD, subject=f"status_update:{update.pk}", due_at=now(), payload={"after": 0, "count": 0}
    )
    world.fast_forward(timedelta(minutes=10))
    assert sorted(to for to, _ in mailbox.taken) == [f"a{number}@example.test" for number in range(3)]
    assert outbox() == [State.SENT] * 3
    assert not Timer.objects.filter(kind=spreading.SEND).exists()


def test_a_server_that_is_away_is_tried_again_and_one_that_refuses_is_not(
    mailbox: Mailbox, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    world.fire_all()
    mailbox.taken.clear()
    mailbox.refuse = "451 later"
    say()
    world.fire_all()
    assert (outbox(), Sending.objects.get().problem) == ([State.WAITING], "refused with 451")
    mailbox.refuse = ""
    world.fast_forward(timedelta(minutes=2))
    assert (outbox(), len(mailbox.taken)) == ([State.SENT], 1)
    mailbox.refuse = "550 no such user"
    for number in range(3):
        say(str(number))
        world.fast_forward(timedelta(seconds=20))
    assert not Subscriber.objects.exists()  # refused three times


def test_what_became_of_messages_is_kept_for_90_days_and_what_waits_stays(mailbox: Mailbox, say: Say) -> None:
    subscribe()
    world.fire_all()
    said = [say(str(number)) for number in range(3)]
    world.fire_all()
    for one, state in zip(said, (State.SENT, State.GIVEN_UP, State.WAITING), strict=True):
        Sending.objects.filter(update=one).update(state=state, due_at=now() - timedelta(days=91))
    forget()
    assert outbox() == [State.WAITING]
    assert Subscriber.objects.count() == 1
    [planned] = Timer.objects.filter(kind=forgetting.FORGET)
    assert planned.due_at > now()


def test_no_more_go_out_in_a_minute_than_are_allowed(
    mailbox: Mailbox, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config(), "status_per_minute", 12)
    for number in range(5):
        subscribe(f"a{number}@example.test")
    world.fire_all()
    mailbox.taken.clear()
    say()
    world.fire_all()
    assert len(mailbox.taken) == 2  # in ten seconds
    world.fast_forward(timedelta(seconds=25))
    assert len(mailbox.taken) == 5


def test_pages_go_first(mailbox: Mailbox, say: Say) -> None:
    subscribe()
    world.fire_all()
    mailbox.taken.clear()
    say()
    [spread] = timers.claim(1)
    timers.fire(spread)
    page = timers.schedule("paging.deliver", subject="notification:0", due_at=now())
    spreading.send_due(timers.Due(0, spreading.SEND, spreading.SUBJECT, now(), 1, {}))
    assert mailbox.taken == []
    Timer.objects.filter(pk=page.pk).delete()
    timers.schedule("paging.audit", subject="paging", due_at=now())  # never sends, so nothing waits for it
    spreading.send_due(timers.Due(0, spreading.SEND, spreading.SUBJECT, now(), 1, {}))
    assert len(mailbox.taken) == 1


def test_a_page_goes_out_while_a_mail_server_that_never_greets_holds_the_confirmations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        monkeypatch.setattr(config(), "smtp_url", f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        for number in range(30):
            subscribing.ask(f"one{number}@example.test")
        hanging = timers.claim(NETWORK_THREADS, pool=Timer.Pool.NETWORK)
        assert [due.kind for due in hanging] == [mail.MAIL]  # one at a time, however many wait
        monkeypatch.setattr(config(), "send_deadline_s", 1)
        timers.fire(hanging[0])
        assert Timer.objects.filter(kind=mail.LATER).count() == 1
        for number in range(20):
            mail.write(f"one{number}@example.test", subject="x", text="x", about="people")
        others = timers.claim(NETWORK_THREADS, pool=Timer.Pool.NETWORK)
        assert len(others) == 1 + mail.LANES  # the mails that raglan's own people get have lanes, too
        timers.schedule("paging.deliver", subject="notification:0", due_at=now())
        [page] = timers.claim(NETWORK_THREADS, pool=Timer.Pool.NETWORK)
        assert page.kind == "paging.deliver"
        assert timers.HANDLERS[page.kind].first


def test_a_mail_that_is_tried_later_holds_nobody_up_in_its_lane(mailbox: Mailbox) -> None:
    mailbox.refuse = "451 later"
    subscribing.ask("first@example.test")
    timers.fire_due()
    mailbox.refuse = ""
    subscribing.ask("second@example.test")
    timers.fire_due()
    assert [address for address, _ in mailbox.taken] == ["second@example.test"]
    world.fast_forward(timedelta(minutes=2))
    assert [address for address, _ in mailbox.taken] == ["second@example.test", "first@example.test"]


@pytest.fixture
def program() -> Iterator[tuple[str, list[Request], list[int]]]:
    """A program that notes what it is told, and answers what it is told to."""
    told: list[Request] = []
    codes: list[int] = []

    def respond(request: Request) -> Answer:
        told.append(request)
        return Answer(codes.pop(0) if codes else 200)

    with http_server(respond) as url:
        yield f"{url}/news", told, codes


Program = tuple[str, list[Request], list[int]]


def test_a_program_gets_signed_json_with_a_key_that_stays(program: Program, say: Say, mara: Person) -> None:
    url, told, codes = program
    codes.append(503)
    subscribing.add_webhook(url, actor=mara)
    say(next_word=timedelta(minutes=20))
    world.fast_forward(timedelta(minutes=2))
    first, second = told
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    stamp, mac = (part.partition("=")[2] for part in second.headers["x-raglan-signature"].split(","))
    assert mac == hmac.new(signing_key(url, STATUS), f"{stamp}.".encode() + second.body, hashlib.sha256).hexdigest()
    body = json.loads(second.body)
    assert (body["headline"], body["stage"], body["may_be_a_repeat"]) == ("Buying is slow", "looking", True)
    assert outbox() == [State.SENT]


@pytest.mark.parametrize("place", ["outside.claimed", "outside.sent", "timers.network_done"])
def test_whatever_the_place_of_a_crash_nobody_is_told_twice(
    program: Program, mailbox: Mailbox, say: Say, mara: Person, place: str
) -> None:
    url, told, _ = program
    subscribe()
    world.fire_all()
    mailbox.taken.clear()
    subscribing.add_webhook(url, actor=mara)
    say()
    [spread] = timers.claim(1)
    timers.fire(spread)
    with crash_at(1, place) as plan, pytest.raises(Crash):
        world.fire_all()
    assert plan.struck
    timers.release()
    world.fast_forward(timedelta(minutes=10))
    assert len(mailbox.taken) == (0 if place == "outside.claimed" else 1)
    assert len({request.headers["idempotency-key"] for request in told}) == 1
    assert set(outbox()) <= {State.SENT, State.UNSURE}
    assert queries.told().missed == (0 if place == "timers.network_done" else 1)


def test_what_became_private_is_not_sent(mailbox: Mailbox, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribe()
    world.fire_all()
    mailbox.taken.clear()
    say()
    [spread] = timers.claim(1)
    timers.fire(spread)
    monkeypatch.setattr(queries, "may_go_out", lambda incident: False)
    world.fire_all()
    assert (mailbox.taken, outbox()) == ([], [State.GIVEN_UP])
    assert Subscriber.objects.get().refusals == 0


def test_webhooks_are_named_by_who_may_configure(program: Program, mara: Person) -> None:
    url, _, _ = program
    manager = Client()
    manager.force_login(world.person("Kei Sato", role=Person.Role.MANAGER))
    assert manager.post("/setup/status/webhooks/", {"url": "ftp://x"}).status_code == 422
    assert manager.post("/setup/status/webhooks/", {"url": url}).status_code == 302
    assert manager.post("/setup/status/webhooks/", {"url": url}).status_code == 422
    assert signing_key(url, STATUS).decode() in manager.get("/setup/status/webhooks/").content.decode()
    one = queries.webhooks().get()
    assert manager.get("/api/v1/status-page/webhooks").json()[0]["url"] == url
    assert manager.get("/api/v1/status-page/subscribers").json()["webhooks"] == 1
    assert manager.post(f"/setup/status/webhooks/{one.pk}/end/").status_code == 302
    made = manager.post("/api/v1/status-page/webhooks", {"url": url}, "application/json")
    assert made.status_code == 201
    assert manager.delete(f"/api/v1/status-page/webhooks/{made.json()['id']}").status_code == 204
    with pytest.raises(BadInput):
        subscribing.add_webhook("gopher://x", actor=mara)
    components.set_page(PageDraft(False, "x"), seen_version=1, actor=mara)
    with pytest.raises(Conflict):
        subscribing.add_webhook(url, actor=mara)


def test_the_page_links_to_the_form(mara: Person) -> None:
    from raglan.outside import render, snapshot

    html = render.files(snapshot.take(every_min=10))["index.html"].decode()
    assert f'href="{config().public_url}/status/subscribe/"' in html


def test_the_key_of_the_status_page_signs_no_page() -> None:
    url = "https://hook.example.test/in"
    assert signing_key(url, STATUS) != signing_key(url)
