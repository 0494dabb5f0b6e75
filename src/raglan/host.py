#!/usr/bin/env python3
"""raglan-host: asks whether this machine's automation may go on, and tells raglan what runs here.

One file, standard library only, so that it can be copied to a machine without raglan (Python 3.6 or newer).

    raglan-host gate && chef-client                 exit code 0: go, 75: stop, while a hold is on
    raglan-host gate --package httpd                says what is about to be touched
    raglan-host report                              tells packages and services; what could not be told waits
    raglan-host watch                               does so for ever: at once on a change, and every ten minutes
    raglan-host install apt systemd                 prints the files that make it run by itself

Options stand in /etc/raglan-host.conf, one `name = value` a line:

    url = https://raglan.example.org                raglan; several nodes are separated by commas
    token = …                                       of the fleet source; or token_file = /etc/raglan-host.token
    cluster = fra1                                  also role, environment, name, tags, services
    units = apache2.service, sshd.service           services whose state is told
    check.vpn = /usr/local/bin/vpn-is-up            one that systemd does not know; 0 is active, 3 inactive, as LSB says
    gate = /srv/gate.txt, dns:gate.example.org      more places to ask, after url
    gate_keep_min = 60                              so long the last known answer counts when nobody answers
    gate_unknown = go                               what to do when nothing is known: go or stop

Nothing that raglan does, or does not, keeps automation from running for ever: a stop always has an end, which this
machine's own clock keeps, and when nobody answers and nothing is known, the answer is go.
"""

import argparse
import calendar
import contextlib
import fcntl
import gzip
import hashlib
import http.client
import json
import os
import re
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

CONFIG = "/etc/raglan-host.conf"
STATE = "/var/lib/raglan-host"
GO, STOP = "go", "stop"
EXIT_GO, EXIT_STOP, EXIT_WRONG = 0, 75, 2
A_PLACE_S = 2.0
ALL_PLACES_S = 8.0
SEND_S = 20.0
ACCEPTED = 202
COMMAND_S = 60.0
LOCK_S = 15.0
LONGEST_STOP_S = 31 * 86400.0
SKEW_S = 300.0
MOST_TEXT = 4 << 20
MOST_FRAME = 200
MOST_KEPT = 10
MOST_HANDS, MOST_HAND = 5, 300
MOST_WAITING = 500
MOST_BYTES = 32 << 20
TRIES = 3
MOST_ASIDE = 20
ASIDE_AGAIN_S = 86400.0
WORDS = ("cluster", "role", "environment", "tag", "package", "change")
PLACES = ("cluster", "role", "environment", "tag")
OPTION_OF = {"tag": "tags"}
VERSIONS = ("raglan-gate 1", "gate: 1")
RPM_FOLDERS = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")  # where it was, and where it is on SUSE and newer Fedora
RPM_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")  # as SQLite, ndb and Berkeley DB
THERE = ("i", "U", "F", "W", "t")  # of dpkg: installed, or its files are there and dpkg is not done with it yet
STARTED = ("Id", "Restart", "ExecMainStartTimestamp", "ActiveEnterTimestamp", "NRestarts")
AFTER_FAILURES = ("on-failure", "on-abnormal", "on-abort", "on-watchdog")  # others start again after a good end, too
ENDED_WELL, ENDED_BADLY = "7ad2d189f7e94e70a38c781354912448", "d9b373ed55a64feb8242e02dbe79a49c"  # in systemd's journal
CHECKED = {0: "active", 3: "inactive", 4: "unknown"}  # as init scripts answer `status`, by the LSB


class Refused(Exception):
    """raglan will never take this one: sending it again can not help."""


class Away(Exception):
    """raglan could not be told now: send it again later."""

    def __init__(self, words: str, wait_s: float = 0) -> None:
        super().__init__(words)
        self.wait_s = wait_s


class Broken(Away):
    """raglan is there and could not store this one: something is wrong with raglan, or with this one alone."""


class NoAnswer(Exception):
    """A place gave no answer that counts."""


class NotTaken(NoAnswer):
    """A place does not take the question as it was put."""


class Unknown(Exception):
    """raglan does not know these packages by their hash."""


class Hold(NamedTuple):
    """A hold that stops this machine, and for how many seconds from the answer on."""

    name: str
    reason: str
    left_s: float


class Answer(NamedTuple):
    """What a place said, how long ago, and where it was asked."""

    holds: List[Hold]
    source: str
    place: str
    age_s: float = 0.0
    hands: Tuple[str, ...] = ()  # what was changed by hand here and may be undone

    @property
    def word(self) -> str:
        """Go or stop, by now."""
        return STOP if self.left() else GO

    def left(self) -> List[Hold]:
        """Return the holds that have not ended meanwhile."""
        return [hold for hold in self.holds if hold.left_s > self.age_s]


# Options --------------------------------------------------------------------------------------------------------------


LISTED = re.compile(r'\s*(?:"([^"]*)"|“([^“”]*)”)\s*(?=,|$)|([^,]+)')


def names_in(text: str) -> List[str]:
    """Return the names of a text: commas between, and a name that has some in double quotes; raglan reads them so."""
    names = [(found.group(1) or found.group(2) or found.group(3) or "").strip() for found in LISTED.finditer(text)]
    return [name for name in names if name]


def in_list(name: str) -> str:
    """Write a name as it stands in a list."""
    if "," not in name and not name.startswith(('"', "“")):
        return name
    return "“{}”".format(name) if '"' in name else '"{}"'.format(name)


class Options:
    """What the file and the environment say; names in the code are those of the file."""

    def __init__(self, said: Dict[str, str]) -> None:
        self.said = said

    def one(self, name: str, default: str = "") -> str:
        """Return a value."""
        return self.said.get(name, "") or default

    def many(self, name: str) -> List[str]:
        """Return the parts of a value."""
        return [part.strip() for part in self.said.get(name, "").split(",") if part.strip()]

    def names(self, name: str) -> List[str]:
        """Return the names of a value; one with commas stands in double quotes."""
        return names_in(self.said.get(name, ""))

    def word(self, name: str) -> str:
        """Return a name, which may stand in double quotes."""
        names = self.names(name)
        return names[0] if len(names) == 1 else self.one(name)

    def number(self, name: str, default: float) -> float:
        """Return a number; what is none counts as the default, for a wrong line must not stop a machine."""
        try:
            return float(self.said.get(name, "") or default)
        except ValueError:
            complain("{} = {}: this is no number".format(name, self.said[name]))
            return default

    @property
    def state(self) -> str:
        """The folder for what is kept."""
        return self.one("state", STATE)

    @property
    def name(self) -> str:
        """The name of this machine."""
        return self.one("name") or socket.gethostname()

    @property
    def token(self) -> str:
        """The token, from the file or the option."""
        path = self.one("token_file")
        if path:
            with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
                return file.read().strip()
        return self.one("token")


