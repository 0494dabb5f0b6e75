"""Pages by Apprise, the library itself, against a server on loopback that takes its `json://` form."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr, ValidationError

from raglan.config import Config
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.apprise import channel
from raglan.integrations.apprise.channel import Apprise, missing
from raglan.paging.ports import Message
from tests.integrations.fakes import Answer, Request, http_server

Make = Callable[..., Message]


@dataclass
class Service:
    """Takes what Apprise posts."""

    answer: Answer = field(default_factory=lambda: Answer(200))
    taken: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def respond(self, request: Request) -> Answer:
        self.taken.append((request.path, json.loads(request.body)))
        return self.answer


@pytest.fixture
def service(options: Callable[..., None]) -> Iterator[Service]:
    found = Service()
    with http_server(found.respond) as url:
        options(apprise_url=SecretStr(url.replace("http://", "json://") + "/pages/{address}"))
        yield found


def test_a_page_is_handed_over_with_its_link_at_the_place_of_the_person(service: Service, message: Make) -> None:
    given = message(is_test=True, may_repeat=True)

    receipt = Apprise().send("mara@example.test", given)

    path, body = service.taken[0]
    assert path.rstrip("/") in ("/pages/mara%40example.test", "/pages/mara@example.test")
    assert str(body["title"]).startswith("[test] (may be a repeat) Apache is not running on web-014")
    assert "You are paged because: " in str(body["message"])
    assert str(body["message"]).endswith(given.link)
    assert (len(service.taken), receipt.received) == (1, False)


@pytest.mark.parametrize(("status", "permanent"), [(503, False), (500, False), (404, True), (403, True)])
def test_a_refusal_names_the_status_and_tells_nothing_else(
    service: Service, message: Make, *, status: int, permanent: bool
) -> None:
    service.answer = Answer(status, b"secret words of the service")

    with pytest.raises(DeliveryError, match=f"^Apprise: the service answered {status}$") as refused:
        Apprise().send("mara", message())

    assert refused.value.permanent is permanent


def test_a_service_that_is_not_there_is_tried_again(options: Callable[..., None], message: Make) -> None:
    options(apprise_url=SecretStr("json://127.0.0.1:9/{address}"))

    with pytest.raises(DeliveryError, match="did not take it") as refused:
        Apprise().send("mara", message())

    assert not refused.value.permanent


def test_a_form_that_apprise_does_not_know_is_refused_for_good(options: Callable[..., None], message: Make) -> None:
    options(apprise_url=SecretStr("nosuchservice://host/{address}"))

    with pytest.raises(DeliveryError, match="knows no service") as refused:
        Apprise().send("mara", message())

    assert refused.value.permanent


@pytest.mark.parametrize("address", ["", "a/b", "a?cto=9", "a&b", "a b", "a%2fb", "é", "a\nb", "x" * 201])
def test_an_address_can_not_leave_its_place(service: Service, message: Make, address: str) -> None:
    with pytest.raises(BadInput):
        Apprise().check(address)
    with pytest.raises(BadInput):
        Apprise().send(address, message())
    assert service.taken == []


def test_what_is_missing_is_said(options: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() == "apprise_url is not set"
    options(apprise_url=SecretStr("json://host/{address}"))
    assert missing() == ""
    monkeypatch.setattr(channel, "find_spec", lambda name: None)
    assert missing() == "the extra raglan[apprise] is not installed"


@pytest.mark.parametrize("url", ["json://host/", "{address}", "json:{address}"])
def test_a_service_without_a_place_for_people_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValidationError, match="apprise_url"):
        Config(apprise_url=SecretStr(url))
