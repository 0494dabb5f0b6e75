"""When a mail ends an alert: a mark of its subject does, words within it do not."""

import pytest

from raglan.alerts.models import Alert, Signal
from raglan.core import mail_in
from raglan.integrations.mail_in import reader, standing, subjects
from raglan.paging.models import Page
from raglan.testing import world
from tests.integrations.doorstep import make
from tests.integrations.test_mail_rules import letter

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "subject",
    [
        "CRITICAL: disaster recovery job failed on db1",
        "WARNING: mail.example.org could not be resolved",
        "Backup of db1 failed, was not resolved",
        "Disaster recovery job failed on db1",
        "[Recovery] job failed on db1",
        "Recovery: nightly job failed on db1",
        "Cache of web1 was cleared 40 times in a minute",
        "Host names are not resolved",
        "The queue is not back to normal",
        "DNS can't be resolved, db1 is UP",
        "NOT OK: backup of db1",
        "Backup of db1 [NOT OK]",
        "Unresolved: backup of db1",
        "Error rate is up",
        "Call me when db1 is up",
        "Is it resolved?",
        "PROBLEM: db1 - RESOLVED",
        "CRITICAL db1 is OK",
        "[DOWN] db1 is UP",
        "[OK-team] disk of db1 is full",
        "UP-to-date check of db1",
        "Follow-up: disk of db1",
        "Report - follow up",
        "Primary link DOWN, backup link is UP",
        "Temperature critical! Fan: OK",
        "mdadm: Fail event - RECOVERY",
        "Out of memory. Service nginx is UP",
        "Ping lost, ssh is ok",
        "Backup of db1 is ok",
        "Alert recovery: nightly job",
        "Audit log cleared",
        "Host names not resolved",
        "[Recovered on {host:a}] CPU high",
        "db1 recovered from crash, replica is down",
        "[mysite] [🔴 Down] backup link is ✅ Up",
        "[mysite] [🔴 Down] 503 - [x] [✅ Up] OK",
        "The load of db1 is ✅ Up",
        "[ops] Alert resolved",
    ],
)
def test_words_of_an_end_within_a_subject_page_each_time(subject: str) -> None:
    world.administrator()
    _, token = make("email")

    became = [mail_in.take(letter(token, subject)) for _ in range(2)]

    assert became == ["1 new, 0 repeated, 0 resolved", "0 new, 1 repeated, 0 resolved"]
    assert (Alert.objects.get().state, Alert.objects.get().title) == ("firing", subject)
    assert Page.objects.get().state == "triggered"


