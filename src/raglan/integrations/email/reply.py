"""Takes the reply to a mail as an answer: its first line says ack or pass, and the address it goes to proves for whom.

Programs that answer mail by themselves (out of office, bounces, lists) are left alone: nothing is done, nothing is
sent back. Whoever writes something else gets it back from their own mail server with a sentence.
"""

from raglan.config import config
from raglan.core.errors import BadInput
from raglan.core.mail_in import Mail
from raglan.paging import actions, replies, reply_words


def take_reply(mail: Mail) -> str | None:
    """Answer a page by mail; None when the mail is not one for us. Raises BadInput."""
    if not _is_for_us(mail):
        return None
    if mail.is_automatic:
        return "left alone: a program sent it"
    notification = replies.of("reply", (mail.tag(_name()) or "").lower())
    if notification is None:
        raise BadInput(
            "", "this page can not be answered by mail; it is older than three days, or the address is wrong"
        )
    said = reply_words.said_in(first_line(mail.text))
    if not said:
        raise BadInput("", "begin your reply with a line that says only ack or pass")
    return f"page {notification.page_id}: {replies.answer(notification, said, via=actions.Via.REPLY)}"


def _is_for_us(mail: Mail) -> bool:
    local, _, domain = mail.recipient.lower().partition("@")
    name, _, own = config().mail_reply_to.lower().partition("@")
    return bool(name) and domain == own and local.partition("+")[0] == name


def _name() -> str:
    return config().mail_reply_to.partition("@")[0].lower()


def first_line(text: str) -> str:
    """Return the first line that the person wrote themselves."""
    own = (line.strip() for line in text.splitlines())
    return next((line for line in own if line and not line.startswith(">")), "")


def address(token: str) -> str:
    """Return where a reply goes, or nothing when replies are not set up."""
    if not config().mail_reply_to or not token:
        return ""
    name, _, domain = config().mail_reply_to.partition("@")
    return f"{name}+{token}@{domain}"
