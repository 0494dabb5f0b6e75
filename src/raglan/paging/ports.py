"""What integrations implement to reach people, and what higher contexts may add to the page's screen.

The contract of a channel is written out in `docs/reference/channels.md`, and `raglan.testing.conformance` holds every
registered channel to it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from django.db.models import Q

from raglan.core.errors import BadInput, DeliveryError
from raglan.core.http import Answer
from raglan.core.posts import Post
from raglan.paging.models import Page


@dataclass(frozen=True, slots=True)
class Tap:
    """One thing that may be done about a message, and the screen where it is done."""

    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel hands over. `key` is the same for each try of the same notification.

    Without `have_url` it is a quiet word, which pages nobody: it asks for no answer and has no severity. It may have
    `taps`, which a channel shows as buttons where it has some, and else leaves out.
    """

    key: str
    page_id: int
    person_name: str
    title: str
    text: str
    severity: str
    since: datetime
    why: str
    link: str
    next_words: str
    may_repeat: bool
    is_test: bool
    token: str = ""  # answers this page as this person; good for 72 hours and for nothing else
    have_url: str = ""  # a POST there takes the page
    pass_url: str = ""  # a POST there passes it on
    secret: str = ""  # what was kept sealed with the address
    taps: tuple[Tap, ...] = ()

    @property
    def is_word(self) -> bool:
        """Whether it is a quiet word, and no page."""
        return self.page_id == 0 and not self.have_url


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider's word: its id for the message, and whether it says that the message was received."""

    provider_id: str = ""
    received: bool = False


class Outcome(StrEnum):
    """What a provider says later about a message that it took."""

    RECEIVED = "received"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Report:
    """Later news of a message. Not reached: nobody answered, a machine did, the number is dead."""

    outcome: Outcome
    words: str = ""


class Channel(Protocol):
    """A means to reach a person. Raises DeliveryError; `permanent` says whether trying again can help.

    One that says `takes_answers = False` of itself is given the link alone, without what brings other answers.
    """

    kind: str

    def check(self, address: str) -> None:
        """Raise BadInput when the address can not be one of this channel."""

    def send(self, address: str, message: Message) -> Receipt:
        """Hand the message over within the send deadline."""


@runtime_checkable
class Confirms(Protocol):
    """A channel that can be asked later what became of a message, for sites that no callback can reach."""

    ask_after: tuple[timedelta, ...]

    def ask(self, provider_id: str) -> Report | None:
        """Return the news, or None while there is none. Raises DeliveryError."""


@runtime_checkable
class Updates(Protocol):
    """A channel that can tell a person quietly that somebody has the page, or that it is over."""

    def update(self, address: str, message: Message, words: str) -> None:
        """Replace what was sent before with these words. Raises DeliveryError."""


@runtime_checkable
class HasLanes(Protocol):
    """A channel whose addresses lead to different servers: each is watched apart."""

    def lane(self, address: str) -> str:
        """Return the name of the server behind an address."""


@runtime_checkable
class Posts(Protocol):
    """A channel whose messages are a plain POST each, so that one thread may have several on their way.

    `send` does the same as posting what `post_of` returns and giving the answer to `receipt_of`.
    """

    def url_of(self, address: str) -> str:
        """Return where messages to an address are posted."""

    def post_of(self, address: str, message: Message) -> Post:
        """Return what is to be posted."""

    def receipt_of(self, answer: Answer) -> Receipt:
        """Take the answer. Raises DeliveryError when it is a refusal."""


class Gone(DeliveryError):
    """The address has ended for good, such as a browser whose subscription is over: it is removed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, permanent=True)


class TooFast(DeliveryError):
    """The provider wants fewer messages: it is left alone for `seconds`."""

    def __init__(self, sentence: str, *, seconds: float) -> None:
        super().__init__(sentence, permanent=False)
        self.seconds = min(max(seconds, 1.0), 300.0)


@dataclass(frozen=True, slots=True)
class Provider:
    """One of the providers behind a channel. `why_off` returns what is missing; empty when it is set up."""

    name: str
    channel: Channel
    why_off: Callable[[], str]
    can_confirm: bool = True
    per_hour: Callable[[], int] = lambda: 0
    needs_database: str = ""
    # What its channel can do, asked once: asking a protocol for each message takes as long as a small statement.
    lanes: HasLanes | None = field(init=False)
    confirms: Confirms | None = field(init=False)
    posts: Posts | None = field(init=False)
    takes_answers: bool = field(init=False)

    def __post_init__(self) -> None:
        """Look what the channel can do."""
        object.__setattr__(self, "lanes", self.channel if isinstance(self.channel, HasLanes) else None)
        object.__setattr__(self, "confirms", self.channel if isinstance(self.channel, Confirms) else None)
        object.__setattr__(self, "posts", self.channel if isinstance(self.channel, Posts) else None)
        object.__setattr__(self, "takes_answers", bool(getattr(self.channel, "takes_answers", True)))

    @property
    def is_on(self) -> bool:
        """Whether it is set up here."""
        return not self.why_off()


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that is known already about what a page is for. `words` is bold, `text` follows it."""

    words: str
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What higher contexts know about a page: facts, who has it already, and the room, where there is one."""

    known: tuple[Known, ...] = ()
    has_it: str = ""
    room_link: str = ""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a page is for: the keys of its groups, and since when the oldest of what fires in them has been known."""

    keys: tuple[str, ...] = ()
    since: datetime | None = None


