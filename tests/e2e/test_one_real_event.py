"""One real event travels the whole way: a rule fires, a mail arrives, somebody acknowledges, others see it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser

from tests.support.ports import free_port
from tests.support.server import Running, get_status, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

RULE = """groups:
- name: httpd
  interval: 1s
  rules:
  - alert: HttpdDown
    expr: {expr}
    labels: {{severity: critical, service: httpd}}
    annotations: {{summary: "Apache is not running", description: "A rule of the test fires."}}
"""
SCRAPE = """global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
- job_name: self
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
alerting:
  alertmanagers:
  - {alertmanager}
"""


@contextmanager
def program(*command: str, ready: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: get_status(ready, "/-/ready") == 200)
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def prometheus(folder: Path, alertmanager: str) -> Iterator[Path]:
    port, rules = free_port(), folder / "rules.yml"
    rules.write_text(RULE.format(expr="vector(0) > 1"))
    (folder / "prometheus.yml").write_text(SCRAPE.format(rules=rules, port=port, alertmanager=alertmanager))
    url = f"http://127.0.0.1:{port}"
    binary = shutil.which("prometheus")
    assert binary, "the Debian package prometheus is missing: `make test` installs it"
    arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    with program(
        binary,
        *arguments,
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--rules.alert.resend-delay=2s",
        ready=url,
    ):
        until(lambda: knows_an_alertmanager(url))  # what fires before waits for the next minute's resend
        yield rules


def knows_an_alertmanager(url: str) -> bool:
    """Tell whether a Prometheus has found whom to send alerts to."""
    with urlopen(f"{url}/api/v1/alertmanagers", timeout=60) as answer:
        return bool(json.loads(answer.read())["data"]["activeAlertmanagers"])


def post(url: str, body: bytes = b"", **headers: str) -> None:
    request = Request(url, data=body, headers=headers, method="POST")
    with urlopen(request, timeout=60) as answer:  # a refusal raises
        answer.read()


def fire(rules: Path, *, on: bool) -> None:
    rules.write_text(RULE.format(expr="vector(1)" if on else "vector(0) > 1"))
    config = (rules.parent / "prometheus.yml").read_text()
    port = re.search(r"127\.0\.0\.1:(\d+)\"\]", config)
    assert port
    post(f"http://127.0.0.1:{port[1]}/-/reload")


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        yield running


def sign_in(browser: Browser, running: Running, name: str):
    page = browser.new_context().new_page()
    page.goto(f"{running.url}/account/login/")
    page.get_by_role("button", name=re.compile(name)).click()
    page.wait_for_url(lambda url: "login" not in url)
    return page


def test_a_rule_of_a_real_prometheus_pages_and_the_room_sees_it(
    raglan: Running, browser: Browser, tmp_path: Path
) -> None:
    token = set_up_web_team(raglan)
    port = raglan.url.rpartition(":")[2]
    target = f'{{path_prefix: "/integrations/{token}", static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}'
    watcher = sign_in(browser, raglan, "Ike Okafor")
    watcher.goto(f"{raglan.url}/wrong/")
    watcher.get_by_label("What do you see?").fill("The shop answers slowly")
    watcher.get_by_text("What users feel, which services, and whether it is private").click()
    watcher.get_by_label("httpd").check()
    watcher.get_by_role("button", name="Open an incident").click()
    watcher.wait_for_url(re.compile(r"/incidents/\d+/"))
    with prometheus(tmp_path, target) as rules:
        fire(rules, on=True)
        mail = until(lambda: raglan.mailbox.to("mara@example.test"))
        assert isinstance(mail, list)
        body = mail[0].get_content()
        assert "Apache is not running" in mail[0]["Subject"]
        link = re.search(r"http://\S+/p/\S+", body)
        assert link
        phone = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 780}).new_page()
        phone.goto(link[0])
        assert "Apache is not running" in open_titles(raglan), "opening the link must not acknowledge"
        phone.get_by_role("button", name="I have it").click()
        phone.get_by_text("You have it.").wait_for()
        watcher.get_by_text("Mara Novak has the page").first.wait_for(timeout=30_000)
        assert "Apache is not running" not in open_titles(raglan)
        fire(rules, on=False)
        until(lambda: "Apache is not running" not in titles(raglan.api("GET", "/alerts?state=firing")), 60)
    watcher.get_by_text("resolved, 1 alert in all").first.wait_for(timeout=30_000)
    watcher.get_by_role("link", name="Close the incident").click()
    watcher.get_by_label("How did it end?").fill("The rule fell silent.")
    watcher.get_by_role("button", name="Close the incident").click()
    number = re.search(r"/incidents/(\d+)/", watcher.url)
    assert number
    review = until(lambda: _review(raglan, number[1]))
    assert isinstance(review, dict)
    texts = " ".join(moment["text"] for moment in review["moments"])
    assert "Mara Novak has the page" in texts
    assert "The rule fell silent." in texts
    assert review["questions"]


def titles(found: object) -> list[str]:
    assert isinstance(found, list)
    return [str(item["title"]) for item in found]


def open_titles(running: Running) -> list[str]:
    return titles(running.api("GET", "/pages?state=open"))


def _review(running: Running, incident: str) -> object:
    try:
        return running.api("GET", f"/incidents/{incident}/review")
    except HTTPError:
        return None


def test_a_real_alertmanager_hands_its_webhook_over(raglan: Running, tmp_path: Path) -> None:
    made = raglan.api("POST", "/sources", {"name": "AM", "slug": "am", "kind": "webhook"})
    assert isinstance(made, dict)
    binary, port = shutil.which("prometheus-alertmanager"), free_port()
    assert binary, "the Debian package prometheus-alertmanager is missing: `make test` installs it"
    hook = f"{raglan.url}/integrations/{made['token']}/alertmanager"
    (tmp_path / "am.yml").write_text(
        "route: {receiver: raglan, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        f'receivers: [{{name: raglan, webhook_configs: [{{url: "{hook}"}}]}}]\n'
    )
    url = f"http://127.0.0.1:{port}"
    arguments = [f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}/am"]
    with program(binary, *arguments, f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", ready=url):
        alert = b'[{"labels":{"alertname":"DiskFull","instance":"db1"},"annotations":{"summary":"Disk is full"}}]'
        post(f"{url}/api/v2/alerts", alert, **{"Content-Type": "application/json"})
        found = until(lambda: [a for a in _alerts(raglan) if a["title"] == "Disk is full"])
    assert isinstance(found, list)
    assert found[0]["source"] == "am"


def _alerts(running: Running) -> list[dict[str, object]]:
    found = running.api("GET", "/alerts")
    assert isinstance(found, list)
    return found