PAIRS = [
    ("[Alerting] CPU alert", "[OK] CPU alert", "CPU alert"),
    ("PROBLEM: High CPU on web1", "OK: High CPU on web1", "High CPU on web1"),
    ("Problem: High load", "Resolved in 5m: High load", "High load"),
    ("Problem: High load", "Resolved in 1d 2h 05m: High load", "High load"),
    (
        "Updated problem in 5m: Zabbix agent is down",
        "Resolved in 00:05:12: Zabbix agent is down",
        "Zabbix agent is down",
    ),
    ("[DOWN] mysite", "[UP] mysite", "mysite"),
    ("[🔴 Down] mysite", "[✅ Up] mysite", "mysite"),
    ('ALARM: "CPU" in EU', 'OK: "CPU" in EU', '"CPU" in EU'),
    ("[FIRING:1] X", "[RESOLVED] X", "X"),
    ("[FIRING:2, RESOLVED:1] X", "Re: [RESOLVED:3] X", "X"),
    ("** PROBLEM Service Alert: h/s is CRITICAL **", "** RECOVERY Service Alert: h/s is OK **", "Service Alert: h/s"),
    ("** PROBLEM Host Alert: h is DOWN **", "** RECOVERY Host Alert: h is UP **", "Host Alert: h"),
    ("[PROBLEM] Disk on db1 is CRITICAL!", "[RECOVERY] Disk on db1 is OK!", "Disk on db1"),
    ("Check_MK: db1/CPU load OK -> CRIT", "Check_MK: db1/CPU load CRIT -> OK", "Check_MK: db1/CPU load"),
    ("Monitor is DOWN: mysite", "Monitor is UP: mysite", "mysite"),
    ("DOWN alert: mysite is DOWN", "UP alert: mysite is UP", "mysite"),
    ("DOWN | backup", "UP | backup", "backup"),
    ("[Monitor Alert] Triggered: CPU high", "[Monitor Alert] Recovered: CPU high", "[Monitor Alert] CPU high"),
    ("Fwd: [ops] [FIRING:1] X", "[ops] Re: [RESOLVED] X", "[ops] X"),
    ("Fired:Sev3 Azure Monitor Alert X", "Resolved:Sev3 Azure Monitor Alert X", "Sev3 Azure Monitor Alert X"),
    ("Backup of db1 failed", "Backup of db1 failed - RESOLVED", "Backup of db1 failed"),
    ("Backup of db1 failed", "Backup of db1 failed [Resolved]", "Backup of db1 failed"),
    ("Backup of db1 failed", "[RESOLVED] Backup of db1 failed", "Backup of db1 failed"),
    ("web1: DOWN", "web1: UP", "web1"),
    ("web1 is down", "web1 is up", "web1"),
    ("High load on web1", "High load on web1 has been resolved", "High load on web1"),
    ("High load on web1", "High load on web1 is back to normal", "High load on web1"),
    ("[Triggered on {host:a}] CPU high", "[Recovered on {host:a}] CPU high", "{host:a} CPU high"),
    ("[Re-Triggered on {host:a,env:b}] CPU high", "[Recovered on {host:a,env:b}] CPU high", "{host:a,env:b} CPU high"),
    ("[Re-Triggered] CPU high", "[Recovered] CPU high", "CPU high"),
    ("Alert: web1 down", "Alert resolved: web1 down", "web1 down"),
    ("Link down on port 3", "Link down on port 3 cleared", "Link down on port 3"),
    ("Disk full on db1", "Disk full on db1 RESOLVED", "Disk full on db1"),
    ("web1 is critical", "web1 recovered from critical", "web1"),
    (
        "Alert for device web1 - Devices up/down",
        "Device web1 recovered from Devices up/down",
        "Alert for device web1 - Devices up/down",
    ),
    (
        "[ops] Alert for device web1 - Ping failed",
        "[ops] Device web1 recovered from Ping failed",
        "[ops] Alert for device web1 - Ping failed",
    ),
    ("Primary link", "Primary link DOWN - RESOLVED", "Primary link"),
    ("PROBLEM: mysite", "OK: mysite (was down for 5m 3s)", "mysite"),
    ("[mysite] [🔴 Down] timeout of 48000ms exceeded", "[mysite] [✅ Up] 200 - OK", "Uptime Kuma: mysite"),
    (
        "[my site (eu)] [🔴 Down] connect ECONNREFUSED 192.0.2.1:80",
        "[my site (eu)] [✅ Up] PING OK",
        "Uptime Kuma: my site (eu)",
    ),
    ("[a [b]] [🔴 Down] Child inaccessible", "Re: [a [b]] [✅ Up] All children up and running", "Uptime Kuma: a [b]"),
    ("[db] [🔴 Down] No heartbeat in the time window", "[db] [✅ Up] [x] [🔴 Down] was answered", "Uptime Kuma: db"),
    ("[db] [🔴 Down]", "[db] [✅\ufe0f Up]", "Uptime Kuma: db"),
    ("mysite: 🔴 Down", "mysite: ✅ Up", "Uptime Kuma: mysite"),
    ("Service mysite is 🔴 Down", "Service mysite is ✅ Up", "Uptime Kuma: Service mysite"),
    ("🔴 Down - mysite", "✅ Up - mysite", "Uptime Kuma: mysite"),
    ("AW: WG: [mysite] [🔴 Down] timeout", "Re: Re: FW: [mysite] [✅ Up] 200 - OK", "Uptime Kuma: mysite"),
    ("[db] [🔴 Down] x", "WG: AW: Re: [db] [✅ Up]", "Uptime Kuma: db"),
    ("Connection to web1 is down 🔴", "Connection to web1 is up ✅", "Beszel: Connection to web1"),
    (
        "[EXTERNAL] Connection to web1 is down 🔴",
        "AW: [EXTERNAL] Re: Connection to web1 is up ✅",
        "Beszel: [EXTERNAL] Connection to web1",
    ),
    ("[FIRING:1] Alert triggered", "[RESOLVED] Alert triggered", "Alert triggered"),
    ("[CRITICAL] Alert triggered", "[OK] Alert triggered", "Alert triggered"),
    ("PROBLEM - db1 - not responding", "RECOVERY - db1 - not responding", "db1 - not responding"),
]


KUMA = ("[web1] [🔴 Down] timeout", "[web1] [✅ Up] 200 - OK")


