"""How sign-in differs from the library: nobody signs up alone, mails wait for the engine, secrets are sealed."""

import time
from collections.abc import Mapping

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from raglan.config import config
from raglan.people import actions, mail, sealing
from raglan.people.models import Person

SAID = {
    "account/messages/logged_out.txt": "You are signed out.",
    "account/messages/password_changed.txt": "Your password is changed. Other browsers are signed out.",
    "account/messages/password_set.txt": "Your password is set.",
    "mfa/messages/recovery_codes_generated.txt": "New recovery codes are made. The earlier ones no longer work.",
    "mfa/messages/totp_activated.txt": "Codes from your authenticator app are on.",
    "mfa/messages/totp_deactivated.txt": "Codes from an authenticator app are off.",
    "mfa/messages/webauthn_added.txt": "The passkey is added.",
    "mfa/messages/webauthn_removed.txt": "The passkey is removed.",
}
CHANGES = {
    "account/email/password_changed": "The password was changed",
    "account/email/password_reset": "The password was set anew by mail",
    "account/email/password_set": "A password was set",
    "mfa/email/recovery_codes_generated": "New recovery codes were made",
    "mfa/email/totp_activated": "Codes from an authenticator app were switched on",
    "mfa/email/totp_deactivated": "Codes from an authenticator app were switched off",
    "mfa/email/webauthn_added": "A passkey was added",
    "mfa/email/webauthn_removed": "A passkey was removed",
}


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library has no types
    """Accounts: people come by invitation, and hear of every change to how they sign in."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "This address and this password do not go together.",
        "incorrect_password": "This is not your password.",
        "invalid_password_reset": "This link was used or is over. Ask for a new one.",
        "too_many_login_attempts": "Too many tries for this address. Wait five minutes, or use a passkey.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Closed."""
        return False

    def login(self, request: HttpRequest, user: Person) -> None:
        """Sign in under a fresh session key, and note the browser so that its owner can end it from elsewhere."""
        super().login(request, user)
        if not request.session.session_key:
            request.session.save()
        actions.note_sign_in(
            user,
            session_key=str(request.session.session_key),
            browser=request.headers.get("User-Agent", ""),
            address=str(request.META.get("REMOTE_ADDR", "")),
        )

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """Ask again before what is worth asking, unless somebody proved who they are a few minutes ago."""
        records = get_authentication_records(self.request, self.request.user)
        newest = max((record.get("at", 0) for record in records), default=0)
        return time.time() - newest >= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def send_mail(self, template_prefix: str, email: str, context: Mapping[str, object]) -> None:
        """Plan a mail of ours. An unknown address gets none, and the answer takes as long as for a known one."""
        if template_prefix == "account/email/password_reset_key":
            subject, template, to = "Set a new password for raglan", "people/mail/password_reset.txt", email
        else:
            subject, template, to = "raglan", "people/mail/nothing.txt", ""
        mail.write(to, subject=subject, text=render_to_string(template, dict(context)), about="people")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a reset. Its host is ours, whatever host a request named."""
        uid, _, rest = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": rest})
        return f"{config().public_url}{path}"

    def send_notification_mail(
        self, template_prefix: str, user: Person, context: Mapping[str, object] | None = None, email: str | None = None
    ) -> None:
        """Record a change to how somebody signs in, and tell them where they have been reached so far."""
        if what := CHANGES.get(template_prefix):
            actions.announce_sign_in_change(user, what=what)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: Mapping[str, object] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say what happened in our words; say nothing where the next page shows it anyway."""
        sentence = message or SAID.get(message_template or "")
        if sentence:
            messages.add_message(request, level, sentence, extra_tags=extra_tags)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # the library has no types
    """Second factors: their secrets are sealed in the database."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That did not fit. Codes change every 30 seconds: use the newest one.",
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Read a sealed secret."""
        return sealing.unseal(encrypted_text)

    def generate_authenticator_name(self, user: Person, type: str) -> str:  # noqa: A002 -- the library's name for it
        """Suggest a name for a passkey."""
        return "This device"

    def _get_site_name(self) -> str:
        return "raglan"
