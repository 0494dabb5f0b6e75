"""A page as a phone call over SIP: it is spoken, key 4 takes it, key 6 passes it on.

The message is handed over when the phone rings. A thread then follows the call to its end: a key is an answer; whatever
else ends the call means that nobody was reached, and the next way is used. When raglan ends in between, the call is
asked for later, is not known any more, and the next way is used too.
"""

import queue
import re
import shutil
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connections

from raglan.config import config
from raglan.core import logs
from raglan.core.errors import BadInput, DeliveryError, RaglanError
from raglan.integrations.sip import speech
from raglan.integrations.sip.line import LONGEST_S, Account, Event, Line
from raglan.paging import actions, delivery, replies
from raglan.paging.ports import Message, Outcome, Receipt, Report

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
ADDRESS = re.compile(r"sip:[A-Za-z0-9._+-]{1,64}@([A-Za-z0-9.-]{1,250}|\[[0-9a-fA-F:]{2,45}\])(:\d{1,5})?")
OURS = re.compile(r"sip:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,250}(:\d{1,5})?(;transport=(udp|tcp|tls))?")
UNREADABLE = re.compile(r"[;\"<>\s]")
PROGRAMS = ("baresip", "espeak-ng", "sox", "timeout")
KEYS = {"4": "have", "6": "pass"}
RING_S = 35
TALK_S = 85
SLACK_S = 1.0  # for the sound to be on its way
LINK_WORDS = "Open the link in your other message to say that you have it."
KEYS_WORDS = "Press 4 to say that you have it. Press 6 to pass it on."
FOR_GOOD = ("403", "404", "410", "484", "486", "488", "600", "603", "604", "606")
log = logs.get("raglan.sip")


def missing() -> str:
    """Say what has to be set up first."""
    if not config().sip_account:
        return "sip_account is not set"
    if not OURS.fullmatch(config().sip_account):
        return "sip_account is not like sip:raglan@pbx.example.org"
    if UNREADABLE.search(config().sip_password.get_secret_value()):
        return "sip_password has a character that baresip can not read"
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not installed" if lacking else ""


def spoken(message: Message) -> str:
    """Return what is said."""
    test = "This is a test. " if message.is_test else ""
    repeat = "This may be a repeat. " if message.may_repeat else ""
    title = "".join(char if char.isprintable() else " " for char in message.title)[:200]
    return f"{test}{repeat}raglan pages {message.person_name}. {title}. {KEYS_WORDS if message.token else LINK_WORDS}"


def target(address: str) -> str:
    """Return whom to dial: a number through our own telephone system, an extension as it is."""
    if address.startswith("sip:"):
        return address
    domain = config().sip_account.partition("@")[2].partition(";")[0]
    return f"sip:{address}@{domain}"


@dataclass
class Followed:
    """A call that is under way. `began` gets one thing: None when it rings, else why it does not."""

    token: str
    address: str
    words: str
    began: "queue.SimpleQueue[DeliveryError | None]" = field(default_factory=queue.SimpleQueue)
    has_begun: bool = False  # told, whether or not it was read yet; only the thread of the call looks


