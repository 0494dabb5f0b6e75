"""Errors that people and programs may see. Each has a code, one plain sentence and an HTTP status."""

from typing import ClassVar


class RaglanError(Exception):
    """Something that raglan refuses or could not do, said in one sentence."""

    code: ClassVar[str] = "error"
    status: int = 500

    def __init__(self, sentence: str, **details: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details

    def as_json(self) -> dict[str, object]:
        """Return the body that REST and intake answer with."""
        return {"code": self.code, "message": self.sentence, **self.details}


class BadInput(RaglanError):
    """A value that cannot be understood; `field` names it as a path such as `payload.summary`."""

    code = "bad_input"

    def __init__(self, field: str, sentence: str, *, status: int = 400) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence, field=field)
        self.field = field
        self.reason = sentence
        self.status = status


class NotSignedIn(RaglanError):
    """No credential, or one that is not known."""

    code = "not_signed_in"
    status = 401


class NotAllowed(RaglanError):
    """A known person or token without the right to do this."""

    code = "not_allowed"
    status = 403


class NotFound(RaglanError):
    """No such thing, or none that this reader may see: both answer alike."""

    code = "not_found"
    status = 404


class Conflict(RaglanError):
    """The thing is not in the state that this needs, or somebody was faster."""

    code = "conflict"
    status = 409


class Overloaded(RaglanError):
    """Too much at once; come back after `retry_after` seconds."""

    code = "overloaded"
    status = 503

    def __init__(self, sentence: str, *, retry_after: int = 5) -> None:
        super().__init__(sentence, retry_after=retry_after)
        self.retry_after = retry_after


class DeliveryError(RaglanError):
    """A hand-over to a provider that did not succeed; `permanent` says whether trying again can help.

    `unknown` is one whose answer was lost: the provider may have taken it, so that another try may be a repeat.
    `is_of_address` is one of this address alone: the server behind it answers, and others there are not left alone.
    `is_of_gateway` is one that a gateway says of what is behind it: of this address, unless others there fail so too.
    """

    code = "delivery_failed"
    status = 502

    def __init__(
        self,
        sentence: str,
        *,
        permanent: bool,
        unknown: bool = False,
        is_of_address: bool = False,
        is_of_gateway: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.permanent = permanent
        self.unknown = unknown
        self.is_of_address = is_of_address
        self.is_of_gateway = is_of_gateway