def options_of(path: str, environ: Dict[str, str]) -> Options:
    """Read the options; RAGLAN_HOST_NAME and so on win. A file that can not be read counts as empty, and is told."""
    said: Dict[str, str] = {}
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                name, equals, value = line.partition("=")
                if equals and not line.lstrip().startswith("#"):
                    said[name.strip()] = value.strip()
    except (OSError, UnicodeDecodeError) as error:
        complain("{}: {}".format(path, error))
    for name, value in environ.items():
        if name.startswith("RAGLAN_HOST_") and value:
            said[name[12:].lower()] = value
    return Options(said)


def complain(words: str) -> None:
    """Say what went wrong."""
    sys.stderr.write("raglan-host: {}\n".format(words))


# Time and files -------------------------------------------------------------------------------------------------------


def passed() -> float:
    """Return seconds since the machine was started, also while it slept."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # named since Python 3.7
    return time.clock_gettime(7 if clock is None and sys.platform == "linux" else clock or time.CLOCK_MONOTONIC)


def boot_id() -> str:
    """Return what names this run of the machine."""
    return read_line("/proc/sys/kernel/random/boot_id")


def read_line(path: str) -> str:
    """Return the first line of a file, empty when there is none."""
    with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
        return file.readline().strip()
    return ""


def write_whole(path: str, data: bytes) -> None:
    """Write a file whole or not at all, and on disk."""
    fresh = "{}.{}.new".format(path, os.getpid())
    try:
        with open(fresh, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(fresh, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def read_json(path: str) -> Dict[str, Any]:
    """Return what a file of ours keeps; one that is missing or broken keeps nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: str, value: Dict[str, Any]) -> None:
    """Keep something in a file."""
    write_whole(path, json.dumps(value).encode("utf-8"))


def moment(text: str) -> float:
    """Return the time that an answer names. Raises NoAnswer."""
    try:
        return float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        raise NoAnswer("{!r} is no time".format(text[:40])) from None


# The gate: what places say --------------------------------------------------------------------------------------------


def read_text(text: str, asked: Dict[str, List[str]]) -> Tuple[List[Hold], float]:
    """Read an answer or a file; return the holds that stop this machine, and how old that is. Raises NoAnswer."""
    lines = text.split("\n")
    if lines[-2:] != ["end", ""] or not {lines[0], lines[1]} & set(VERSIONS):
        raise NoAnswer("this is no whole answer of version 1")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:-2])]
    if lines[0] == VERSIONS[0]:
        return read_file(pairs, asked)
    if lines[0] not in (GO, STOP):
        raise NoAnswer("the first line is neither go nor stop")
    said = dict(pairs)
    at, age_s = moment(said.get("asked", "")), read_ago(said.get("read", ""))
    holds = [hold_of(block, at) for block in blocks(pairs)]
    if bool(holds) != (lines[0] == STOP):
        raise NoAnswer("{} with {} holds".format(lines[0], len(holds)))
    return [Hold(hold.name, hold.reason, hold.left_s + age_s) for hold in holds], age_s


def hands_in(text: str) -> Tuple[str, ...]:
    """Return what raglan says was changed by hand on this machine."""
    lines = [line[5:].strip() for line in text.split("\n") if line.startswith("hand:")]
    return tuple(shown(line)[:MOST_HAND] for line in lines[:MOST_HANDS])


def read_ago(words: str) -> float:
    """Return since how many seconds the place that answered could not have seen a new hold: another may know better."""
    matched = re.match(r"(\d{1,9}) s ago$", words)
    return float(matched.group(1)) if matched else 0.0


def blocks(pairs: Sequence[Tuple[str, str]]) -> List[List[Tuple[str, str]]]:
    """Return the lines of each hold."""
    found: List[List[Tuple[str, str]]] = []
    for pair in pairs:
        if pair[0] == "hold":
            found.append([])
        if found:
            found[-1].append(pair)
    return found


def hold_of(block: Sequence[Tuple[str, str]], at: float) -> Hold:
    """Return a hold as it stands in an answer of a time. Raises NoAnswer."""
    said = dict(block)
    left_s = moment(said.get("until", "")) - at
    if left_s > LONGEST_STOP_S:
        raise NoAnswer("hold {} would last longer than a month".format(said["hold"]))
    return Hold(shown(said["hold"]), shown(said.get("reason", "")), left_s)


def shown(words: str) -> str:
    """Return what may be written to a terminal, whoever it came from."""
    return "".join(filter(str.isprintable, words))


def read_file(pairs: Sequence[Tuple[str, str]], asked: Dict[str, List[str]]) -> Tuple[List[Hold], float]:
    """Look for the holds of this machine in the file with all of them; this machine's clock counts."""
    said = dict(pairs)
    made, good_until = moment(said.get("made", "")), moment(said.get("good-until", ""))
    asked = and_known(pairs, asked)
    at, found = max(time.time(), made), []  # a clock that stands before the file was made is wrong
    for block in blocks(pairs):
        if moment(dict(block).get("from", "")) <= at and is_for(block, asked, at):
            found.append(hold_of(block, at))
    if at <= good_until:
        return [hold for hold in found if hold.left_s > 0], 0.0
    age_s = at - made  # what is left is counted from when it was made, as for an answer that was kept
    return [Hold(hold.name, hold.reason, hold.left_s + age_s) for hold in found], age_s


def and_known(pairs: Sequence[Tuple[str, str]], asked: Dict[str, List[str]]) -> Dict[str, List[str]]:
    """Return what is asked with what the file says that raglan knows of this machine besides."""
    names, more = {name.lower() for name in asked.get("host", [])}, dict(asked)
    for own, *facts in (words.split(" ") for name, words in pairs if name == "knows"):
        if urllib.parse.unquote(own).lower() in names:
            for kind, _, value in (fact.partition("=") for fact in facts):
                if kind in PLACES:
                    more[kind] = [*more.get(kind, []), urllib.parse.unquote(value)]
    return more


def is_for(block: Sequence[Tuple[str, str]], asked: Dict[str, List[str]], at: float) -> bool:
    """Tell whether a hold of the file stops this machine: the same as raglan's own answer."""
    for kind in WORDS:
        wanted = {value.lower() for name, value in block if name == kind}
        said = {value.lower() for value in asked.get(kind, [])}
        if wanted and not wanted & said and (said or kind in PLACES):
            return False
    return not any(name == "but" and is_through(value, asked, at) for name, value in block)


def is_through(words: str, asked: Dict[str, List[str]], at: float) -> bool:
    """Tell whether an exception is this machine's."""
    matched = re.match(r"(\S+) (.+) until (\S+)$", words)
    if not matched or moment(matched.group(3)) <= at:
        return False
    return matched.group(2).lower() in {value.lower() for value in asked.get(matched.group(1), [])}


def read_dns(said: str) -> List[Hold]:
    """Read the text of a TXT record. Raises NoAnswer."""
    matched = re.match(r"v=raglan1 (go|stop) asked=(\S+)(?: until=(\S+) hold=(.+))?$", said)
    if not matched or (matched.group(1) == STOP) != bool(matched.group(3)):
        raise NoAnswer("this is no answer of version 1")
    if matched.group(1) == GO:
        return []
    pairs = [("hold", matched.group(4)), ("until", matched.group(3))]
    return [hold_of(pairs, moment(matched.group(2)))]