class Sip:
    """The channel `voice` over SIP."""

    kind = "voice"
    ask_after = (timedelta(seconds=LONGEST_S + 10),)

    def __init__(self) -> None:
        self._busy = 0
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Refuse what is neither a number nor an extension of our own telephone system."""
        if NUMBER.fullmatch(address):
            return
        found = ADDRESS.fullmatch(address)
        own = config().sip_account.partition("@")[2].partition(";")[0].partition(":")[0]
        if found is None or found[1] != own:
            raise BadInput("address", "write a number such as +491512345678, or an extension such as sip:100@your-pbx")

    def send(self, address: str, message: Message) -> Receipt:
        """Call, and return when it rings. The call is followed by a thread of its own."""
        with self._lock:
            if self._busy >= config().sip_lines:
                raise DeliveryError("all lines are busy", permanent=False)
            self._busy += 1
        call = Followed(message.token, target(address), spoken(message))
        threading.Thread(target=self._follow, args=(call,), name="raglan-call", daemon=True).start()
        try:
            failed = call.began.get(timeout=max(1.0, config().send_deadline_s - 0.5))
        except queue.Empty:
            why = "the telephone system did not answer in time"
            raise DeliveryError(why, permanent=False, unknown=True) from None
        if failed is not None:
            raise failed
        return Receipt(provider_id=message.key)

    def ask(self, provider_id: str) -> Report | None:
        """Say that a call which nobody followed to its end reached nobody."""
        return Report(Outcome.NOT_REACHED, "the call was cut off")

    def _follow(self, call: Followed) -> None:
        try:
            with TemporaryDirectory(prefix="raglan-words-") as folder:
                words = Path(folder) / "words.wav"
                speech.speak(call.words, words, voice=config().sip_voice, times=3)
                with Line(account(), words) as line:
                    _talk(line, call, Path(folder))
        except DeliveryError as error:
            _begin(call, error)
        except Exception as error:  # a thread of ours must tell its end, whatever it was
            log.exception("a call failed")
            _begin(call, DeliveryError(f"raglan itself failed: {type(error).__name__}", permanent=False))
        finally:
            connections.close_all()
            with self._lock:
                self._busy -= 1


def account() -> Account:
    """Return who we are to the telephone system."""
    given = config()
    return Account(given.sip_account, given.sip_password.get_secret_value(), given.sip_outbound, given.sip_rtp_ports)


def _begin(call: Followed, outcome: DeliveryError | None) -> bool:
    """Tell whoever waits how the call began; return whether this was the first that they heard."""
    if call.has_begun:
        return False
    call.has_begun = True
    call.began.put(outcome)
    return True


def _talk(line: Line, call: Followed, folder: Path) -> None:
    line.tell("dial", call.address)
    is_taken = False
    ends = time.monotonic() + RING_S
    for event in line.events(ends + TALK_S):
        match event.kind:
            case "CALL_RINGING" | "CALL_PROGRESS":
                _begin(call, None)
            case "CALL_ESTABLISHED":
                is_taken = True
                _begin(call, None)
            case "CALL_DTMF_START" if event.param in KEYS:
                _say_last(line, _answer(call, KEYS[event.param]), folder)
                return
            case "CALL_CLOSED" | "REFUSED":
                _over(call, event, is_taken=is_taken)
                return
        if not is_taken and time.monotonic() > ends:
            break
    _over(call, Event("CALL_CLOSED", "nobody took it"), is_taken=is_taken)


def _answer(call: Followed, said: str) -> str:
    """Do what a key says; return what to say to the person."""
    notification = replies.of("reply", call.token)
    if notification is None:
        return "This page is over."
    try:
        return replies.answer(notification, said, via=actions.Via.KEYPAD)
    except RaglanError as error:
        return error.sentence


def _say_last(line: Line, words: str, folder: Path) -> None:
    """Speak the answer in place of the page. Whoever leaves the line then hangs up, whether the other side did or not.

    Further keys are slips of the finger.
    """
    said = folder / "answer.wav"
    length_s = speech.speak(f"{words} Goodbye.", said, voice=config().sip_voice)
    line.tell("ausrc", f"aufile,{said}")
    for event in line.events(time.monotonic() + length_s + SLACK_S):
        if event.kind == "CALL_CLOSED":
            return


def _over(call: Followed, event: Event, *, is_taken: bool) -> None:
    """The call has ended: before it rang that is a failure, without a key nobody was reached."""
    why = " ".join(event.param.split())[:100] or "it ended"
    if _begin(call, DeliveryError(f"the call did not begin: {why}", permanent=why.startswith(FOR_GOOD))):
        return
    notification = replies.of("reply", call.token)
    if notification is not None:
        words = "the call was taken and no key was pressed" if is_taken else f"nobody took the call ({why})"
        delivery.report_on(notification.pk, Report(Outcome.NOT_REACHED, words))
