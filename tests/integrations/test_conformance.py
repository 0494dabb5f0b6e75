from collections.abc import Callable

import pytest
from pydantic import SecretStr

from raglan.core.errors import DeliveryError
from raglan.integrations.webhook.channel import Webhook
from raglan.integrations.webpush.channel import Subscription
from raglan.paging import ports
from raglan.paging.ports import Message
from raglan.testing import conformance
from tests.integrations.push_service import Browser

NOBODY = "http://127.0.0.1:9"
BROWSER = Browser(f"{NOBODY}/send/abc")
SECRETS = {"push": Subscription(**BROWSER.form).text}
ADDRESSES = {
    "push": Subscription(**BROWSER.form).address,
    "email": "mara@example.test",
    "ntfy": "mara-at-night",
    "apprise": "mara",
    "webhook": f"{NOBODY}/pages",
    "sms": "+491512345678",
    "voice": "+491512345678",
}


# The channel of raglan's own test message reaches no person; it is there or not, as the engine's parts are loaded.
FOR_PEOPLE = [provider for provider in conformance.installed() if provider.channel.kind != "loopback"]


@pytest.mark.django_db
@pytest.mark.parametrize("provider", FOR_PEOPLE, ids=lambda provider: provider.name)
def test_a_channel_keeps_the_contract(
    provider: ports.Provider, options: Callable[..., None], message: Callable[..., Message]
) -> None:
    options(ntfy_url=NOBODY, ntfy_token=SecretStr("t"), smtp_url="smtp://127.0.0.1:9", send_deadline_s=2)
    options(apprise_url=SecretStr("json://127.0.0.1:9/{address}"))
    options(sip_account="sip:raglan@127.0.0.1:9")
    options(twilio_url=NOBODY, twilio_account="AC1", twilio_token=SecretStr("t"), twilio_from="+15005550001")

    kind = provider.channel.kind
    to_nobody = message(token="1f-abc", secret=SECRETS.get(kind, ""))

    assert conformance.check(provider, ADDRESSES[kind], to_nobody) == []


class Careless(Webhook):
    """Takes anything, tells the token, and says that it sent what it did not."""

    def check(self, address: str) -> None:
        pass

    def send(self, address: str, message: Message) -> ports.Receipt:
        if message.may_repeat:
            raise DeliveryError(f"no\n{message.token}", permanent=False)
        return ports.Receipt("made up")


def test_the_contract_finds_a_careless_channel(message: Callable[..., Message]) -> None:
    provider = ports.Provider("Careless 2", Careless(), lambda: "")

    found = conformance.check(provider, NOBODY, message(token="1f-abc"))
    found += conformance.check(provider, NOBODY, message(token="1f-abc", may_repeat=True))

    assert [words.split()[0] for words in found[:8]] == ["the", *["check"] * 6, "send"]
    assert found[-2:] == ["a failure says why in one line", "a failure tells the token of its message"]