# The gate: how places are asked ---------------------------------------------------------------------------------------


def ask_place(place: str, asked: Dict[str, List[str]], token: str) -> Answer:
    """Ask one place; where it refuses the question, once more without tags. Raises NoAnswer, OSError."""
    try:
        return ask_once(place, asked, token)
    except NotTaken as error:
        if not asked.get("tag"):
            raise
        answer = ask_once(place, dict(asked, tag=[]), token)
        return heard_in_part(answer, "asked without tags, for with them it says: {}".format(error))


def heard_in_part(answer: Answer, why: str) -> Answer:
    """Return an answer to less than was to be asked: a stop counts; a go may be wrong and is none. Raises NoAnswer."""
    if answer.word == GO:
        raise NoAnswer("go does not count here: {}".format(why))
    complain("{}: {}".format(answer.place, why))
    return answer


def ask_once(place: str, asked: Dict[str, List[str]], token: str) -> Answer:
    """Ask one place. Raises NoAnswer, OSError."""
    if place.startswith("dns:"):
        zone = place[4:].partition("@")[0]
        fits, left_out = fitting(zone, asked)
        answer = Answer(read_dns(ask_dns(place[4:], fits)), "dns", place)
        return heard_in_part(answer, "tags that fit into no name: {}".format(left_out)) if left_out else answer
    if place.startswith(("http://", "https://")):
        said = fetch(place, asked, token)
        holds, age_s = read_text(said, asked)
        return Answer(holds, "http", place, age_s, hands_in(said))
    with open(place, encoding="utf-8") as file:
        holds, age_s = read_text(file.read(MOST_TEXT), asked)
    return Answer(holds, "file", place, age_s)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: a token is for the place that stands in the options, and a POST must not become a GET."""

    def redirect_request(self, *given: Any) -> None:
        """Say no, so that the answer counts as it is."""


OPENER = urllib.request.build_opener(NoRedirect)


def fetch(place: str, asked: Dict[str, List[str]], token: str) -> str:
    """Fetch an answer. What this machine is, and its token, are told to raglan only, not to a place with a file."""
    headers = {"User-Agent": "raglan-host"}
    if urllib.parse.urlsplit(place).path.endswith("/gate"):
        place += "?" + query_of(asked)
        if token:
            headers["Authorization"] = "Bearer " + token
    try:
        with OPENER.open(urllib.request.Request(place, headers=headers), timeout=A_PLACE_S) as answer:
            return str(answer.read(MOST_TEXT).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        if error.code in (400, 414):  # a sign or a word that it does not take, or too long
            raise NotTaken(str(error)) from None
        raise
    except (http.client.HTTPException, ValueError) as error:
        raise NoAnswer(str(error)) from None


def query_of(asked: Dict[str, List[str]]) -> str:
    """Return what is asked as it stands in an address."""
    said = [(name, ",".join(in_list(value) for value in values)) for name, values in asked.items() if values]
    return urllib.parse.urlencode(said)


def ask_dns(zone: str, asked: Dict[str, List[str]]) -> str:
    """Ask for the TXT record of this machine below a zone, `zone` or `zone@server:port`. Raises NoAnswer, OSError."""
    zone, _, server = zone.partition("@")
    query, number = question(dns_name(zone, asked))
    places = [server] if server else nameservers()
    for one in places:
        host, port = endpoint(one)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as wire:
            wire.settimeout(A_PLACE_S / len(places))
            with contextlib.suppress(socket.timeout):
                wire.connect((host, port))
                wire.send(query)
                return txt_in(wire.recv(4096), query, number)
    raise NoAnswer("no name server answered")


def fitting(zone: str, asked: Dict[str, List[str]]) -> Tuple[Dict[str, List[str]], str]:
    """Return what is asked with those tags that fit into a name, and the others in words."""
    fits, others = dict(asked, tag=[]), []
    for tag in asked.get("tag", []):
        more = dict(fits, tag=[*fits["tag"], tag])
        try:
            question(dns_name(zone, more))
        except (NoAnswer, ValueError):
            others.append(tag)
        else:
            fits = more
    return fits, ", ".join(ascii(tag) for tag in others)[:200]


def endpoint(server: str) -> Tuple[str, int]:
    """Return address and port of a name server; one of IPv6 stands in brackets before a port."""
    matched = re.match(r"^\[(.+)\]:(\d+)$|^([^:]+):(\d+)$", server)
    if matched:
        return matched.group(1) or matched.group(3), int(matched.group(2) or matched.group(4))
    return server.strip("[]"), 53


def nameservers() -> List[str]:
    """Return whom this machine asks for names."""
    found: List[str] = []
    with contextlib.suppress(OSError), open("/etc/resolv.conf", encoding="utf-8", errors="replace") as file:
        found = [line.split()[1] for line in file if line.startswith("nameserver ") and len(line.split()) > 1]
    return found[:3] or ["127.0.0.1"]


def dns_name(zone: str, asked: Dict[str, List[str]]) -> str:
    """Return the name under which the answer for this machine stands: `web1._host.fra1._cluster.ZONE`."""
    labels = []
    for kind in ("host", *WORDS):
        for value in asked.get(kind, []):
            labels += [*in_list(value).split("."), "_" + kind]
    return ".".join([*labels, zone.strip(".")])


def question(name: str) -> Tuple[bytes, int]:
    """Return a question for TXT records, and its number. Raises NoAnswer."""
    labels = [label.encode("utf-8") for label in name.split(".")]
    if any(not 0 < len(label) < 64 for label in labels) or sum(len(label) + 1 for label in labels) > 254:
        raise NoAnswer("{} is too long for a name".format(name[:80]))
    number = int.from_bytes(os.urandom(2), "big")
    asked = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", 16, 1)
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + asked, number


def txt_in(said: bytes, query: bytes, number: int) -> str:
    """Return the text of the first TXT record. Raises NoAnswer."""
    try:
        got, flags, asked, answers = struct.unpack("!4H", said[:8])
        if got == number and flags & 0x820F == 0x8003:
            raise NotTaken("the name server knows no such name")
        if got != number or not flags & 0x8000 or flags & 0x020F or asked != 1 or not answers:
            raise NoAnswer("the name server has no answer")
        at = 12
        if said[at : at + len(query) - 12].lower() != query[12:].lower():
            raise NoAnswer("the name server answered something else")
        at += len(query) - 12
        for _ in range(answers):
            while said[at] and said[at] < 0xC0:
                at += said[at] + 1
            at += 2 if said[at] >= 0xC0 else 1
            kind, _, _, length = struct.unpack("!HHIH", said[at : at + 10])
            if kind == 16:
                return pieces(said[at + 10 : at + 10 + length])
            at += 10 + length
    except (struct.error, IndexError):
        pass
    raise NoAnswer("the answer of the name server was cut off")


def pieces(data: bytes) -> str:
    """Put the strings of a TXT record together."""
    found, at = b"", 0
    while at < len(data):
        found += data[at + 1 : at + 1 + data[at]]
        at += data[at] + 1
    return found.decode("utf-8", "replace")


def in_time(work: Callable[[], Answer], seconds: float) -> Answer:
    """Do something in a thread and wait no longer than that: name look-ups know no limit. Raises NoAnswer, OSError."""
    box: List[Any] = []

    def run() -> None:
        try:
            box.append(work())
        except Exception as error:
            box.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not box:
        raise NoAnswer("no answer within {:.0f} s".format(seconds))
    if isinstance(box[0], Exception):
        raise box[0]
    answer: Answer = box[0]
    return answer


# The gate: go or stop -------------------------------------------------------------------------------------------------


def ask_gate(options: Options, asked: Dict[str, List[str]]) -> Tuple[Answer, List[str]]:
    """Ask one place after the other; then what was known last counts, then `gate_unknown`. Also say what went wrong."""
    wrong, old, until = [], [], time.monotonic() + ALL_PLACES_S
    for place in places_of(options):
        left = until - time.monotonic()
        if left <= 0:
            wrong.append("{}: not asked, the others took too long".format(place))
            continue
        try:
            answer = in_time(partial(ask_place, place, asked, options.token), min(left, A_PLACE_S + 0.5))
        except (NoAnswer, OSError, ValueError) as error:
            wrong.append("{}: {}".format(place, error))
            continue
        if not answer.age_s:
            return answer, wrong
        wrong.append("{}: this is {:.0f} s old".format(place, answer.age_s))
        old.append(answer)
    return last_known(options, asked, old), wrong


def places_of(options: Options) -> List[str]:
    """Return where to ask, in order: each raglan, then what `gate` names."""
    return [url.rstrip("/") + "/gate" for url in options.many("url")] + options.many("gate")


def last_known(options: Options, asked: Dict[str, List[str]], old: List[Answer]) -> Answer:
    """Return the youngest answer that is known and not too old, else what to do when nothing is known."""
    kept = kept_answer(options, asked)
    known = [*old, *([kept] if kept else [])]
    limit = options.number("gate_keep_min", 60) * 60
    good = [answer for answer in known if -SKEW_S <= answer.age_s <= limit]
    if good:
        youngest = min(good, key=lambda answer: answer.age_s)
        return youngest._replace(source="kept", age_s=max(0.0, youngest.age_s))
    if options.one("gate_unknown", GO) == STOP:
        return Answer([Hold("nothing is known", "gate_unknown = stop", 1.0)], "nothing", "")
    return Answer([], "nothing", "")


def keep_answer(options: Options, asked: Dict[str, List[str]], answer: Answer) -> None:
    """Keep an answer for when nobody answers, and for the next report."""
    value = {"answer": answer, "at": time.time(), "passed": passed(), "boot": boot_id(), "asked": asked}
    try:
        os.makedirs(options.state, mode=0o700, exist_ok=True)
        if answer.source in ("http", "file", "dns"):
            others = [one for one in kept_answers(options) if one.get("asked") != asked]
            write_json(os.path.join(options.state, "kept.json"), {"kept": [value, *others][:MOST_KEPT]})
        told = {"holds": [hold.name for hold in answer.left()], "asked_at": int(time.time()), "answer": answer.word}
        write_json(os.path.join(options.state, "gate.json"), dict(told, source=answer.source))
    except OSError as error:  # an answer counts, whether or not it can be kept
        complain("{}: {}".format(options.state, error))


def kept_answers(options: Options) -> List[Dict[str, Any]]:
    """Return what is kept, the newest first."""
    kept = read_json(os.path.join(options.state, "kept.json")).get("kept")
    return [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []


def kept_answer(options: Options, asked: Dict[str, List[str]]) -> Optional[Answer]:
    """Return the answer that was kept, with its age by the clock that nobody sets, or by the other after a restart."""
    try:
        kept = next(one for one in kept_answers(options) if one["asked"] == asked)
        holds, _, place, age_s = kept["answer"][:4]
        same_boot = bool(kept["boot"]) and kept["boot"] == boot_id()
        age_s += passed() - kept["passed"] if same_boot else time.time() - kept["at"]
        found = [Hold(str(name), str(why), float(left)) for name, why, left in holds]
        return Answer(found, "kept", str(place), float(age_s))
    except (StopIteration, KeyError, TypeError, ValueError):
        return None


def words_of(options: Options, more: Dict[str, List[str]]) -> Dict[str, List[str]]:
    """Return what this machine says of itself."""
    said = {"host": [options.name]}
    said.update({kind: more.get(kind) or options.names(OPTION_OF.get(kind, kind)) for kind in WORDS})
    return said


def gate(options: Options, args: argparse.Namespace) -> int:
    """Print the answer; return the exit code."""
    more = {kind: [name for value in getattr(args, kind) or [] for name in names_in(value)] for kind in WORDS}
    asked = words_of(options, more)
    answer, wrong = ask_gate(options, asked)
    keep_answer(options, asked, answer)
    for words in wrong:
        complain(words)
    warn_of_hands(answer)
    if not args.quiet:
        with contextlib.suppress(OSError, UnicodeError):  # the exit code is the answer
            sys.stdout.write(in_words(answer))
    return EXIT_STOP if answer.word == STOP else EXIT_GO


def warn_of_hands(answer: Answer) -> None:
    """Say what this run may undo; whoever made it by hand is told by raglan."""
    for words in answer.hands:
        complain("this may undo what responders did: {}".format(words))


def gate_safely(options: Options, args: argparse.Namespace) -> int:
    """Answer go or stop whatever happens: a mistake in here must neither stop automation nor let it go on unasked."""
    try:
        return gate(options, args)
    except Exception as error:
        complain("the gate could not be asked: {!r}".format(error))
        return EXIT_STOP if options.one("gate_unknown", GO) == STOP else EXIT_GO


def in_words(answer: Answer) -> str:
    """Return an answer for people and for scripts."""
    lines = [answer.word]
    for hold in answer.left():
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hold.left_s - answer.age_s))
        why = ["reason: " + hold.reason] if hold.reason else []
        lines += ["hold: " + hold.name, *why, "until: " + ends]
    age = ", {:.0f} s old".format(answer.age_s) if answer.age_s else ""
    lines.append("source: {}{}{}".format(answer.source, " " + answer.place if answer.place else "", age))
    return "\n".join(lines) + "\n"


# Reports: what runs here ----------------------------------------------------------------------------------------------


def output_of(command: Sequence[str]) -> Tuple[int, str]:
    """Run a program; return its exit code and what it wrote. Raises OSError, subprocess.SubprocessError."""
    environ = dict(os.environ, LC_ALL="C", TZ="UTC")
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    done = subprocess.run(command, stdin=quiet, stdout=pipe, stderr=quiet, env=environ, timeout=COMMAND_S, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def packages_of(options: Options) -> Optional[List[List[str]]]:
    """Return name, version and architecture of what is installed, in order; None when that can not be told."""
    kind = options.one("packages") or ("dpkg" if os.path.exists("/var/lib/dpkg/status") else "rpm")
    commands = {
        "dpkg": ["dpkg-query", "-W", "-f=${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\n"],
        "rpm": ["rpm", "-qa", "--qf", "ii\\t%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\n"],
    }
    if kind not in commands:
        return None
    try:
        code, said = output_of(commands[kind])
    except (OSError, subprocess.SubprocessError) as error:
        complain("packages can not be told: {}".format(error))
        return None
    if code != 0 and not (kind == "dpkg" and code == 1 and not said):  # dpkg-query of an empty machine says 1
        complain("packages can not be told: {} ended with {}".format(commands[kind][0], code))
        return None
    rows = [line.split("\t") for line in said.splitlines()]
    found = {tuple(row[1:]) for row in rows if len(row) == 4 and row[0][1:2] in THERE and row[1] != "gpg-pubkey"}
    return [[name, version, arch] for name, arch, version in sorted((one[0], one[2], one[1]) for one in found)]


class Units(NamedTuple):
    """The states of services, None when they can not be told, and when they were started, as far as that is known.

    `crashed` are those that systemd itself started last, after they had failed.
    """

    states: Optional[List[List[str]]]
    started: List[List[Any]]
    crashed: Tuple[str, ...] = ()


def units_of(options: Options) -> Units:
    """Return how the services are that the options name."""
    found: List[List[str]] = []
    started: List[List[Any]] = []
    crashed: List[str] = []
    names = options.many("units")
    if names:
        told = told_by_systemd(names)
        if len(told) != len(names):
            complain("systemctl does not tell how {} are".format(", ".join(names)))
            return Units(None, [])
        for name, said in zip(names, told):  # noqa: B905 -- Python 3.6 knows no strict
            found.append([name, said.get("ActiveState", "unknown")])
            at = systemd_time(said.get("ExecMainStartTimestamp", "")) or systemd_time(
                said.get("ActiveEnterTimestamp", "")
            )
            if at:
                started.append([name, at])
            if said.get("NRestarts", "0") not in ("0", "") and ended_badly(name, at, said):
                crashed.append(name)
    for option in sorted(name for name in options.said if name.startswith("check.")):
        found.append([option[6:], checked(options.said[option])])
    return Units(found if found or names else None, started, tuple(crashed))


ENDS: Dict[str, Tuple[Tuple[int, str], bool]] = {}  # of each unit the last start that was looked at, and what it was


def ended_badly(name: str, at: int, said: Dict[str, str]) -> bool:
    """Tell whether a unit that systemd itself started again had failed; its counter is 0 again once somebody starts it.

    systemd keeps no word of how the last run ended once the next one has begun, but for its journal. Where that does
    not tell, only a unit that is started again after failures alone has failed.
    """
    if said.get("Restart") in AFTER_FAILURES:
        return True
    start = (at, said["NRestarts"])
    if ENDS.get(name, ((0, ""), False))[0] != start:
        unit = said.get("Id") or (name if "." in name else name + ".service")
        ENDS[name] = (start, last_end(unit) == ENDED_BADLY)
    return ENDS[name][1]


def last_end(unit: str) -> str:
    """Return which message of systemd's journal tells how a unit ended last, empty when none does."""
    ends = ["MESSAGE_ID=" + ENDED_WELL, "MESSAGE_ID=" + ENDED_BADLY, "UNIT=" + unit]
    try:
        line = output_of(["journalctl", "--quiet", "--boot", "--output=json", "--lines=1", *ends])[1]
        return str(json.loads(line).get("MESSAGE_ID", ""))
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return ""


