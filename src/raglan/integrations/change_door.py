"""What doors of change events share: they keep a change to be seen beside alerts, and page nobody."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from raglan.alerts import actions
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, SourceKey
from raglan.changes import actions as changes
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

MAX_MEMBERS = 200_000


class ChangeDoor(ABC):
    """A door at which a tool tells of changes. What it tells beside them is answered and left alone."""

    kinds: Sequence[str] = ()
    path = ""

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends with this path."""
        return method == "POST" and path.rstrip("/") == self.path

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def check(self, source: SourceKey, request: IntakeRequest) -> None:  # noqa: B027 -- not every tool signs
        """Refuse what is not from the sender. Raises BadInput with 401."""

    @abstractmethod
    def read(self, request: IntakeRequest) -> changes.Told | None:
        """Return the change that a request tells, if it tells one. Raises BadInput naming the field."""

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer:
        """Keep the change."""
        self.check(source, request)
        told = self.read(request)
        actions.heard(source.id)
        if told is None:
            return Answer(200, {"kept": False, "message": "This tells of no change; it is left alone."})
        changes.record(told, told_by=source.slug, actor=f"source:{source.id}")
        return Answer(202, {"kept": True})

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Nothing is left to decode."""
        return Decoded([])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202."""
        return Answer(202, {"kept": True})

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())


def body_of(body: bytes) -> dict[str, Json]:
    """Return the object of a body. Raises BadInput."""
    return shape.mapping(decode_json(body, max_members=MAX_MEMBERS), "")


def inner(body: Mapping[str, Json], name: str) -> dict[str, Json]:
    """Return an object in an object; an empty one when there is none."""
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def link(address: Json, text: str) -> list[dict[str, str]]:
    """Return a link, if it is one."""
    return [{"href": str(address), "text": text}] if shape.is_web(address) else []


def facts(**named: Json) -> dict[str, str]:
    """Return details as texts, without those that are empty."""
    return {name: text for name, value in named.items() if (text := shape.plain(value))}


def first_line(value: Json) -> str:
    """Return the first line of a text, such as that of a commit."""
    return shape.plain(value).strip().partition("\n")[0][:200]
