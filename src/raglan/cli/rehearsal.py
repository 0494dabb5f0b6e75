"""One test page the whole way, on a temporary raglan with a mailbox of its own: the running one is not disturbed."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from raglan.cli.children import Child, free_port, wait_until_ready
from raglan.cli.doctor import Finding
from raglan.demo.client import Client, Json, Refused, Unreachable, number, text
from raglan.demo.mailbox import Mailbox

PERSON = "doctor@example.test"
MAIL_WAIT_S = 20
TITLE = "Test page of raglan doctor"
LINK = re.compile(r"https?://\S+/p/\S+")


class Stuck(Exception):
    """A step that did not work; nothing after it can."""

    def __init__(self, step: str, words: str) -> None:
        super().__init__(words)
        self.step = step


def rehearse() -> Iterator[Finding]:
    """Go from an alert to an answer, and say for each step whether it worked."""
    with ExitStack() as ended:
        folder = Path(ended.enter_context(tempfile.TemporaryDirectory(prefix="raglan-doctor-")))
        mailbox = ended.enter_context(Mailbox(folder / "mail"))
        log = ended.enter_context((folder / "log").open("w+b"))
        port = free_port()
        env = environment(folder, port, mailbox.url)
        server = ended.enter_context(Child(["serve"], env, output=log))
        try:
            began = time.monotonic()
            if not wait_until_ready(server, "127.0.0.1", port):
                log.seek(0)
                raise Stuck("temporary", f"a temporary raglan did not start: {_last_line(log.read())}")
            yield Finding("temporary", ok=True, words=f"a raglan on a fresh database was ready in {_since(began)}")
            yield from _whole_way(Client(f"http://127.0.0.1:{port}", token_of(env)), mailbox)
            code = server.stop()
            yield Finding("shutdown", ok=code == 0, words="in order" if code == 0 else f"ended with {code}")
        except Stuck as stuck:
            yield Finding(stuck.step, ok=False, words=str(stuck))
        except (Refused, Unreachable, KeyError) as error:
            yield Finding("rehearsal", ok=False, words=f"the temporary raglan refused: {error}")


def environment(folder: Path, port: int, smtp_url: str) -> dict[str, str]:
    """Give options that touch nothing of the real installation; every other RAGLAN_ variable is taken back."""
    blank = {name: "" for name in os.environ if name.startswith("RAGLAN_") and name.endswith("_FILE")}
    return {
        **blank,
        "RAGLAN_CONFIG": str(folder / "none.toml"),
        "RAGLAN_DATA_DIR": str(folder / "data"),
        "RAGLAN_DATABASE_URL": "",
        "RAGLAN_HOST": "127.0.0.1",
        "RAGLAN_PORT": str(port),
        "RAGLAN_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RAGLAN_ROLES": "edge,web,engine",
        "RAGLAN_SMTP_URL": smtp_url,
        "RAGLAN_DEMO": "false",
    }


def token_of(env: dict[str, str]) -> str:
    """Return a token of the first administrator there."""
    command = [sys.executable, "-m", "raglan", "token", PERSON]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Stuck("temporary", f"no token could be made: {_last_line(done.stderr.encode())}")
    return done.stdout.strip()


def _whole_way(client: Client, mailbox: Mailbox) -> Iterator[Finding]:
    door = _set_up(client)
    began = time.monotonic()
    client.call("POST", door, {"title": TITLE, "key": "doctor", "severity": "warning"})
    yield Finding("intake", ok=True, words=f"an alert was stored and answered in {_since(began)}")
    mail = _first_mail(mailbox)
    yield Finding("page", ok=True, words=f"paged, and the mail was handed over by SMTP {_since(began)} after the alert")
    link = LINK.search(mail)
    if link is None:
        raise Stuck("page", "the mail has no link to answer by")
    page = client.rows("/pages?state=open")
    if len(page) != 1:
        raise Stuck("page", f"{len(page)} pages are open in place of one")
    answer = client.post(f"/pages/{number(page[0])}/acknowledge")
    if text(answer, "state") != "acknowledged":
        raise Stuck("acknowledge", f"the page is {text(answer, 'state')} after it was acknowledged")
    yield Finding("acknowledge", ok=True, words="the page was taken, and escalates no further")


def _set_up(client: Client) -> str:
    """Make source, policy and route for one person; return the path that takes alerts."""
    me = number(_object(client.get("/whoami")), "person_id")
    contact = client.rows(f"/people/{me}/contact-methods")[0]
    client.put(f"/people/{me}/notification-rules", [{"contact_method_id": number(contact), "delay_s": 0}])
    steps: list[Json] = [{"wait_s": 300, "targets": [{"type": "person", "id": me}]}]
    client.post("/policies", {"name": "Doctor", "slug": "doctor", "repeat": 0, "steps": steps})
    client.post("/routes", {"position": 1, "matchers": [], "policy": "doctor"})
    source = client.post("/sources", {"name": "Doctor", "slug": "doctor", "kind": "generic"})
    return f"/integrations/{text(source, 'token')}"


def _object(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _first_mail(mailbox: Mailbox) -> str:
    until = time.monotonic() + MAIL_WAIT_S
    while time.monotonic() < until:
        if mails := mailbox.mails():
            body = message_from_bytes(mails[0].read_bytes(), policy=default).get_body(("plain",))
            return str(body.get_content()) if body is not None else ""
        time.sleep(0.01)
    raise Stuck("page", f"no mail was handed over within {MAIL_WAIT_S} s of the alert")


def _since(began: float) -> str:
    seconds = time.monotonic() - began
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