def told_by_systemd(names: Sequence[str]) -> List[Dict[str, str]]:
    """Return what systemd says of each unit, in order; all of them with one call."""
    shown = [part for name in ("ActiveState", *STARTED) for part in ("-p", name)]
    try:
        said = output_of(["systemctl", "show", *shown, "--", *names])[1]
    except (OSError, subprocess.SubprocessError):
        return []
    pairs = [[line.partition("=") for line in block.splitlines()] for block in said.strip().split("\n\n") if block]
    return [{name: value for name, _, value in block} for block in pairs]


def systemd_time(text: str) -> int:
    """Return seconds since 1970, 0 when there is no such time: `Fri 2026-11-27 21:26:37 UTC`."""
    words = text.split()
    try:
        if len(words) == 4 and words[3] == "UTC":
            return int(calendar.timegm(time.strptime(" ".join(words[1:3])[:19], "%Y-%m-%d %H:%M:%S")))
    except ValueError:
        pass
    return 0


def checked(command: str) -> str:
    """Return how a service is that systemd does not know, by what its check ends with."""
    try:
        return CHECKED.get(output_of(shlex.split(command))[0], "failed")
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return "unknown"


def system_name() -> str:
    """Return what runs here, such as `debian 12`."""
    said: Dict[str, str] = {}
    with contextlib.suppress(OSError, UnicodeDecodeError), open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.strip().partition("=")
            if equals:
                said[name] = value.strip("\"'")
    return " ".join(part for part in (said.get("ID", sys.platform), said.get("VERSION_ID", "")) if part)


