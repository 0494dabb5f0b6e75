"""News of the status page that a mail server took and could not bring: as if it had been refused at once."""

from raglan.core import mail_in, return_path
from raglan.core.db import atomic
from raglan.core.errors import Conflict
from raglan.core.mail_in import Mail
from raglan.outside.models import Sending
from raglan.outside.spreading import RETURN, refused

State = Sending.State


def take(mail: Mail) -> str | None:
    """Note that news came back; None when the mail is not for us. Raises BadInput, Conflict while it still goes out."""
    name = return_path.name_of(mail, RETURN)
    if name is None:
        return None
    if not mail.bounced:
        return "left alone: no word that it was refused for good"
    return note(int(name, 16), mail.bounced)


@atomic
def note(pk: int, status: str) -> str:
    """Note once that a message was refused with a status such as 5.1.1; return what became of it. Raises Conflict."""
    sending = Sending.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if sending is None:
        return "left alone: it is forgotten already"
    if sending.state == State.SENDING:  # the report was faster than our own word that the server took the mail
        raise Conflict("This message still goes out.")
    if sending.state not in (State.SENT, State.UNSURE):
        return "left alone: it is known already"
    problem = f"came back with {status}"
    Sending.objects.filter(pk=pk).update(state=State.GIVEN_UP, problem=problem)
    refused(sending, problem)
    return f"message {pk} {problem}"


mail_in.register_mail_handler(take)
