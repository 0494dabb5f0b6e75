"""What the subject of a mail says: which condition it is about, and whether that is over.

Only marks count: words of state in brackets or before a colon or dash at the beginning, and at the end. The same words
within a sentence (`disaster recovery failed`, `could not be resolved`) say nothing. Where a mark may be a part of a
sentence, the end is in doubt: it counts only for what was heard of before.
"""

import re
from dataclasses import dataclass, field

from raglan.integrations.mail_in import senders
from raglan.integrations.mail_in.senders import Ends
from raglan.integrations.mail_in.states import BAD, OVER

MOST = 10_000
STATE = rf"(?P<state>{OVER}|{BAD}|ALERT)\b(?::\d+)?"
AGAIN = r"(?:re-(?=triggered))?"
LASTED = r"(?: (?:in|after|for) \d[\w .,:]{0,40}?)?"
ANSWERED = re.compile(r"(?:re|fwd?|aw|wg) ?: ?", re.IGNORECASE)
SIGNS = re.compile(r"(?:\*+|[^\w\s\[\]]{1,4}(?=\s)) ?")
BRACKET = re.compile(r"[\[(]([^\[\]()]{0,40})[\])] ?")
WITHIN = re.compile(rf"\W*{AGAIN}{STATE}(?: ?, ?(?:{OVER}|{BAD}):\d+)*(?: - .*)?\W*", re.IGNORECASE)
ON = re.compile(rf"\[\W{{0,4}}{AGAIN}{STATE} on (?P<where>\{{[^{{}}\[\]]{{1,200}}\}})\] ?", re.IGNORECASE)
LEADING = re.compile(
    r"(?:updated )?(?:(?:monitor|host|service|site|sensor) is )?"
    rf"(?:(?P<doubt>alert) )?{STATE}(?: (?:alert|alarm|notification))?{LASTED}(?: ?:(?!\d|/) ?| ?\| | ?[-–—]+ )",
    re.IGNORECASE,
)
NAGIOS = re.compile(rf"{STATE} (?=(?:service|host) (?:alert|notification)\b)", re.IGNORECASE)
CLOSING = tuple(
    re.compile(rf"{before}{STATE}{behind}[\s*!.]*$", re.IGNORECASE)
    for before, behind in (
        (rf" (?:{OVER}|{BAD}) ?(?:->|=>|→) ?", ""),
        (r" ?[\[(]\W{0,4}", r"\W{0,4}[\])]"),
        (r"(?: [-–—|]+ |: )", ""),
    )
)
SAID = re.compile(
    rf" (?:(?:is|are)(?: now)? {STATE}|(?:(?:is|are) )?(?P<normal>back to normal)"
    r"|(?:has|have) (?:been )?(?P<done>resolved|recovered|cleared))[\s*!.]*$",
    re.IGNORECASE,
)
SAID_BARE = re.compile(r" (?:(resolved|cleared)|(recovered)(?: from \w[\w-]{0,40})?)[\s*!.]*$", re.IGNORECASE)
OF_LIBRENMS = re.compile(r"device (\S{1,255}) recovered from (\S.{0,999})", re.IGNORECASE)
AFTER = re.compile(
    r" ?(?:\([a-z ]{0,30}\b(?:after|lasted|duration|down for|took):? ?\d[^()]{0,60}\)"
    r"| after \d[\d .:]{0,12}(?:[a-z]{1,8}[ ,]{0,2}(?:\d{1,4} ?[a-z]{1,8}[ ,]{0,2}){0,4})?)$",
    re.IGNORECASE,
)
BARE = re.compile(rf"(?:{BAD})\b")
ALARMING = re.compile(
    rf"\b(?:{BAD}|fail(?:s|ed|ing|ure)?|errors?|fatal|not|cannot|can't|unable|unresolved)\b", re.IGNORECASE
)
DENIED = re.compile(
    r"\b(?:not|never|no|cannot|unable|until|unless|when|if|before|without|whether|fail(?:s|ed|ing|ure)?)\b|n['’]t\b",
    re.IGNORECASE,
)
STATES = re.compile(
    r"\b(PROBLEM|RECOVERY|FIRING|RESOLVED|CRITICAL|WARNING|UNKNOWN|OK|UP|DOWN|RECOVERED|CLEARED|ALERT|ALERTING)\b(:\d+)?",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a subject is about, without its marks, and whether it says that this is over."""

    about: str
    ends: Ends


@dataclass(frozen=True, slots=True)
class _Mark:
    length: int
    state: str = ""
    tag: str = ""
    in_doubt: bool = False


@dataclass(slots=True)
class _Marks:
    """The states that lead, in order, whether one is in doubt, and what else stands in brackets before the rest."""

    states: list[str] = field(default_factory=list)
    in_doubt: bool = False
    tags: list[str] = field(default_factory=list)
    rest: str = ""


def read(subject: str, text: str = "") -> Subject:
    """Tell what a subject is about and whether it is over; of a subject without words all of it is kept.

    The text of its mail is looked at only where a subject may be of a sender whose text tells that it is.
    """
    title = " ".join(subject[:MOST].split())
    if found := senders.read(title, text):
        return Subject(*found)
    marks = _leading(title)
    own, closing = _closing(marks.rest, led=bool(marks.states))
    text = STATES.sub("", AFTER.sub("", own)).strip(" *")
    text = " ".join(re.sub(r"\b(is|now)$", "", text).split()).strip(" :-*|")
    about = " ".join([*marks.tags, text]) if re.search(r"\w", text) else title
    return Subject(about or subject, _ends(marks, closing))


def _leading(title: str) -> _Marks:
    marks = _Marks(rest=title)
    while (mark := _mark(marks.rest)) and mark.length < len(marks.rest):
        marks.states += [mark.state] if mark.state else []
        marks.in_doubt = marks.in_doubt or mark.in_doubt
        marks.tags += [mark.tag] if mark.tag else []
        marks.rest = marks.rest[mark.length :]
    return marks


def _mark(text: str) -> _Mark | None:
    """Return the mark that a text begins with: a sign, a state, or a tag such as the name of a list or a host."""
    if found := ANSWERED.match(text) or SIGNS.match(text):
        return _Mark(found.end())
    if found := ON.match(text):
        return _Mark(found.end(), state=found["state"], tag=found["where"], in_doubt=True)
    if found := BRACKET.match(text):
        if within := WITHIN.fullmatch(found[1]):
            return _Mark(found.end(), state=within["state"])
        if text.startswith("["):
            is_number = re.fullmatch(r"#?\d+", found[1])
            return _Mark(found.end(), tag="" if is_number else found[0].strip())
    if found := LEADING.match(text):
        return _Mark(found.end(), state=found["state"], in_doubt=found["doubt"] is not None)
    found = NAGIOS.match(text)
    return _Mark(found.end(), state=found["state"]) if found else None


def _closing(text: str, *, led: bool) -> tuple[str, tuple[str, Ends]]:
    """Return the text without the state at its end, that state, and how sure an end it would be.

    Behind a mark at the beginning, only what is written in capitals is no part of the text itself.
    """
    for pattern in CLOSING:
        if found := pattern.search(text):
            state = found["state"]
            is_mark = state.isupper() or state.lower() not in ("up", "clear", "recovery")
            sure: Ends = "surely" if is_mark and not ALARMING.search(text[: found.start()]) else "maybe"
            break
    else:
        found = SAID.search(text)
        if found is None:
            return _barely_said(text, led=led)
        state = found["state"] or found["normal"] or found["done"]
        sure = "" if DENIED.search(text) else "maybe"
    if led and not state.isupper():
        return text, (state, sure)
    return text[: found.start()], (state, sure)


def _barely_said(text: str, *, led: bool) -> tuple[str, tuple[str, Ends]]:
    """Read what ends in `cleared`, `resolved` or `recovered` alone. It may be all of a problem: `Audit log cleared`."""
    if not led and (found := OF_LIBRENMS.fullmatch(text)):
        return _closing(f"Alert for device {found[1]} - {found[2]}", led=False)[0], ("recovered", "maybe")
    found = SAID_BARE.search(text)
    state = (found[1] or found[2]) if found else ""
    if found is None or DENIED.search(text[: found.start()]) or (led and not state.isupper()):
        return text, ("", "")
    return text[: found.start()], (state, "maybe")


def _ends(marks: _Marks, closing: tuple[str, Ends]) -> Ends:
    first = next((state for state in marks.states if state.upper() != "ALERT"), "")
    if first:
        if not _is_over(first):
            return ""
        is_sure = len(marks.states) == 1 and not marks.in_doubt and not ALARMING.search(marks.rest)
        return "surely" if is_sure else "maybe"
    state, sure = closing
    return sure if state and _is_over(state) and not BARE.match(marks.rest) else ""


def _is_over(state: str) -> bool:
    return state.upper() in OVER.split("|")