def installed_at() -> int:
    """Return when this system came to be, in seconds since 1970; 0 when nobody knows.

    That is when its root folder was made, or its machine id where that is younger, as on a copy of an image.
    """
    found = 0
    with contextlib.suppress(OSError):
        found = int(os.stat("/etc/machine-id").st_mtime)
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        born = output_of(["stat", "-c", "%W", "/"])[1].strip()
        found = max(found, int(born) if born.isdigit() else 0)
    return found


def compact(value: object) -> str:
    """Write JSON without spaces: the hash is one of these characters."""
    return json.dumps(value, separators=(",", ":"))


def report_of(options: Options, because: str) -> Tuple[Dict[str, Any], str]:
    """Return a report without packages, and the packages as they are sent, empty when they can not be told."""
    host: Dict[str, Any] = {"name": options.name, "machine": read_line("/etc/machine-id"), "system": system_name()}
    host.update({kind: options.word(kind) for kind in ("cluster", "role", "environment")})
    host["installed"] = installed_at()
    lists = {"tags": options.names("tags"), "services": options.many("services")}
    told: Dict[str, Any] = {"v": 1, "host": dict(host, **lists), "at": time.time(), "boot": boot_id()}
    packages, units = packages_of(options), units_of(options)
    text = compact(packages) if packages is not None else ""
    if text:
        told["packages_hash"] = hashlib.sha256(text.encode("ascii")).hexdigest()
    if units.states is not None:
        told["units"] = units.states
    if units.started:
        told["started"] = units.started
    if units.crashed:
        told["crashed"] = list(units.crashed)
    asked = read_json(os.path.join(options.state, "gate.json"))
    if asked:
        told["gate"] = asked
    kept_aside = len(waiting(aside_of(options)))
    if kept_aside:
        told["aside"] = kept_aside
    told["because"] = because
    return told, text


