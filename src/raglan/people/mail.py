"""Mail about signing in and contact methods. It is written with the change it tells of and handed over afterwards.

Pages never go this way: they have channels, receipts and escalation. What a mail says may hold a link that sets a
password, so it waits sealed. Mails stand in a few lanes, one at a time in each, so that a mail server that hangs holds
few threads; what the public may ask for stands in a lane of its own.
"""

import json
import smtplib
import zlib
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from raglan.config import config
from raglan.core import logs, smtp, timeline, timers
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.people import bouncing, events, sealing

MAIL, LATER = "people.mail", "people.mail_later"
LANES = 2
ASKED_FOR = "asked for"
AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
POLICY = SMTP.clone(max_line_length=900)  # a link in a header stays in one piece
log = logs.get("raglan.people")


def write(to: str, *, subject: str, text: str, about: timeline.Subject, lane: str = "") -> None:
    """Plan a mail in the current transaction. Without an address nothing goes out, and it takes as long."""
    letter = {"to": to, "subject": smtp.subject(subject), "text": text}
    lane = f"mail:{lane or zlib.crc32(to.lower().encode()) % LANES}"
    payload: dict[str, object] = {"sealed": sealing.seal(json.dumps(letter)), "tries": 0, "lane": lane}
    timers.schedule(MAIL, subject=timeline.ref(about), due_at=now(), payload=payload, lane=lane)


@timers.handler(LATER)
def line_up(due: timers.Due) -> None:
    """Let a mail that is tried again stand at the end of its lane; until now it held nobody up there."""
    lane = str(due.payload["lane"])
    timers.schedule(MAIL, subject=due.subject, due_at=now(), payload=due.payload, lane=lane)


@timers.handler(MAIL, network=True)
def send(due: timers.Due) -> None:
    """Hand one mail over; try again for some hours when the mail server can not be reached."""
    letter = json.loads(sealing.unseal(str(due.payload["sealed"])))
    if not letter["to"] or not config().smtp_url:
        return
    try:
        back = bouncing.return_to(due.subject, due.id)
        hand_over(letter["to"], letter["subject"], letter["text"], {"X-Raglan": "account"}, return_path=back)
    except DeliveryError as error:
        _not_sent(due, said=error.sentence, permanent=error.permanent)


def _not_sent(due: timers.Due, *, said: str, permanent: bool) -> None:
    tries = int(str(due.payload["tries"]))
    if not permanent and tries < len(AGAIN):
        again = {"lane": "mail:0", **due.payload, "tries": tries + 1}  # an older version wrote no lane
        timers.schedule(LATER, subject=due.subject, due_at=now() + AGAIN[tries], payload=again)
        return
    log.warning("a mail about signing in could not be handed over", extra={"about": due.subject, "said": said})
    timeline.append(events.MailNotSent(said=said), about=[due.subject])


def hand_over(to: str, subject: str, text: str, headers: Mapping[str, str], *, return_path: str = "") -> None:
    """Hand one mail to the mail server. Raises DeliveryError in few words; a 5xx answer is permanent."""
    sender = config().smtp_from
    mail = EmailMessage(policy=POLICY)
    every = {
        "Subject": smtp.subject(subject),
        "From": f"raglan <{sender}>",
        "To": to,
        "Date": format_datetime(now()),
        "Message-ID": make_msgid(domain=sender.rpartition("@")[2] or "localhost"),
        "Auto-Submitted": "auto-generated",
        **headers,
    }
    for name, value in every.items():
        mail[name] = value
    mail.set_content(text)
    try:
        smtp.send(mail, to, return_path)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise DeliveryError(f"refused with {code}", permanent=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"answered {error.smtp_code}", permanent=error.smtp_code >= 500) from None
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError(type(error).__name__, permanent=False) from None
