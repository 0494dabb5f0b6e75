"""Rules per address: what a mail is about, whether it is over, and what is left alone."""

import json
from pathlib import Path

import pytest

from raglan.alerts import actions
from raglan.alerts.models import Alert, Signal, Source
from raglan.core import mail_in
from raglan.core.errors import BadInput
from raglan.core.mail_in import Mail
from raglan.integrations.mail_in import reader
from raglan.testing import world
from tests.integrations.doorstep import make

pytestmark = pytest.mark.django_db


def letter(token: str, subject: str, text: str = "words", sender: str = "m@example.test") -> Mail:
    return Mail(f"alerts+{token}@raglan.example.test", sender, subject, text, headers={"from": f"M <{sender}>"})


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        ("** PROBLEM Service Alert: db1/Disk is CRITICAL **", "Service Alert: db1/Disk"),
        ("** RECOVERY Service Alert: db1/Disk is OK **", "Service Alert: db1/Disk"),
        ("[FIRING:1] HighLoad (web)", "HighLoad (web)"),
        ("[RESOLVED] HighLoad (web)", "HighLoad (web)"),
        ("Re: [FIRING:1] HighLoad (web)", "HighLoad (web)"),
        ("Fwd: AW: Backup failed", "Backup failed"),
        ("CRITICAL", "CRITICAL"),
        ("Cron <root@db1> /usr/bin/backup", "Cron <root@db1> /usr/bin/backup"),
    ],
)
def test_a_subject_tells_what_it_is_about(subject: str, about: str) -> None:
    assert reader.about(subject, {}) == about


def test_rules_say_the_key_the_end_and_the_severity() -> None:
    world.administrator()
    rules: dict[str, object] = {"key": r"job (\w+)", "resolved": "(?i)fine", "critical": "broken", "ignore": "^test"}
    _, token = make("email", mapping=rules)
    for subject in ("job backup is broken", "again: job backup broken", "test of job x"):
        mail_in.take(letter(token, subject))
    alert = Alert.objects.get()
    assert (alert.dedup_key, alert.severity, alert.signal_count) == ("backup", "critical", 2)
    mail_in.take(letter(token, "job backup is fine now"))
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_mail_of_others_is_left_alone_where_a_rule_says_whose_is_taken() -> None:
    _, token = make("email", mapping={"from": r"@example\.test>?$"})

    assert mail_in.take(letter(token, "A", sender="x@evil.test")) == "left alone by a rule of the source"
    assert "1 new" in str(mail_in.take(letter(token, "B")))


def test_an_unknown_address_is_refused_for_good() -> None:
    with pytest.raises(BadInput):
        mail_in.take(letter("wrong", "A"))
    _, token = make("generic")
    with pytest.raises(BadInput):
        mail_in.take(letter(token, "A"))


def test_a_mail_without_words_is_refused_and_kept_to_look_at() -> None:
    _, token = make("email")
    with pytest.raises(BadInput):
        mail_in.take(letter(token, "", text=" \n"))

    assert "subject" in Source.objects.get().last_error
    assert Signal.objects.get().status == "refused"


@pytest.mark.parametrize(
    "rules",
    [
        {"key": "("},
        {"key": "x" * 501},
        {"resolved": 7},
        {"colour": "x"},
        {"ends_after_hours": 0},
        {"ends_after_hours": "x"},
        {"ignore": "(?=x)"},
    ],
)
def test_rules_that_can_not_be_read_are_refused_as_they_are_made_and_changed(rules: dict[str, object]) -> None:
    source, _ = make("email")
    with pytest.raises(BadInput) as refused:
        actions.save_mapping(source, rules, actor="raglan")

    assert (refused.value.field, refused.value.status) == (f"mapping.{next(iter(rules))}", 422)
    with pytest.raises(BadInput):
        make("email", mapping=rules)
    assert Source.objects.get().mapping == {}


def test_rules_that_are_well_are_taken() -> None:
    source, _ = make("email")
    rules: dict[str, object] = {"key": r"job (\w+)", "resolved": "ok", "ends_after_hours": 2, "from": "x"}
    actions.save_mapping(source, rules, actor="raglan")

    assert Source.objects.get().mapping == rules


def test_the_rules_that_the_documentation_gives_for_monit_tell_its_services_apart() -> None:
    world.administrator()
    rules: dict[str, object] = {"key": r"^(\S+ \S+):", "resolved": "(Exists|succeeded|recovery)$"}
    _, token = make("email", mapping=rules)
    for subject in ("web1 nginx: Does not exist", "web2 nginx: Does not exist", "web1 nginx: Exists"):
        mail_in.take(letter(token, subject))

    states = dict(Alert.objects.order_by("pk").values_list("dedup_key", "state"))
    assert states == {"web1 nginx": "resolved", "web2 nginx": "firing"}


BESZEL = [
    ("web1 CPU above threshold", "web1 CPU below threshold"),
    ("web1 disk usage above threshold", "web1 disk usage below threshold"),
    ("web 1 5m load above threshold", "web 1 5m load below threshold"),
    ("laptop battery below threshold", "laptop battery above threshold"),
    ("web1 Container nginx is unhealthy", "web1 Container nginx is healthy"),
    ("Connection to web1 is down 🔴", "Connection to web1 is up ✅"),
]


def test_the_rules_that_the_guide_gives_for_beszel_end_each_by_its_own() -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "mail-in.md"
    rules = json.loads(guide.read_text().partition("### Rules for Beszel")[2].split("```")[1].removeprefix("json"))
    world.administrator()
    source, token = make("email")
    actions.save_mapping(source, rules, actor="raglan")

    for problem, _ in BESZEL:
        assert mail_in.take(letter(token, problem)) == "1 new, 0 repeated, 0 resolved"
    for number, (problem, recovery) in enumerate(BESZEL, 1):
        assert mail_in.take(letter(token, recovery)) == "0 new, 0 repeated, 1 resolved"
        assert Alert.objects.get(title=problem).state == "resolved"
        assert Alert.objects.filter(state="firing").count() == len(BESZEL) - number