@pytest.mark.parametrize(("problem", "recovery", "about"), PAIRS)
def test_a_recovery_is_about_what_its_problem_is_about_and_ends_it(problem: str, recovery: str, about: str) -> None:
    world.administrator()
    _, token = make("email")
    assert (reader.about(problem, {}), reader.about(recovery, {})) == (about, about)

    mail_in.take(letter(token, problem))
    mail_in.take(letter(token, "Something else"))
    assert mail_in.take(letter(token, recovery)) == "0 new, 0 repeated, 1 resolved"

    assert Alert.objects.get(dedup_key=about).state == "resolved"
    assert Alert.objects.get(dedup_key="Something else").state == "firing"


def of_gatus(token: str, name: str, word: str, *, subject: str = "") -> str | None:
    """Take a mail as Gatus writes it, with a line before that a list or a forward may add."""
    counts = f"having failed 3 time(s) in a row\n\nCondition results:\n❌ [CONNECTED] == {name}\n"
    text = f"A list wrote:\n\nAn alert for {name} has been {word} due to {counts}"
    return mail_in.take(letter(token, subject or f"[{name}] Alert {word}", text))


@pytest.mark.parametrize(
    ("tags", "key"), [("", "Gatus: core/db [eu]"), ("[EXTERNAL] ", "Gatus: [EXTERNAL] core/db [eu]")]
)
def test_gatus_ends_what_it_opened_by_the_name_that_its_text_says_too(tags: str, key: str) -> None:
    world.administrator()
    _, token = make("email")
    for name in ("core/db [eu]", "core/web"):
        of_gatus(token, name, "triggered", subject=f"{tags}[{name}] Alert triggered")

    end = of_gatus(token, "core/db [eu]", "resolved", subject=f"AW: Re: {tags}[core/db [eu]] Alert resolved")

    assert end == "0 new, 0 repeated, 1 resolved"
    assert Alert.objects.get(dedup_key=key).state == "resolved"
    assert Alert.objects.filter(state="firing").count() == 1


@pytest.mark.parametrize("name", ["CRITICAL", "critical", "ops", "P1", "Sev 2", "High", "db1"])
def test_an_alert_whose_host_stands_only_in_the_text_is_not_ended_by_the_end_of_another(name: str) -> None:
    world.administrator()
    _, token = make("email")
    for host in ("web1", "web2"):
        mail_in.take(letter(token, f"[{name}] Alert triggered", f"An alert for {host} has been triggered today"))

    end = mail_in.take(letter(token, f"[{name}] Alert resolved", "An alert for web1 has been resolved today"))

    assert str(end).endswith(" 0 resolved")
    assert Alert.objects.get(title=f"[{name}] Alert triggered").state == "firing"


@pytest.mark.parametrize("name", ["CRITICAL", "Sev-1", "warning", "P2", "FIRING:2"])
def test_a_state_or_a_severity_is_no_name_even_where_the_text_says_it(name: str) -> None:
    world.administrator()
    _, token = make("email")
    of_gatus(token, name, "triggered")

    assert str(of_gatus(token, name, "resolved")).endswith(" 0 resolved")


@pytest.mark.parametrize(
    ("theirs", "end"),
    [
        ("PROBLEM: mysite", "[mysite] [✅ Up] 200 - OK"),
        ("[DOWN] mysite", "[mysite] [✅ Up] 200 - OK"),
        ("mysite", "mysite: ✅ Up"),
        ("mysite", "[mysite] [✅ Up] 200 - OK"),
        ("[mysite] [🔴 Down] timeout", "[UP] mysite"),
        ("[mysite] Alert triggered", "[mysite] [✅ Up] 200 - OK"),
        ("[mysite] Alert triggered", "[mysite] Alert resolved"),
        ("PROBLEM: Connection to web1", "Connection to web1 is up ✅"),
        ("Connection to web1 is down 🔴", "OK: Connection to web1"),
        ("[EXTERNAL] Connection to web1 is down 🔴", "[OTHER] Connection to web1 is up ✅"),
        ("[RESOLVED] Connection to web1 is down 🔴", "Connection to web1 is up ✅"),
    ],
)
def test_the_end_of_one_sender_leaves_what_another_opened(theirs: str, end: str) -> None:
    world.administrator()
    _, token = make("email")
    mail_in.take(letter(token, theirs))

    mail_in.take(letter(token, end))

    assert Alert.objects.get(title=theirs).state == "firing"


