"""Doors for what Twilio calls back. A call without its signature, or about another message, changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from html import escape

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from raglan.config import config
from raglan.core import signs
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.integrations.twilio import call, sms, wire
from raglan.paging import actions, delivery, replies, reply_words, wording
from raglan.paging.models import Notification
from raglan.paging.ports import Outcome, Report

Fields = dict[str, str]
View = Callable[..., HttpResponse]
ANSWERED = "twilio.answered:"
REMEMBERED = timedelta(days=1)
KEYS_WORDS = "Press 4 to say that you have it. Press 6 to pass it on."


def signed(view: Callable[..., HttpResponse]) -> View:
    """Let only what Twilio signed through."""

    @login_not_required
    @csrf_exempt
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest, **parts: str) -> HttpResponse:
        fields: Fields = {name: str(value) for name, value in request.POST.items()}
        if not wire.is_signed(request.get_full_path(), fields, request.headers.get("X-Twilio-Signature", "")):
            return HttpResponse("The signature is missing or wrong.\n", "text/plain", status=403)
        return view(fields, **parts)

    return checked


def _notification(token: str, sid: str) -> Notification | None:
    """Return the message of a token; its id must be the one that Twilio gave us for it, once we know that."""
    found = replies.of("news", token)
    return found if found is not None and sid and found.provider_id in ("", sid) else None


def _nothing() -> HttpResponse:
    return HttpResponse("There is no such message.\n", "text/plain", status=404)


def _twiml(*verbs: str) -> HttpResponse:
    return HttpResponse(call.response(*verbs), "text/xml; charset=utf-8")


@signed
def sms_status(fields: Fields, token: str) -> HttpResponse:
    """Take news of a text."""
    notification = _notification(token, fields.get("MessageSid", ""))
    if notification is None:
        return _nothing()
    if report := sms.report_of(dict(fields)):
        delivery.report_on(notification.pk, report)
    return HttpResponse(status=204)


@signed
def voice_status(fields: Fields, token: str) -> HttpResponse:
    """Take news of a call."""
    notification = _notification(token, fields.get("CallSid", ""))
    if notification is None:
        return _nothing()
    if report := call.report_of(dict(fields)):
        delivery.report_on(notification.pk, report)
    return HttpResponse(status=204)


@signed
def call_taken(fields: Fields, token: str) -> HttpResponse:
    """Say what is spoken when a call is taken: to a person the page, to a machine nothing."""
    notification = _notification(token, fields.get("CallSid", ""))
    if notification is None:
        return _nothing()
    by = fields.get("AnsweredBy", "")
    if by.startswith(call.MACHINES):
        delivery.report_on(notification.pk, Report(Outcome.NOT_REACHED, "an answering machine took the call"))
        return _twiml("<Hangup/>")
    if by == "human":
        delivery.report_on(notification.pk, Report(Outcome.RECEIVED))
    words = f"{call.spoken(wording.message_of(notification))} {KEYS_WORDS}"
    asked = call.ask_for_key(words, f"{config().public_url}/twilio/key/{token}/")
    return _twiml(asked, asked, call.say("No key was pressed. The next way is tried. Goodbye."))


@signed
def key_pressed(fields: Fields, token: str) -> HttpResponse:
    """Take a key: 4 takes the page, 6 passes it on, anything else asks again."""
    notification = _notification(token, fields.get("CallSid", ""))
    if notification is None:
        return _nothing()
    said = call.KEYS.get(fields.get("Digits", ""))
    if said is None:
        again = call.ask_for_key(KEYS_WORDS, f"{config().public_url}/twilio/key/{token}/")
        return _twiml(again, call.say("No key was pressed. Goodbye."))
    return _twiml(call.say(replies.answer(notification, said, via=actions.Via.KEYPAD)), "<Hangup/>")


@signed
def text_came(fields: Fields) -> HttpResponse:
    """Take a text that somebody sent back: its first line answers the newest page that waits for them at that number.

    A text that Twilio posts again is answered as before, and answers no other page.
    """
    said, sender = reply_words.said_in(fields.get("Body", "")), fields.get("From", "")
    if not said:
        known = replies.newest_to("sms", sender, "") is not None  # a stranger learns nothing
        return _twiml("<Message>Reply 4 if you have it, 6 to pass it on.</Message>" if known else "")
    sid = fields.get("MessageSid", "")
    sentence = _answer_once(sid, sender, said) if sid else _answer(sender, said)
    signs.forget(ANSWERED, now() - REMEMBERED)
    return _twiml(f"<Message>{escape(sentence)}</Message>" if sentence else "")


@atomic
def _answer_once(sid: str, sender: str, said: str) -> str:
    """Answer a text, or say again what was said to it. That is kept with the answer, for all nodes."""
    name = f"{ANSWERED}{sid}"[:80]
    if not signs.is_first(name):
        kept = signs.last(name)
        return str(kept.data.get("said", "")) if kept else ""
    sentence = _answer(sender, said)
    signs.note(name, said=sentence)
    return sentence


def _answer(sender: str, said: str) -> str:
    return replies.answer_newest("sms", sender, said, via=actions.Via.REPLY) or ""