# Reports: what waits --------------------------------------------------------------------------------------------------


def spool_of(options: Options) -> str:
    """Return the folder of what waits, made when it is missing."""
    path = os.path.join(options.state, "spool")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


@contextlib.contextmanager
def alone(folder: str, seconds: float) -> Iterator[None]:
    """Be the only one that writes and sends, so that order is kept. Raises Away when another one still does."""
    until = time.monotonic() + seconds
    with open(os.path.join(folder, ".lock"), "w", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise Away("another raglan-host reports") from None
                time.sleep(0.05)
        yield


def next_number(options: Options) -> int:
    """Return a number that grows with each report, also when the clock was set back or the folder is new."""
    path = os.path.join(options.state, "seq.json")
    number = max(int(read_json(path).get("seq", 0)) + 1, int(time.time() * 1000))
    write_json(path, {"seq": number})
    return number


def waiting(spool: str) -> List[str]:
    """Return the reports that wait, oldest first."""
    return sorted(name for name in os.listdir(spool) if name.endswith(".report"))


def same(told: Dict[str, Any]) -> Dict[str, Any]:
    """Return what of a report is of the machine, without when and why it was told."""
    gate_said = {name: value for name, value in told.get("gate", {}).items() if name != "asked_at"}
    return dict(
        {name: told.get(name) for name in ("host", "boot", "packages_hash", "units", "started")}, gate=gate_said
    )


def keep_report(options: Options, told: Dict[str, Any], packages: str) -> None:
    """Put a report behind those that wait; one that says nothing new stands for itself only once raglan answers."""
    spool = spool_of(options)
    names = waiting(spool)
    if names and same(read_json(os.path.join(spool, names[-1]))) == same(told):
        return
    if packages:
        path = os.path.join(spool, told["packages_hash"] + ".packages")
        if not os.path.exists(path):
            write_whole(path, gzip.compress(packages.encode("ascii"), 6))
    number = next_number(options)
    write_json(os.path.join(spool, "{:020}.report".format(number)), dict(told, seq=number))
    make_room(spool)


def keep_or_send(options: Options, told: Dict[str, Any], packages: str) -> None:
    """Keep a report until it is taken; where nothing can be kept, such as on a full disk, send it from memory.

    Raises Away, OSError.
    """
    try:
        keep_report(options, told, packages)
    except OSError as error:
        complain("a report could not be kept: {}".format(error))
        fresh = dict(told, seq=int(time.time() * 1000), sent=time.time())
        body = compact(fresh)
        with contextlib.suppress(Refused, Unknown):
            send(options, body[:-1] + ',"packages":' + packages + "}" if packages else body)
        raise


def make_room(spool: str) -> None:
    """Let the oldest go when too many wait, or too much; and packages that no report speaks of."""
    names = waiting(spool)
    size = sum(os.path.getsize(os.path.join(spool, name)) for name in os.listdir(spool))
    while len(names) > 1 and (len(names) > MOST_WAITING or size > MOST_BYTES):
        path = os.path.join(spool, names.pop(0))
        size -= os.path.getsize(path)
        complain("too much waits; the report {} is lost".format(path))
        os.unlink(path)
        size -= sweep(spool, names)


def sweep(spool: str, names: Sequence[str]) -> int:
    """Remove packages that no report speaks of, and what was left half written; return how many bytes."""
    wanted = {str(read_json(os.path.join(spool, name)).get("packages_hash")) for name in names}
    gone = 0
    for name in os.listdir(spool):
        kind = name.rpartition(".")[2]
        if kind == "new" or (kind == "packages" and name.partition(".")[0] not in wanted):
            gone += os.path.getsize(os.path.join(spool, name))
            os.unlink(os.path.join(spool, name))
    return gone


def flush(options: Options) -> int:
    """Send what waits, in order; return how many. Raises Away at the first one that raglan can not take now.

    One that raglan could not store after a few tries is passed over. Once raglan takes a later one, it is put aside;
    when it takes no other one either, all of them wait for a raglan that is well again.
    """
    spool, sent = spool_of(options), 0
    passed_over: List[str] = []
    wrong: Optional[Broken] = None
    for name in waiting(spool):
        path = os.path.join(spool, name)
        told = read_json(path)
        try:
            if not told:
                raise Refused("it can not be read")
            hand_over(options, spool, told)
            write_json(os.path.join(options.state, "told.json"), same(told))
            sent += 1
            while passed_over:
                put_aside(options, passed_over.pop(0), wrong)
        except Refused as error:
            complain("{}; the report {} is dropped".format(error, name))
        except Broken as error:
            if count_try(options, name) < TRIES or len(passed_over) >= TRIES:
                raise
            wrong = error
            passed_over.append(name)
            continue
        os.unlink(path)
    sweep(spool, waiting(spool))
    if passed_over and wrong is not None:
        raise wrong
    return sent


def count_try(options: Options, name: str) -> int:
    """Count that raglan could not store a report; return how often that was."""
    path = os.path.join(options.state, "tries.json")
    there = [*waiting(spool_of(options)), *waiting(aside_of(options))]
    tries = {name: number for name, number in read_json(path).items() if name in there and isinstance(number, int)}
    tries[name] = tries.get(name, 0) + 1
    write_json(path, tries)
    return tries[name]


def aside_of(options: Options) -> str:
    """Return the folder of what was put aside, made when it is missing."""
    path = os.path.join(options.state, "aside")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def put_aside(options: Options, name: str, wrong: object) -> None:
    """Put a report aside with its packages, so that it holds up no later one; let the oldest go when there are many."""
    spool, aside = spool_of(options), aside_of(options)
    packages = str(read_json(os.path.join(spool, name)).get("packages_hash")) + ".packages"
    with contextlib.suppress(OSError), open(os.path.join(spool, packages), "rb") as file:
        write_whole(os.path.join(aside, packages), file.read())
    os.utime(os.path.join(spool, name))
    os.rename(os.path.join(spool, name), os.path.join(aside, name))
    complain("{}; the report is put aside as {}".format(wrong, os.path.join(aside, name)))
    names = waiting(aside)
    while len(names) > MOST_ASIDE:
        complain("too much is put aside; the report {} is lost".format(names[0]))
        os.unlink(os.path.join(aside, names.pop(0)))
    sweep(aside, names)


def take_back(options: Options, older_than_s: float) -> None:
    """Let what was put aside so long ago wait again, at its place in the order: raglan may be mended meanwhile."""
    spool, aside = spool_of(options), aside_of(options)
    for name in waiting(aside):
        path = os.path.join(aside, name)
        if abs(time.time() - os.stat(path).st_mtime) < older_than_s:
            continue
        packages = str(read_json(path).get("packages_hash")) + ".packages"
        with contextlib.suppress(OSError), open(os.path.join(aside, packages), "rb") as file:
            write_whole(os.path.join(spool, packages), file.read())
        os.rename(path, os.path.join(spool, name))
    sweep(aside, waiting(aside))


def hand_over(options: Options, spool: str, told: Dict[str, Any]) -> None:
    """Send one: first with the hash of its packages only, which is all where another machine has the same ones."""
    try:
        send(options, compact(dict(told, sent=time.time())))
    except Unknown:
        try:
            with open(os.path.join(spool, str(told.get("packages_hash")) + ".packages"), "rb") as file:
                packages = gzip.decompress(file.read()).decode("ascii")
        except (OSError, EOFError, ValueError) as error:
            raise Refused("its packages can not be read: {}".format(error)) from None
        try:
            send(options, compact(dict(told, sent=time.time()))[:-1] + ',"packages":' + packages + "}")
        except Unknown:
            raise Away("raglan asks for packages that it was sent") from None


def send(options: Options, body: str) -> None:
    """Send one to the first raglan that answers. Raises Refused, Unknown, Away."""
    urls = options.many("url")
    if not urls or not options.token:
        raise Away("say url and token in the options")
    wrong: Optional[Away] = None
    for url in urls:
        try:
            return post(url.rstrip("/") + "/fleet/report", options.token, body)
        except Away as error:
            wrong = error
    raise wrong or Away("nobody was asked")


def post(url: str, token: str, body: str) -> None:
    """Send one to one raglan. Raises Refused, Unknown, Away."""
    data = gzip.compress(body.encode("ascii"), 6)
    headers = {"Authorization": "Bearer " + token, "User-Agent": "raglan-host"}
    headers.update({"Content-Type": "application/json", "Content-Encoding": "gzip"})
    headers["X-Raglan-Sent"] = str(int(time.time()))  # what waited here is told from a clock that is wrong
    try:
        with OPENER.open(urllib.request.Request(url, data=data, headers=headers), timeout=SEND_S) as answer:
            words, code = answer.read(MOST_TEXT).decode("utf-8", "replace"), answer.getcode()
        if code != ACCEPTED:  # somebody else answers there, such as a portal that asks for a name
            raise_for(code, words, "")
    except urllib.error.HTTPError as error:
        with error:
            raise_for(error.code, error.read(2000).decode("utf-8", "replace"), error.headers.get("Retry-After", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Away("raglan could not be reached: {}".format(error)) from None


def raise_for(code: int, words: str, wait: str) -> None:
    """Raise what an answer means."""
    said = "raglan answered {}: {}".format(code, words)
    if code == 409:
        raise Unknown(said)
    if code in (400, 413, 415, 422):
        raise Refused(said)
    if code == 500:
        raise Broken(said)
    raise Away(said, float(wait) if wait.isdigit() else 0)


def again(options: Options) -> None:
    """Let all that was put aside wait again. Raises OSError."""
    with contextlib.suppress(Away), alone(spool_of(options), LOCK_S):
        take_back(options, 0)


def report(options: Options, because: str, *, only_news: bool = False) -> float:
    """Tell how this machine is, behind what waits; return for how long raglan wants to be left alone. Raises OSError.

    With `only_news`, what raglan was told already is not told again.
    """
    os.makedirs(options.state, mode=0o700, exist_ok=True)
    try:
        with alone(spool_of(options), LOCK_S):
            take_back(options, ASIDE_AGAIN_S)
            told, packages = report_of(options, because)
            is_news = same(told) != read_json(os.path.join(options.state, "told.json"))
            if is_news or not only_news:
                keep_or_send(options, told, packages)
            flush(options)
    except Away as error:
        complain("{}; what waits is kept in {}".format(error, options.state))
        return max(error.wait_s, 1.0)
    return 0.0


# Running by itself ----------------------------------------------------------------------------------------------------


def watch(options: Options) -> None:
    """Report for ever: at once on a change, regularly otherwise."""
    every, look = options.number("every_s", 600), options.number("look_s", 10)
    because, seen, next_s, free_s = "boot", changed(options), 0.0, 0.0
    next_s = spread(options, min(every, 60))  # machines that were started together do not report together
    begun = time.monotonic()
    while True:
        time.sleep(max(0.1, look))
        at, now_seen = time.monotonic() - begun, changed(options)
        if at < free_s or (at < next_s and now_seen == seen):
            continue
        because = because if at >= next_s else because_of(seen, now_seen)
        with contextlib.suppress(OSError):
            free_s = at + report(options, because)
        because, seen, next_s = "timer", now_seen, at + every


def spread(options: Options, seconds: float) -> float:
    """Return a part of a time that is this machine's own."""
    mine = hashlib.sha256((read_line("/etc/machine-id") + options.name).encode("utf-8")).digest()
    return int.from_bytes(mine[:4], "big") / 2.0**32 * seconds


def changed(options: Options) -> List[object]:
    """Return what changes when packages or services do, and costs little to look at."""
    folder = os.environ.get("DPKG_ADMINDIR", "/var/lib/dpkg")
    seen: List[object] = []
    for path in (folder + "/status", *rpm_files(), options.state + "/gate.json"):
        with contextlib.suppress(OSError):
            seen.append((path, os.stat(path).st_mtime))
    return [*seen, units_of(options)]


def rpm_files() -> List[str]:
    """Return the files that may hold rpm's database."""
    return [os.path.join(folder, name) for folder in RPM_FOLDERS for name in RPM_FILES]


def because_of(seen: Sequence[object], now_seen: Sequence[object]) -> str:
    """Return what is to be told: that the database of rpm or dpkg is another one, a unit is, or the gate's answer."""
    fresh = [one for one in now_seen if one not in seen]
    paths = [one[0] for one in fresh if isinstance(one, tuple) and not isinstance(one, Units)]
    if set(paths) & set(rpm_files()):
        return "rpm"
    if any(path.endswith("/status") for path in paths):
        return "dpkg"
    return "unit" if any(isinstance(one, Units) for one in fresh) else "gate"


def zypp(options: Options, told: IO[bytes], answers: IO[bytes]) -> None:
    """Be a commit plugin of libzypp: confirm each of its messages, and report once it has changed packages."""
    frame = b""
    while True:
        byte = told.read(1)
        if not byte:
            return
        if byte != b"\0":
            frame = frame[-MOST_FRAME:] + byte if b"\n" not in frame.lstrip() else frame
            continue
        command, frame = frame.strip().split(b"\n")[0].strip(), b""
        answers.write(b"ACK\n\n\0")
        answers.flush()
        if command == b"COMMITEND":
            in_background(lambda: report(options, "rpm", only_news=True))
        if command == b"_DISCONNECT":
            return


def apt_before(options: Options, lines: Sequence[str]) -> None:
    """Tell whoever runs apt of a hold on what it is about to touch; apt goes on all the same."""
    names = touched(lines)
    if not names:
        return
    asked = words_of(options, {"package": names[:100]})
    answer, _ = ask_gate(options, asked)
    for hold in answer.left():
        complain("the hold {} asks automation not to touch this: {}".format(hold.name, hold.reason))
    warn_of_hands(answer)


def touched(lines: Sequence[str]) -> List[str]:
    """Return the packages that apt is about to change, as version 3 of its hook tells them."""
    body = list(lines)
    if not body or body[0].strip() != "VERSION 3" or "" not in [line.strip() for line in body]:
        return []
    start = [line.strip() for line in body].index("") + 1
    rows = [line.split() for line in body[start:]]
    return sorted({row[0] for row in rows if len(row) >= 9 and row[8] != "**CONFIGURE**" and "," not in row[0]})


def in_background(work: Callable[[], object]) -> None:
    """Do something in a process of its own, so that whoever called does not wait."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        return
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        work()
    finally:
        os._exit(0)


FILES = {
    "apt": (
        "etc/apt/apt.conf.d/99raglan-host",
        """// Written by raglan-host: a hold is shown before apt changes something, and what it changed is told at once.
// Neither keeps apt from its work.
DPkg::Pre-Install-Pkgs {{"{program} apt-before || true";}};
DPkg::Tools::Options::{program}::Version "3";
DPkg::Post-Invoke {{"{program} apt-after || true";}};
""",
    ),
    "dnf": (
        "etc/dnf/plugins/post-transaction-actions.d/raglan-host.action",
        """# Written by raglan-host; needs python3-dnf-plugin-post-transaction-actions.
*:any:{program} report --background --because rpm
""",
    ),
    "dnf5": (
        "etc/dnf/libdnf5-plugins/actions.d/raglan-host.actions",
        """# Written by raglan-host; needs libdnf5-plugin-actions.
post_transaction::::{program} report --background --because rpm
""",
    ),
    "yum": (
        "usr/lib/yum-plugins/raglan_host.py",
        """# Written by raglan-host, for yum 3: what yum changed is told at once. It never keeps yum from its work.
import subprocess

from yum.plugins import TYPE_CORE

requires_api_version = "2.3"
plugin_type = (TYPE_CORE,)


def posttrans_hook(conduit):
    try:
        subprocess.call(["{program}", "report", "--background", "--because", "rpm"])
    except EnvironmentError as error:
        conduit.error(2, "raglan-host: %s" % error)
""",
    ),
    "zypper": (
        "usr/lib/zypp/plugins/commit/raglan-host",
        """#!/bin/sh
# Written by raglan-host: what zypper changed is told at once. It never keeps zypper from its work.
exec {program} zypp
""",
    ),
    "systemd": (
        "etc/systemd/system/raglan-host.service",
        """# Written by raglan-host.
[Unit]
Description=Tells raglan what runs here
After=network-online.target

[Service]
ExecStart={program} watch
Restart=always
RestartSec=30
Nice=10
StateDirectory=raglan-host

[Install]
WantedBy=multi-user.target
""",
    ),
    "gate": (
        "etc/systemd/system/chef-client.service.d/raglan-gate.conf",
        """# Written by raglan-host: while a hold is on, the unit is not started and counts as skipped, not as failed.
[Service]
ExecCondition=/bin/sh -c '{program} gate --quiet; [ $? -ne 75 ]'
""",
    ),
    "cron": (
        "etc/cron.d/raglan-host",
        """# Written by raglan-host.
*/10 * * * * root {program} report --splay 300 >/dev/null 2>&1
@reboot root {program} report --because boot >/dev/null 2>&1
""",
    ),
}
BESIDE = {"yum": ("etc/yum/pluginconf.d/raglan_host.conf", "[main]\nenabled=1\n")}  # another file that a kind needs
PROGRAMS = ("zypper",)  # kinds whose file is run


def install(kinds: Sequence[str], root: str) -> int:
    """Print the files that make it run by itself, or write them below a folder."""
    program = os.path.abspath(sys.argv[0])
    for kind in kinds:
        for path, text in [FILES[kind], *([BESIDE[kind]] if kind in BESIDE else [])]:
            words = text.format(program=program)
            if not root:
                sys.stdout.write("# /{}\n{}\n".format(path, words))
                continue
            whole = os.path.join(root, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            write_whole(whole, words.encode("utf-8"))
            os.chmod(whole, 0o755 if kind in PROGRAMS else 0o644)
    return EXIT_GO


# The command line -----------------------------------------------------------------------------------------------------


def arguments(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="raglan-host", description=(__doc__ or "").partition("\n\n")[0])
    default = os.environ.get("RAGLAN_HOST_CONFIG", CONFIG)
    parser.add_argument("--config", default=default, help="file with the options")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.required = True
    asks = commands.add_parser("gate", help="0: go, 75: stop")
    asks.add_argument("--quiet", action="store_true", help="only the exit code")
    for kind in WORDS:
        asks.add_argument("--" + kind, action="append", help="{} of this run; may be repeated".format(kind))
    tells = commands.add_parser("report", help="tell packages and services, once")
    tells.add_argument(
        "--because", choices=("timer", "apt", "dpkg", "rpm", "boot", "unit", "gate"), default="timer", help="why now"
    )
    tells.add_argument("--splay", type=float, default=0, help="wait for a part of so many seconds, this machine's own")
    tells.add_argument("--background", action="store_true", help="do not keep the caller waiting")
    tells.add_argument("--again", action="store_true", help="also tell again what raglan could not store")
    commands.add_parser("watch", help="tell for ever: at once on a change, regularly otherwise")
    commands.add_parser("apt-before", help="for apt's Pre-Install-Pkgs")
    commands.add_parser("apt-after", help="for apt's Post-Invoke")
    commands.add_parser("zypp", help="as a commit plugin of libzypp")
    files = commands.add_parser("install", help="print the files that make it run by itself")
    files.add_argument("kinds", nargs="+", choices=sorted(FILES), metavar="kind", help=", ".join(sorted(FILES)))
    files.add_argument("--write", default="", metavar="FOLDER", help="write them below a folder, such as /")
    return parser.parse_args(argv)


def tell(options: Options, args: argparse.Namespace) -> int:
    """Report once."""
    if args.splay > 0:
        time.sleep(spread(options, args.splay))
    if args.again:
        again(options)
    if args.background:
        in_background(lambda: report(options, args.because))
    else:
        report(options, args.because)
    return EXIT_GO


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Do what was asked for; return the exit code. What goes wrong with a report is told, and stops nothing."""
    args = arguments(argv)
    if args.command == "install":
        return install(args.kinds, args.write)
    options = options_of(args.config, dict(os.environ))
    if args.command == "gate":
        return gate_safely(options, args)
    try:
        if args.command == "apt-before":
            apt_before(options, sys.stdin.read(MOST_TEXT).splitlines())
        elif args.command == "apt-after":
            in_background(lambda: report(options, "apt", only_news=True))
        elif args.command == "zypp":
            zypp(options, sys.stdin.buffer, sys.stdout.buffer)
        elif args.command == "watch":
            watch(options)
        else:
            tell(options, args)
    except OSError as error:
        complain(str(error))
        return EXIT_WRONG if args.command == "report" else EXIT_GO
    return EXIT_GO


def run() -> None:
    """Run as a program; a place that does not answer does not keep it from ending."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
