"""Errors say what happened and what still works, in a page for people and in JSON for programs."""

from collections.abc import Iterator

import pytest
from django.test import Client, RequestFactory, override_settings

from raglan.ui import views

MIDDLEWARE = ["raglan.ui.middleware.SecurityHeaders", "raglan.ui.middleware.PlainErrors"]
SETTINGS = {"ROOT_URLCONF": "tests.ui.urls", "MIDDLEWARE": MIDDLEWARE, "LOGIN_URL": "/account/login/"}


@pytest.fixture
def client() -> Iterator[Client]:
    """Give a client for addresses that fail, with no database behind them."""
    with override_settings(**SETTINGS):
        yield Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("bad", 400, "does not understand"),
        ("bad-input", 400, "until: this is before the shift starts."),
        ("forbidden", 403, "Your role does not cover this."),
        ("not-allowed", 403, "Only a manager can change a rota."),
        ("missing", 404, "There is nothing at this address"),
        ("not-found", 404, "There is no incident 7."),
        ("conflict", 409, "Mara Novak has it already."),
        ("busy", 503, "Too many at once."),
        ("away", 503, "cannot reach its data"),
        ("post-only", 405, "when a button is pressed"),
        ("boom", 500, "could not answer this"),
    ],
)
def test_error_screen_says_what_happened(client: Client, how: str, status: int, words: str) -> None:
    answer = client.get(f"/fail/{how}/")
    html = answer.content.decode()
    assert answer.status_code == status
    assert words in html
    assert html.count("<h1>") == 1


@pytest.mark.parametrize(
    ("referer", "address"),
    [
        ("http://testserver/incidents/7/?show=asks", "/incidents/7/?show=asks"),
        ("http://testserver/incidents/7/entries/", ""),  # what only a button leads to
        ("http://testserver/incidents/7/close/", "/incidents/7/close/"),
        ("http://testserver/nowhere/7/", ""),
        ("http://testserver//elsewhere.example/", ""),
        ("https://elsewhere.example/incidents/7/", ""),
        ("javascript:alert(1)", ""),
        ("http://testserver/", ""),
        ("", ""),
    ],
)
def test_a_button_that_was_refused_leads_back_to_its_page(referer: str, address: str) -> None:
    request = RequestFactory().post("/entries/1/take/", headers={"Referer": referer})
    assert views.came_from(request) == address
    assert views.came_from(RequestFactory().get("/entries/1/", headers={"Referer": referer})) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_host_that_is_not_ours_is_refused_in_words(method: str) -> None:
    client = Client(raise_request_exception=False)
    led = {"Host": "evil.example", "Referer": "http://evil.example/incidents/7/"}
    answer = client.generic(method, "/account/login/", headers=led)
    assert answer.status_code == 400
    assert "does not understand" in answer.content.decode()


@pytest.mark.parametrize("how", ["bad", "not-allowed", "missing", "busy", "away", "boom"])
def test_program_is_answered_in_json(client: Client, how: str) -> None:
    answer = client.get(f"/api/fail/{how}/")
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) >= {"code", "message"}


def test_an_address_for_a_button_says_which_methods_it_takes(client: Client) -> None:
    assert client.get("/fail/post-only/")["Allow"] == "POST"
    assert client.get("/api/fail/post-only/").json()["code"] == "method_not_allowed"


def test_inner_words_of_an_error_stay_inside(client: Client) -> None:
    assert b"secret" not in client.get("/fail/boom/").content
    assert b"disk I/O" not in client.get("/fail/away/").content
    assert b"matches the given query" not in client.get("/fail/missing/").content


@pytest.mark.parametrize(("how", "seconds"), [("busy", "7"), ("away", "10")])
def test_answer_says_when_to_come_back(client: Client, how: str, seconds: str) -> None:
    assert client.get(f"/fail/{how}/")["Retry-After"] == seconds


def test_signed_out_reader_is_led_to_sign_in_and_back(client: Client) -> None:
    answer = client.get("/fail/signed-out/?show=asks")
    assert answer.status_code == 302
    assert answer["Location"] == "/account/login/?next=/fail/signed-out/%3Fshow%3Dasks"


def test_csrf_failure_says_that_nothing_was_changed() -> None:
    with override_settings(**{**SETTINGS, "MIDDLEWARE": [*MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]}):
        answer = Client(enforce_csrf_checks=True).post("/fail/conflict/")
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


@pytest.mark.parametrize("path", ["/keys/", "/fail/boom/", "/nowhere/"])
def test_every_answer_carries_the_policy(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in headers["Content-Security-Policy"].replace("style-src-attr 'unsafe-inline'", "")
    assert "'unsafe-eval'" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_keys_are_shown_without_sign_in(client: Client) -> None:
    html = client.get("/keys/").content.decode()
    assert "Keys and help" in html
    assert "Single keys are off" in html