@pytest.mark.parametrize("kuma_is_first", [True, False])
def test_two_senders_of_one_name_have_two_alerts_and_each_ends_its_own(kuma_is_first: bool) -> None:
    world.administrator()
    _, token = make("email")
    down, up = ((lambda subject=subject: mail_in.take(letter(token, subject))) for subject in KUMA)
    triggered, resolved = ((lambda word=word: of_gatus(token, "web1", word)) for word in ("triggered", "resolved"))
    opened = [down(), triggered()] if kuma_is_first else [triggered(), down()]
    assert opened == ["1 new, 0 repeated, 0 resolved"] * 2

    assert up() == "0 new, 0 repeated, 1 resolved"
    assert Alert.objects.get(state="firing").dedup_key == "Gatus: web1"
    assert mail_in.take(letter(token, "[web1] Alert triggered", "words")) == "1 new, 0 repeated, 0 resolved"
    assert resolved() == "0 new, 0 repeated, 1 resolved"
    assert Alert.objects.get(state="firing").dedup_key == "[web1] Alert triggered"
    assert resolved() == "0 new, 0 repeated, 0 resolved"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[db1] Disk full", "[db2] Disk full"),
        ("[Triggered on {host:a}] CPU high", "[Triggered on {host:b}] CPU high"),
        ("HighLoad (for 5m)", "HighLoad (for 15m)"),
        ("PROBLEM: db1 is down", "PROBLEM: db1 is slow"),
        ("[one] [🔴 Down] timeout", "[other] [🔴 Down] timeout"),
        ("[mysite] [🔴 Down] timeout", "[mysite][https://x.test] Certificate expires in 14 days"),
    ],
)
def test_what_differs_beyond_its_state_stays_two(one: str, other: str) -> None:
    assert reader.about(one, {}) != reader.about(other, {})


@pytest.mark.parametrize("subject", ["OK: backup of db1", "Backup of db1 [ok]", "Backup of db1: OK", "[RESOLVED] X"])
def test_a_clear_end_of_nothing_pages_nobody_and_stands_on_the_screen_of_its_source(subject: str) -> None:
    world.administrator()
    _, token = make("email")

    assert mail_in.take(letter(token, subject)) == "0 new, 0 repeated, 0 resolved"

    assert not Alert.objects.exists()
    kept = Signal.objects.get()
    assert (kept.status, kept.problem) == ("resolved", "nothing with these labels was firing")


def test_an_end_in_doubt_counts_again_once_its_subject_was_heard_of() -> None:
    world.administrator()
    _, token = make("email")
    for subject in ("web1 is down", "web1 is up"):
        mail_in.take(letter(token, subject))

    assert mail_in.take(letter(token, "web1 is up")) == "0 new, 0 repeated, 0 resolved"


@pytest.mark.parametrize(
    ("problem", "old_key", "recovery"),
    [
        ("Problem: High load", "Problem: High load", "Resolved in 5m: High load"),
        ("[ops] [FIRING:1] X", "X", "[ops] [RESOLVED] X"),
        ('ALARM: "CPU" in EU', 'ALARM: "CPU" in EU', 'OK: "CPU" in EU'),
    ],
)
def test_what_was_open_under_a_key_of_before_is_counted_and_ended(
    problem: str, old_key: str, recovery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.administrator()
    _, token = make("email")
    with monkeypatch.context() as before:
        before.setattr(reader, "about", lambda title, rules, text="": old_key)
        before.setattr(standing, "about", lambda title, rules, text="": old_key)
        mail_in.take(letter(token, problem))
    assert Alert.objects.get().dedup_key == old_key

    assert mail_in.take(letter(token, problem)) == "0 new, 1 repeated, 0 resolved"
    assert mail_in.take(letter(token, recovery)) == "0 new, 0 repeated, 1 resolved"


def test_the_rule_of_a_source_alone_says_what_ends() -> None:
    world.administrator()
    _, token = make("email", mapping={"resolved": "all fine"})
    mail_in.take(letter(token, "[RESOLVED] X"))

    assert Alert.objects.get().state == "firing"


@pytest.mark.parametrize(
    "subject",
    [
        "- " * 5_000,
        "is OK " * 1_600,
        "[" * 10_000,
        "Resolved in 1" + " 1" * 5_000,
        "*" * 10_000,
        "[UP on {" + "a" * 9_990,
        " cleared!" * 1_100 + "x",
        "Re:" * 3_300,
        "[a] " * 2_500,
        "[a] " * 2_500 + "Alert resolved",
        "[" * 4_000 + "] Alert triggered",
        "Connection to " * 700 + " is up ",
    ],
)
def test_a_hostile_subject_is_read_at_once(subject: str) -> None:
    assert subjects.read(subject).about
