"""Reads a mail to `alerts+TOKEN@…` as an alert, by the rules of its source.

Rules are patterns (re2, up to 500 characters) on the subject: `key` (what it finds, or its first group, is what the
alert is about), `resolved`, `ignore`, `from` (on the sender), `critical`, `warning`, `info`; and `ends_after_hours`:
then an alert that no mail repeats ends. Without rules, the marks that monitoring writes into subjects are used.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from raglan.alerts import actions, queries
from raglan.alerts.ports import Answer, Batch, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, shorten
from raglan.config import config
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, NotSignedIn
from raglan.core.mail_in import Mail
from raglan.integrations import shape
from raglan.integrations.mail_in import subjects
from raglan.integrations.mail_in.patterns import about, compiled, finds
from raglan.integrations.mail_in.senders import Ends
from raglan.integrations.mail_in.standing import known

TAG = "alerts"
SEVERITIES = {
    "critical": r"(?i)\b(critical|down|emergency|fatal|disaster)\b",
    "warning": r"(?i)\b(warning|warn|degraded)\b",
    "info": r"(?i)\b(info|information|notice)\b",
}
PATTERNS = ("key", "resolved", "ignore", "from", *SEVERITIES)
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
        signal = read(body, source.mapping, source.id)
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


def read(body: Mapping[str, Json], rules: Mapping[str, object], source_id: int) -> RawSignal | None:
    """Return the signal that the rules of a source make of a mail, or None when they leave it alone. Raises BadInput.

    What may be an end, of something that was never heard of, fires under all of its subject.
    """
    subject, sender = shape.plain(body.get("subject")).strip(), shape.plain(body.get("from"))
    text = shape.plain(body.get("text"))
    title = subject or text.strip().partition("\n")[0][:300]
    if not title:
        raise BadInput("subject", "is empty, and so is the mail")
    if finds(rules, "ignore", title) or ("from" in rules and not finds(rules, "from", sender)):
        return None
    severity = next((name for name in SEVERITIES if finds(rules, name, title, SEVERITIES[name])), "unknown")
    ends, found = _ends(title, rules, text), known(source_id, about(title, rules, text)[:1_024], rules)
    fires = not ends or (ends == "maybe" and not found.is_known)
    key = title if ends and fires else found.key
    labels = {"alertname": key, "severity": severity, "from": sender.rpartition("<")[2].strip("> ")}
    return RawSignal(
        status="firing" if fires else "resolved",
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten({"description": text} if text else {}),
        title=title[:1_024],
        severity=severity,
        dedup_key=key[:1_024],
        expires_at=now() + timedelta(hours=_hours(rules)),
        raw=dict(body),
    )


def _ends(title: str, rules: Mapping[str, object], text: str) -> Ends:
    if rules.get("resolved"):
        return "surely" if finds(rules, "resolved", title) else ""
    return subjects.read(title, text).ends


def _hours(rules: Mapping[str, object], field: str = "ends_after_hours") -> float:
    hours = rules.get("ends_after_hours", ENDS_AFTER_HOURS)
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not 0 < hours <= 8_760:
        raise BadInput(field, "must be a number of hours up to 8760", status=422)
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
        signal = read(shape.mapping(decode_json(request.body), ""), source.mapping, source.id)
        return Decoded([signal] if signal else [])

    def check_mapping(self, mapping: Mapping[str, object]) -> None:
        """Refuse a rule that there is not, or that can not be read. Raises BadInput naming it."""
        for name, value in mapping.items():
            field = f"mapping.{name}"
            if name == "ends_after_hours":
                _hours(mapping, field)
            elif name not in PATTERNS:
                known = ", ".join((*PATTERNS, "ends_after_hours"))
                raise BadInput(field, f"is no rule for mail; there are {known}", status=422)
            elif not isinstance(value, str):
                raise BadInput(field, "is a pattern, as a text", status=422)
            else:
                compiled(field, value)

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
