"""Mail that came in, and who takes it: the port between the mail listener and the parts that read mail.

A part that reads mail registers a handler when its app is ready:

    register_mail_handler(take_reply)

    def take_reply(mail: Mail) -> str | None:
        token = mail.tag("reply")        # of an address such as reply+TOKEN@raglan.example.org
        if token is None:
            return None                  # not mine: the next handler is asked
        ...                              # check the token, call an action
        return "acknowledged page 12"    # taken: what became of it, for the log

The listener is off unless `mail_in_port` is set. It asks the handlers in the order in which they were registered, on a
thread, outside any transaction, and answers 250 only when one has returned, so that a handler stores before it returns.
What it can rely on, and what not:

- Size, MIME parts, depth and rate are bounded before a handler is asked; texts are free of NUL and lone surrogates.
- `sender` and `From` can be forged by anybody. Only a token in the recipient's address proves anything.
- The same mail may come twice (a sender that lost our answer sends again): be safe to call twice, by `message_id`.
- `is_automatic` is set for bounces, auto-replies, lists and our own mail. Never answer such a mail, and take no reply
  of a person from it.
- Raise BadInput to refuse for good (550); any other RaglanError, or a database that is away, is "try again" (451).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one of our addresses, which stand as they were written. Header names are in small letters.

    `bounced` is the status, such as `5.1.1`, when it reports that a mail of ours was refused for good.
    """

    recipient: str
    sender: str
    subject: str
    text: str
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    is_automatic: bool = False
    bounced: str = ""
    raw: bytes = b""

    def tag(self, name: str) -> str | None:
        """Return TOKEN when the recipient is `name+TOKEN@…`, else None.

        Some senders write addresses in small letters: make such tokens of small letters and digits.
        """
        before, _, token = self.recipient.partition("@")[0].partition("+")
        return token if token and before.lower() == name else None


Handler = Callable[[Mail], str | None]
_handlers: list[Handler] = []


def register_mail_handler(handler: Handler) -> None:
    """Let a part read mail; see above for what it is given and what it returns."""
    _handlers.append(handler)


def take(mail: Mail) -> str | None:
    """Ask each handler; return what became of the mail, or None when nobody takes mail to this address."""
    for handler in _handlers:
        if (became := handler(mail)) is not None:
            return became
    return None
