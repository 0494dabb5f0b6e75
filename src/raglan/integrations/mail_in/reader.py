"""Reads a mail to `alerts+TOKEN@…` as an alert, by the rules of its source.

Rules are patterns (re2, up to 500 characters) on the subject: `key` (what it finds, or its first group, is what the
alert is about), `resolved`, `ignore`, `from` (on the sender), `critical`, `warning`, `info`; and `ends_after_hours`:
then an alert that no mail repeats ends. Without rules, words that monitoring writes into subjects are used.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import re2

from raglan.alerts import actions, queries
from raglan.alerts.ports import Answer, Batch, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, shorten
from raglan.config import config
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, NotSignedIn
from raglan.core.mail_in import Mail
from raglan.integrations import shape

TAG = "alerts"
OVER = r"(?i)\b(resolved|recovered|recovery|back to normal|cleared|is ok|is up)\b"
MARKS = re.compile(r"^\s*((re|fwd?|aw|wg)\s*:|\[[^\]]{0,40}\]|\*+|[^\w\s\[\]]{1,4}(?=\s))\s*", re.IGNORECASE)
STATES = re.compile(
    r"\b(PROBLEM|RECOVERY|FIRING|RESOLVED|CRITICAL|WARNING|UNKNOWN|OK|UP|DOWN|RECOVERED|CLEARED|ALERT|ALERTING)\b(:\d+)?",
)
SEVERITIES = {
    "critical": r"(?i)\b(critical|down|emergency|fatal|disaster)\b",
    "warning": r"(?i)\b(warning|warn|degraded)\b",
    "info": r"(?i)\b(info|information|notice)\b",
}
PATTERNS = ("key", "resolved", "ignore", "from", *SEVERITIES)
MAX_PATTERN = 500
MAX_MATCHED = 10_000
KEPT_TEXT = 20_000
ENDS_AFTER_HOURS = 24
log = logs.get("raglan.mail")


def take(mail: Mail) -> str | None:
    """Open, repeat or end an alert by a mail. Raises BadInput when nobody has this address."""
    token = mail.tag(TAG)
    if token is None:
        return None
    try:
        source = queries.source_by_token(token.lower())
    except NotSignedIn:
        raise BadInput("to", "nobody here has this address") from None
    if source.kind != "email":
        raise BadInput("to", "this token belongs to a source of another kind")
    if why := loops(mail):
        log.info("mail was left alone", extra={"source": source.slug, "why": why})
        return f"left alone: {why}"
    body = body_of(mail)
    try:
        signal = read(body, source.mapping)
    except BadInput as error:
        actions.note_error(source.id, error.sentence, body=json.dumps(body).encode())
        raise
    if signal is None:
        actions.heard(source.id)
        return "left alone by a rule of the source"
    outcome = actions.ingest([Batch(source, Decoded([signal]), now())])[0]
    return f"{outcome.new} new, {outcome.repeated} repeated, {outcome.resolved} resolved"


def loops(mail: Mail) -> str:
    """Say why a mail must not open an alert, because it may be an answer to our own; empty when it may.

    What monitoring sends calls itself automatic, too: only answers, bounces and our own mail are left alone.
    """
    submitted = mail.headers.get("auto-submitted", "").strip().lower()
    if not mail.sender.strip("<> "):
        return "it is a bounce"
    if submitted.startswith("auto-replied") or "x-autoreply" in mail.headers or "x-autorespond" in mail.headers:
        return "it is an automatic answer"
    if "x-raglan" in mail.headers:
        return "raglan sent it itself"
    own = config().smtp_from.rpartition("<")[2].strip("> ").lower()
    if own and own in (mail.sender.lower(), mail.headers.get("from", "").rpartition("<")[2].strip("> ").lower()):
        return "it has raglan's own address as its sender"
    return ""


def body_of(mail: Mail) -> dict[str, Json]:
    """Return what is kept of a mail."""
    return {
        "subject": mail.subject,
        "from": mail.headers.get("from", "") or mail.sender,
        "text": mail.text[:KEPT_TEXT],
        "message_id": mail.message_id,
    }


def read(body: Mapping[str, Json], rules: Mapping[str, object]) -> RawSignal | None:
    """Return the signal that the rules make of a mail, or None when they leave it alone. Raises BadInput."""
    subject, sender = shape.plain(body.get("subject")).strip(), shape.plain(body.get("from"))
    text = shape.plain(body.get("text"))
    title = subject or text.strip().partition("\n")[0][:300]
    if not title:
        raise BadInput("subject", "is empty, and so is the mail")
    if _finds(rules, "ignore", title) or ("from" in rules and not _finds(rules, "from", sender)):
        return None
    severity = next((name for name in SEVERITIES if _finds(rules, name, title, SEVERITIES[name])), "unknown")
    labels = {"alertname": about(title, rules), "severity": severity, "from": sender.rpartition("<")[2].strip("> ")}
    return RawSignal(
        status="resolved" if _finds(rules, "resolved", title, OVER) else "firing",
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten({"description": text} if text else {}),
        title=title[:1_024],
        severity=severity,
        dedup_key=labels["alertname"][:1_024],
        expires_at=now() + timedelta(hours=_hours(rules)),
        raw=dict(body),
    )


def about(title: str, rules: Mapping[str, object]) -> str:
    """Return what a subject is about: what the rule `key` finds, or the subject without marks and words of state."""
    pattern = rules.get("key")
    if isinstance(pattern, str) and (found := _compiled("key", pattern).search(title[:MAX_MATCHED])):
        return (found.group(1) if found.groups() else found.group(0)) or title
    text = title
    while (mark := MARKS.match(text)) and mark.end() < len(text):
        text = text[mark.end() :]
    text = re.sub(r"\b(is|now)\s*(?=[*\s]*$)", "", STATES.sub("", text).strip(" *"))
    text = re.sub(r"\s+", " ", text).strip(" :-*")
    return text if re.search(r"\w", text) else title


def check(rules: Mapping[str, object]) -> None:
    """Refuse rules that can not be read. Raises BadInput naming the rule."""
    for name, value in rules.items():
        if name == "ends_after_hours":
            _hours(rules)
        elif name not in PATTERNS:
            raise BadInput(
                name, f"is no rule for mail; there are {', '.join(PATTERNS)} and ends_after_hours", status=422
            )
        elif not isinstance(value, str):
            raise BadInput(name, "must be a pattern, as a text", status=422)
        else:
            _compiled(name, value)


def _compiled(name: str, pattern: str) -> "re2._Regexp[str]":
    if len(pattern) > MAX_PATTERN:
        raise BadInput(name, f"a pattern has at most {MAX_PATTERN} characters", status=422)
    try:
        return re2.compile(pattern)
    except re2.error as error:
        raise BadInput(name, f"this pattern can not be read: {error}", status=422) from None


def _finds(rules: Mapping[str, object], name: str, text: str, otherwise: str = "") -> bool:
    pattern = rules.get(name) or otherwise
    return bool(pattern) and _compiled(name, str(pattern)).search(text[:MAX_MATCHED]) is not None


def _hours(rules: Mapping[str, object]) -> float:
    hours = rules.get("ends_after_hours", ENDS_AFTER_HOURS)
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not 0 < hours <= 8_760:
        raise BadInput("ends_after_hours", "must be a number of hours up to 8760", status=422)
    return float(hours)


class Letter:
    """The door of mail: closed to HTTP, it only makes and reads the sample for *send a test*."""

    kinds: Sequence[str] = ("email",)

    def takes(self, method: str, path: str) -> bool:
        """Nothing comes by HTTP."""
        return False

    def token(self, request: IntakeRequest) -> str:
        """None."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read a mail that stands as JSON."""
        signal = read(shape.mapping(decode_json(request.body), ""), source.mapping)
        return Decoded([signal] if signal else [])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """The counts."""
        return shape.counted(decoded, outcome)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A mail as monitoring writes it."""
        body = {"subject": "[FIRING] A test from Setup", "from": "monitor@example.org", "text": "Nothing is wrong."}
        return IntakeRequest("POST", "", "", {}, json.dumps(body).encode(), "127.0.0.1")
