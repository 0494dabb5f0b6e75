from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client

from raglan.people import actions
from raglan.people.models import Person, SignIn

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]
SignInAs = Callable[..., Client]


def test_a_password_signs_in_whatever_the_case_of_the_address(browser: Client, make_person: Make) -> None:
    make_person()
    answer = browser.post("/account/login/", {"login": "MARA@example.ORG", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_person_added_with_capitals_can_sign_in(browser: Client) -> None:
    person = actions.add_person(email="Ike@Example.org", name="Ike", actor="raglan")
    actions.set_password(person, PASSWORD)
    assert browser.post("/account/login/", {"login": "ike@example.org", "password": PASSWORD}).status_code == 302


def test_the_session_key_changes_with_signing_in(browser: Client, make_person: Make) -> None:
    browser.get("/account/login/")
    session = browser.session
    session["before"] = 1
    session.save()
    before = session.session_key
    browser.post("/account/login/", {"login": make_person().email, "password": PASSWORD})
    assert browser.session.session_key != before


def test_unknown_address_and_wrong_password_answer_alike(browser: Client, make_person: Make) -> None:
    known = make_person().email
    answers = [
        browser.post("/account/login/", {"login": login, "password": "not this one at all"})
        for login in (known, "x@example.org")
    ]
    texts = [answer.content.decode().replace(known, "").replace("x@example.org", "") for answer in answers]
    cut = [text[text.index("<main") :] for text in texts]
    tokens = [piece.split('name="csrfmiddlewaretoken" value="')[1][:64] for piece in cut]
    assert cut[0].replace(tokens[0], "") == cut[1].replace(tokens[1], "")
    assert "do not go together" in texts[0]


def test_an_unknown_address_costs_as_much_hashing_as_a_wrong_password(
    browser: Client, make_person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = make_person().email
    work: list[tuple[int, int, int]] = []
    count_hashing(monkeypatch, work)

    for login in (known, "x@example.org"):
        browser.post("/account/login/", {"login": login, "password": "not this one at all"})

    assert len(work) == 2
    assert work[0] == work[1]


def count_hashing(monkeypatch: pytest.MonkeyPatch, work: list[tuple[int, int, int]]) -> None:
    """Write down the rounds, memory and threads of each hash that is really computed."""
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def note(hasher: Argon2PasswordHasher, encoded: str) -> None:
        costs = hasher.decode(encoded)
        work.append((costs["time_cost"], costs["memory_cost"], costs["parallelism"]))

    def encoding(hasher: Argon2PasswordHasher, password: str, salt: str) -> str:
        encoded: str = encode(hasher, password, salt)
        note(hasher, encoded)
        return encoded

    def verifying(hasher: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        note(hasher, encoded)
        return bool(verify(hasher, password, encoded))

    monkeypatch.setattr(Argon2PasswordHasher, "encode", encoding)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", verifying)


def test_too_many_tries_are_slowed_down(browser: Client, make_person: Make) -> None:
    email = make_person().email
    for _ in range(6):
        answer = browser.post("/account/login/", {"login": email, "password": "wrong"})
    assert "Too many tries" in answer.content.decode()
    right = browser.post("/account/login/", {"login": email, "password": PASSWORD})
    assert right.status_code == 200


def test_a_forged_forwarded_address_does_not_help(browser: Client, make_person: Make) -> None:
    email = make_person().email
    for number in range(12):
        answer = browser.post(
            "/account/login/",
            {"login": f"{number}{email}", "password": "wrong"},
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
        )
    assert answer.status_code == 429 or "Too many tries" in answer.content.decode()


def test_who_has_left_can_not_sign_in_and_is_signed_out(sign_in: SignInAs, make_person: Make) -> None:
    boss = make_person("Hana Lind", role="administrator")
    person = make_person()
    browser = sign_in(person)
    actions.deactivate(person, by=boss)
    assert browser.get("/you/").status_code == 302
    again = Client(SERVER_NAME="localhost").post(
        "/account/login/", {"login": person.email, "password": PASSWORD}, follow=True
    )
    assert "not in use any more" in again.content.decode()


def test_signing_up_alone_is_closed(browser: Client) -> None:
    fields = {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert "come by invitation" in browser.get("/account/signup/").content.decode()
    browser.post("/account/signup/", fields)
    assert not Person.objects.exists()


def test_getting_the_sign_out_page_signs_nobody_out(sign_in: SignInAs, make_person: Make) -> None:
    browser = sign_in(make_person())
    assert browser.get("/account/logout/").status_code == 200
    assert browser.get("/you/").status_code == 200
    browser.post("/account/logout/")
    assert browser.get("/you/").status_code == 302


def test_a_new_password_signs_the_other_browsers_out(sign_in: SignInAs, make_person: Make) -> None:
    person = make_person()
    here = sign_in(person)
    other = Client(SERVER_NAME="localhost")
    other.post("/account/login/", {"login": person.email, "password": PASSWORD})
    new = "five other words, also calm"
    answer = here.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer.status_code == 302
    assert here.get("/you/").status_code == 200
    assert other.get("/you/").status_code == 302


def test_a_browser_can_be_signed_out_from_another(sign_in: SignInAs, make_person: Make) -> None:
    person = make_person()
    here = sign_in(person)
    other = Client(SERVER_NAME="localhost", headers={"User-Agent": "Phone"})
    other.post("/account/login/", {"login": person.email, "password": PASSWORD})
    page = here.get("/you/browsers/").content.decode()
    assert "Phone" in page
    assert "This one" in page
    here.post(f"/you/browsers/{SignIn.objects.get(browser='Phone').pk}/end/")
    assert other.get("/you/").status_code == 302
    assert here.get("/you/").status_code == 200


def test_nobody_ends_the_session_of_another(sign_in: SignInAs, make_person: Make) -> None:
    other = Client(SERVER_NAME="localhost")
    other.post("/account/login/", {"login": make_person("Ike Okafor").email, "password": PASSWORD})
    theirs = SignIn.objects.get().pk
    answer = sign_in(make_person()).post(f"/you/browsers/{theirs}/end/")
    assert answer.status_code == 404
    assert other.get("/you/").status_code == 200


def test_signing_out_lets_the_streams_of_that_person_be_looked_at_anew(
    sign_in: SignInAs, make_person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mara = make_person()
    browser = sign_in(mara)
    told: list[str] = []
    monkeypatch.setattr("raglan.people.signing_out.bus.publish", lambda names, _: told.extend(names))

    browser.post("/account/logout/")

    assert told == [f"person:{mara.pk}"]
