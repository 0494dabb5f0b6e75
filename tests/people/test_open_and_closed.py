import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from raglan.core.models import Event
from raglan.people.models import ApiToken, ContactMethod, Person, Team

pytestmark = pytest.mark.django_db
OPEN = (
    "/account/login/",
    "/account/logout/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/done/",
    "/account/password/reset/key/1-abc/",
    "/account/inactive/",
    "/account/confirm-email/",
    "/account/confirm-email/x/",
    "/keys/",
    "/on-call/calendars/x.ics",
)
CLOSED = (
    "/people/",
    "/on-call/calendars/",
    "/people/1/",
    "/people/invite/",
    "/teams/new/",
    "/teams/web/",
    "/you/",
    "/you/tokens/",
    "/you/browsers/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/",
    "/account/2fa/webauthn/add/",
    "/account/2fa/recovery-codes/generate/",
    "/account/password/change/",
    "/account/reauthenticate/",
    "/account/email/",
)


@pytest.mark.parametrize("path", OPEN)
def test_this_opens_without_signing_in(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code in (200, 302, 404)
    assert "/account/login/?next" not in answer.get("Location", "")


@pytest.mark.parametrize("path", CLOSED)
def test_this_needs_signing_in(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


def test_settings_of_sign_in_stay_strict() -> None:
    assert settings.ACCOUNT_CONFIRM_EMAIL_ON_GET is False
    assert settings.ACCOUNT_LOGOUT_ON_GET is False
    assert settings.SOCIALACCOUNT_LOGIN_ON_GET is False
    assert settings.ACCOUNT_REAUTHENTICATION_REQUIRED is True
    assert settings.ACCOUNT_PREVENT_ENUMERATION is True
    assert settings.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
    assert settings.MFA_PASSKEY_LOGIN_ENABLED is True
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


def own_paths(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from own_paths(entry, before + str(entry.pattern))
        elif isinstance(entry, URLPattern) and entry.callback.__module__.startswith("raglan.people.views"):
            yield before + str(entry.pattern)


def test_getting_any_screen_of_people_changes_nothing(
    make_person: Callable[..., Person], sign_in: Callable[..., Client]
) -> None:
    person = make_person(role="administrator")
    browser = sign_in(person)
    Team.objects.create(name="Web", slug="web")
    before = _all()
    paths = list(own_paths(get_resolver()))
    assert len(paths) > 15
    for path in paths:
        filled = re.sub(r"<int:\w+>", "1", path).replace("<slug:slug>", "web").replace("<str:token>", "x")
        answer = browser.get(filled)
        assert answer.status_code in (200, 302, 404, 405), path
    assert _all() == before


def _all() -> list[object]:
    models = (Person, Team, ContactMethod, ApiToken)
    return [list(model.objects.values()) for model in models] + [list(Event.objects.values_list("kind", flat=True))]
