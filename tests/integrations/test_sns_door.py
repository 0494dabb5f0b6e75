"""AWS SNS: only what AWS signed is heard, and only a person confirms a topic."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from raglan.alerts import ports
from raglan.alerts.models import Alert, Signal, Source
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Overloaded
from raglan.integrations.sns import signature
from raglan.integrations.sns.doors import Topic
from raglan.testing import world
from tests.edge.loopback import until
from tests.integrations.doorstep import knock, make, said

pytestmark = pytest.mark.django_db
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, KEY.public_key(), 1, now(), now() + timedelta(days=9))
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """AWS, as far as this door asks it; what was fetched is listed."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return certificate()

    door = next(door for door in ports._doors if isinstance(door, Topic))
    monkeypatch.setattr(door, "_certificates", signature.Certificates(fetch))
    return asked


@pytest.fixture
def path() -> str:
    """The address of a source."""
    world.administrator()
    return f"/integrations/{make('sns')[1]}/sns"


def signed(version: str = "2", **fields: object) -> dict[str, object]:
    message: dict[str, object] = {
        "Type": "Notification",
        "MessageId": "5a4e340f",
        "TopicArn": TOPIC,
        "Subject": "ALARM",
        "Message": "words",
        "Timestamp": "2026-11-23T08:05:07.162Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **fields,
    }
    texts = {name: str(value) for name, value in message.items()}
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    made = KEY.sign(signature.canonical(texts), padding.PKCS1v15(), algorithm)
    return {**message, "Signature": base64.b64encode(made).decode()}


def alarm(state: str) -> str:
    told = {
        "AlarmName": "cpu-high",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:cpu-high",
        "NewStateValue": state,
        "NewStateReason": "Threshold crossed",
        "StateChangeTime": "2026-11-23T08:05:07.162+0000",
        "Region": "EU (Ireland)",
        "Trigger": {
            "MetricName": "CPUUtilization",
            "Namespace": "AWS/EC2",
            "Dimensions": [{"name": "InstanceId", "value": "i-1"}],
        },
    }
    return json.dumps(told)


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_alarm_fires_and_ok_ends_it(path: str, fetched: list[str], version: str) -> None:
    assert knock("POST", path, signed(version, Message=alarm("ALARM"))).status == 200
    alert = Alert.objects.get()
    assert (alert.title, alert.severity, alert.labels["InstanceId"]) == ("cpu-high", "critical", "i-1")
    assert alert.annotations["reason"] == "Threshold crossed"
    knock("POST", path, signed(version, Message=alarm("OK")))
    assert Alert.objects.get().state == Alert.State.RESOLVED
    assert fetched == [CERTIFICATE]


def test_words_that_are_no_alarm_are_kept_as_they_are(path: str, fetched: list[str]) -> None:
    knock("POST", path, signed(Subject="Budget", Message="75 % are spent"))

    assert (Alert.objects.get().title, Alert.objects.get().annotations["message"]) == ("Budget", "75 % are spent")


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "other words"},
        {"Signature": "AAAA"},
        {"Signature": "no base64"},
        {"Signature": None},
        {"SignatureVersion": "3"},
        {"SignatureVersion": "1"},
    ],
)
def test_what_aws_did_not_sign_is_refused(path: str, fetched: list[str], change: dict[str, object]) -> None:
    assert knock("POST", path, {**signed(), **change}).status == 403
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.test/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.test/a.pem",
        "https://evil.test/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://s3.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://169.254.169.254/a.pem",
        "https://[::1/a.pem",
        f"https://sns.eu-west-1.amazonaws.com/{'a' * 300}.pem",
        f"{CERTIFICATE}?a=1",
        f"{CERTIFICATE}?",
        f"{CERTIFICATE}#a",
        "https://sns.eu-west-1.amazonaws.com/?a.pem",
        "https://sns.eu-west-1.amazonaws.com/a?b#c.pem",
        "https://sns.eu-west-1.amazonaws.com/a\n.pem",
        "",
    ],
)
def test_a_certificate_is_fetched_from_aws_only(path: str, fetched: list[str], url: str) -> None:
    assert knock("POST", path, signed(SigningCertURL=url)).status == 403
    assert fetched == []


