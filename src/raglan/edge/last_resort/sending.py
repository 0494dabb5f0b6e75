"""Writes a message of last resort and hands it over, by the channels and providers that need no database."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from raglan.config import config
from raglan.core import metrics, secrets
from raglan.core.errors import DeliveryError, RaglanError
from raglan.core.faults import fault_point
from raglan.edge.last_resort.cases import Case, Wanted
from raglan.edge.last_resort.standing import age_words
from raglan.paging import circuit, ports, providers
from raglan.people import sealing

MARK = "The database is away; this may be a repeat."
SHOWN = 10
PURPOSE = "away"


def token(case: str, person: int) -> str:
    """Return the token of a person's link to a case; it takes this case and does nothing else, for 72 hours."""
    return secrets.sign(PURPOSE, f"{case}:{person}")


def is_able(channel: str) -> bool:
    """Whether a provider of a channel is set up that needs no database."""
    return any(provider.is_on and not provider.needs_database for provider in ports.providers(channel))


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is ready to go out, apart from all that may change meanwhile."""

    channel: str
    address: str
    message: ports.Message


def write(wanted: Wanted, *, of: datetime, at: datetime) -> Letter:
    """Return a message; `of` is how old what it rests on is."""
    case, asked, way = wanted.case, wanted.asked, wanted.way
    signed = token(case.id, asked.person)
    link = f"{config().public_url}/away/{signed}/"
    message = ports.Message(
        key=f"away:{case.id}:{asked.person}:{way.channel}:{wanted.number}",
        page_id=0,
        person_name=asked.name,
        title=f"{MARK} {title_of(case)}",
        text=_text(case, of, at),
        severity="critical",
        since=case.at,
        why=asked.why,
        link=link,
        next_words=_next_words(case),
        may_repeat=False,  # its title says so, and why
        is_test=False,
        have_url=f"{link}have/",
        pass_url=f"{link}pass/",
        secret=_unsealed(way.sealed),
    )
    return Letter(way.channel, way.address, message)


def title_of(case: Case) -> str:
    """Return what a case is about, in a line."""
    firing = case.firing
    first = firing[0].title if firing else "what fired is over"
    more = len(firing) + case.more - 1
    return f"{first}, and {more} more" if more > 0 else first


def _text(case: Case, of: datetime, at: datetime) -> str:
    firing = case.firing
    listed = [f"- {group.title} ({group.severity})" for group in firing[:SHOWN]]
    more = len(firing) + case.more - len(listed)
    lines = [*listed, *([f"- and {more} more"] if more > 0 else [])]
    by = f"raglan sends this from one node by what it knew at {of:%H:%M} UTC ({age_words(of, at)})."
    return "\n".join([*lines, "", by, "When the database is back, this becomes an ordinary page."])


def _next_words(case: Case) -> str:
    return f"If nobody takes it, the next step comes at {case.next_at:%H:%M} UTC." if case.next_at else ""


def _unsealed(sealed: str) -> str:
    with suppress(RaglanError):
        return sealing.unseal(sealed) if sealed else ""
    return ""


def hand_over(letter: Letter) -> str:
    """Hand a message over; return why not, or nothing. Providers are asked in order, each once."""
    why = "no provider that needs no database is set up"
    tried: list[str] = []
    while (provider := _next(letter, tried)) is not None:
        tried.append(provider.name)
        if provider.needs_database:
            continue
        try:
            with circuit.hand_over(circuit.name_of(provider, letter.address), letter.address):
                provider.channel.send(letter.address, letter.message)
        except (RaglanError, OSError) as error:
            why = error.sentence if isinstance(error, RaglanError) else type(error).__name__
            why = why.replace(letter.address, "the address")[:300]
            metrics.sends.labels(letter.channel, "failed").inc()
            continue
        fault_point("last_resort.sent")
        metrics.sends.labels(letter.channel, "handed_over").inc()
        return ""
    return why


def _next(letter: Letter, tried: list[str]) -> ports.Provider | None:
    try:
        return providers.choose(letter.channel, letter.address, tried)
    except DeliveryError:
        return None