_channels: dict[str, dict[str, Provider]] = {}
_subjects: list[Callable[[Page], Subjects | None]] = []
_pages_for: list[Callable[[Sequence[str], int | None], list[Page]]] = []
_around: list[tuple[Callable[[Page], Around], Callable[[Sequence[int]], set[int]] | None]] = []
_links: list[Callable[[Page], list[Known]]] = []
_sights: list[Callable[[str], Q]] = []
_insides: list[Callable[[Page], bool]] = []


def _nothing_missing() -> str:
    return ""


def _no_limit() -> int:
    return 0


def register_channel(
    channel: Channel,
    *,
    name: str = "",
    why_off: Callable[[], str] = _nothing_missing,
    can_confirm: bool = True,
    per_hour: Callable[[], int] = _no_limit,
    needs_database: str = "",
) -> None:
    """Make a provider of a channel known. A channel with one provider needs no name.

    `per_hour` is its budget of messages for the whole installation; 0 is none. `can_confirm` is whether its messages
    bring the person back to raglan: a provider that can not is marked so on screens. `needs_database` says for what
    `send` asks the database; such a provider sends nothing while that is away.
    """
    name = name or channel.kind
    provider = Provider(name, channel, why_off, can_confirm, per_hour, needs_database)
    _channels.setdefault(channel.kind, {})[name] = provider


def kinds() -> list[str]:
    """Return the kinds that integrations offer."""
    return sorted(_channels)


def providers(kind: str) -> list[Provider]:
    """Return the providers of a kind in the order in which they were registered."""
    return list(_channels.get(kind, {}).values())


def channel(kind: str) -> Channel:
    """Return a channel. Raises DeliveryError when no integration offers it."""
    if not _channels.get(kind):
        raise DeliveryError(f"no integration offers the channel {kind}", permanent=True)
    return next(iter(_channels[kind].values())).channel


def takes(provider: Provider, address: str) -> bool:
    """Whether a provider can reach an address: a number is for all, an extension of your telephones for one."""
    try:
        provider.channel.check(address)
    except BadInput:
        return False
    return True


def check(kind: str, address: str) -> None:
    """Raise BadInput when no provider that is set up can reach an address."""
    listed = [provider for provider in providers(kind) if provider.is_on]
    if listed and not any(takes(provider, address) for provider in listed):
        listed[0].channel.check(address)


@contextmanager
def only(*channels: Channel) -> Iterator[None]:
    """Let these stand in the place of all providers of their kinds for a while: for tests and rehearsals."""
    kept = {item.kind: _channels.get(item.kind, {}) for item in channels}
    for kind in kept:
        _channels[kind] = {}
    for item in channels:
        register_channel(item)
    try:
        yield
    finally:
        _channels.update(kept)


def why_off(kind: str) -> str:
    """Return what is missing before a kind can be used; empty when a provider is set up."""
    missing = [provider.why_off() for provider in providers(kind)]
    return "" if "" in missing else " or ".join(missing) or "no integration offers it"


def register_sight(narrowed: Callable[[str], Q]) -> None:
    """Let a higher context keep pages from those who may not know of what they are for.

    It is given the way from what is asked for to the page, such as `page__`, and returns what narrows a query.
    """
    _sights.append(narrowed)


def sight(prefix: str = "") -> Q:
    """Return what narrows a query to pages that whoever reads now may know of."""
    seen = Q()
    for narrowed in _sights:
        seen &= narrowed(prefix)
    return seen


def register_inside(provider: Callable[[Page], bool]) -> None:
    """Let a higher context keep the words of a page from those who do not know of what it is for."""
    _insides.append(provider)


def stays_inside(page: Page) -> bool:
    """Tell whether a page is for a room whose matters it tells: then nobody is asked but whom it names."""
    return any(provider(page) for provider in _insides)


def register_around(
    provider: Callable[[Page], Around], *, about: Callable[[Sequence[int]], set[int]] | None = None
) -> None:
    """Let a higher context add what it knows to the page's screen and messages.

    `about` tells of which of many pages it may know anything, with one query.
    """
    _around.append((provider, about))


def around(page: Page) -> Around:
    """Return all that is known around a page."""
    return _joined([provider(page) for provider, _ in _around])


def around_many(pages: Sequence[Page]) -> dict[int, Around]:
    """Return all that is known around each of some pages: nothing around most that a storm makes."""
    ids = [page.pk for page in pages]
    known = [(provider, set(ids) if about is None else about(ids)) for provider, about in _around if ids]
    return {page.pk: _joined([provider(page) for provider, of_pages in known if page.pk in of_pages]) for page in pages}


def _joined(parts: Sequence[Around]) -> Around:
    return Around(
        known=tuple(item for part in parts for item in part.known),
        has_it=next((part.has_it for part in parts if part.has_it), ""),
        room_link=next((part.room_link for part in parts if part.room_link), ""),
    )


def register_subjects(
    subjects: Callable[[Page], Subjects | None], pages: Callable[[Sequence[str], int | None], list[Page]]
) -> None:
    """Let a higher context say what a page is for, and which pages that are not over are for keys and a policy."""
    _subjects.append(subjects)
    _pages_for.append(pages)


def subjects(page: Page) -> Subjects:
    """Return what a page is for; nothing where no context knows."""
    return next((found for look in _subjects if (found := look(page)) is not None), Subjects())


def pages_for(keys: Sequence[str], policy_id: int | None) -> list[Page]:
    """Return the pages to a policy that are not over and are for one of these keys."""
    return [page for look in _pages_for for page in look(keys, policy_id)]


def register_links(provider: Callable[[Page], list[Known]]) -> None:
    """Let a higher context add links, such as to runbooks, to the page's screen. Messages do without them."""
    _links.append(provider)


def links(page: Page) -> list[Known]:
    """Return what may be opened from the page's screen."""
    return [item for provider in _links for item in provider(page)]