def test_a_subscription_waits_for_a_person_and_nothing_is_fetched(path: str, fetched: list[str]) -> None:
    asks = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc"
    body = signed(Type="SubscriptionConfirmation", SubscribeURL=asks, Token="abc", Message="You have chosen …")
    answer = knock("POST", path, body)

    assert (answer.status, said(answer)["status"]) == (200, "waits for a person")
    assert fetched == [CERTIFICATE]
    assert not Alert.objects.exists()
    assert "A person confirms" in Source.objects.get().last_error
    assert Signal.objects.get().raw["body"]["SubscribeURL"] == asks


def test_a_subscription_with_a_foreign_address_is_refused(path: str, fetched: list[str]) -> None:
    body = signed(Type="SubscriptionConfirmation", SubscribeURL="https://evil.test/", Token="abc")

    assert knock("POST", path, body).status == 403


def test_when_topics_are_named_others_are_refused(fetched: list[str]) -> None:
    _, token = make("sns", mapping={"topics": ["arn:aws:sns:eu-west-1:1:other"]})

    assert knock("POST", f"/integrations/{token}/sns", signed(Message=alarm("ALARM"))).status == 403


def test_a_certificate_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput):
        signature.Certificates(lambda url: b"no certificate").check({**{n: str(v) for n, v in signed().items()}})


def test_what_failed_is_not_asked_for_again_within_a_minute() -> None:
    asked: list[str] = []

    def fails(url: str) -> bytes:
        asked.append(url)
        if len(asked) == 1:
            raise Overloaded("AWS could not be asked", retry_after=30)
        return b"no certificate"

    certificates, message = signature.Certificates(fails), {n: str(v) for n, v in signed().items()}
    for _ in range(3):
        with pytest.raises(Overloaded):
            certificates.check(message)
    assert asked == [CERTIFICATE]
    CLOCK.move(timedelta(seconds=61))
    for _ in range(3):
        with pytest.raises(BadInput):
            certificates.check(message)
    assert asked == [CERTIFICATE] * 2


def test_made_up_regions_hold_one_thread_for_some_seconds_and_few_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "WAIT_S", 0.2)
    gate, asked = threading.Event(), list[str]()

    def slow(url: str) -> bytes:
        asked.append(url)
        assert gate.wait(100)
        return certificate()

    certificates = signature.Certificates(slow)
    messages = [
        {n: str(v) for n, v in signed(SigningCertURL=f"https://sns.eu-west-{number}.amazonaws.com/a.pem").items()}
        for number in range(9)
    ]
    with ThreadPoolExecutor(9) as senders:
        said = [sender.exception(60) for sender in [senders.submit(certificates.check, one) for one in messages]]
    assert all(isinstance(error, Overloaded) for error in said), said
    until(lambda: len(asked) == signature.FETCHES)
    assert sum("does not answer" in str(error) for error in said) >= 1

    gate.set()
    until(lambda: not certificates._coming)
    certificates.check(next(one for one in messages if one["SigningCertURL"] == asked[-1]))
    assert len(asked) == signature.FETCHES


def test_while_one_waits_for_a_certificate_others_are_sent_away_at_once() -> None:
    gate, begun = threading.Event(), threading.Event()

    def slow(url: str) -> bytes:
        begun.set()
        assert gate.wait(100)
        return certificate()

    certificates, message = signature.Certificates(slow), {n: str(v) for n, v in signed().items()}
    with ThreadPoolExecutor(1) as senders:
        first = senders.submit(certificates.check, message)
        try:
            assert begun.wait(60)
            until(lambda: not certificates._waiting._value)  # the first one waits
            with pytest.raises(Overloaded, match="is being fetched"):
                certificates.check(message)
        finally:
            gate.set()
        assert first.result(10) is None
    certificates.check(message)
