# SPDX-License-Identifier: Apache-2.0
"""raglan's callback for Ansible: tells raglan what a play book did on each host. One file, standard library only."""

from __future__ import annotations

DOCUMENTATION = """
name: raglan
type: notification
short_description: tells raglan what was done on each host
description:
  - While a play book runs, raglan is told of a host once something changed or failed on it; at its end, of every host.
  - Of a check run raglan is told at its end, as of a rehearsal.
  - It never fails a play. While raglan is away, what was not told waits in a folder and goes with the next play book.
  - Nothing of a task with no_log is sent; arguments of modules are not sent at all.
requirements:
  - enable in ansible.cfg, callbacks_enabled = raglan
options:
  url:
    description: Address of raglan, such as https://raglan.example.org
    type: str
    default: ""
    env: [{name: RAGLAN_URL}]
    ini: [{section: callback_raglan, key: url}]
  token:
    description: Token of a fleet source. Better kept in a file, see token_file.
    type: str
    default: ""
    env: [{name: RAGLAN_TOKEN}]
    ini: [{section: callback_raglan, key: token}]
  token_file:
    description: File that holds the token.
    type: str
    default: ""
    env: [{name: RAGLAN_TOKEN_FILE}]
    ini: [{section: callback_raglan, key: token_file}]
  spool:
    description: Folder where runs wait while raglan is away.
    type: str
    default: ~/.ansible/raglan
    env: [{name: RAGLAN_SPOOL}]
    ini: [{section: callback_raglan, key: spool}]
  version:
    description: What was rolled out, such as the commit of the play book.
    type: str
    default: ""
    env: [{name: RAGLAN_VERSION}]
    ini: [{section: callback_raglan, key: version}]
  diffs:
    description: Whether differences of files are sent, where Ansible makes them (--diff).
    type: bool
    default: true
    env: [{name: RAGLAN_DIFFS}]
    ini: [{section: callback_raglan, key: diffs}]
"""

import atexit
import contextlib
import difflib
import fcntl
import functools
import json
import os
import queue
import re
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid

from ansible import context
from ansible.plugins.callback import CallbackBase

TIMEOUT_S = 5
MOST_SECONDS = 15
MOST_WAITING = 500
MOST_BODY = 60_000
MOST_TEXT = 1_000
MOST_DIFF = 3_000
MOST_LINES = 3_000
KEPT = (401, 403, 404, 408, 425, 429)
PACKAGES = ("apt", "apt_rpm", "dnf", "dnf5", "package", "yum", "zypper")
SERVICES = ("service", "systemd", "systemd_service", "sysvinit")
COUNTED = {"changed": "changed", "failed": "failures", "unreachable": "unreachable"}
FACTS = ("raglan_cluster", "raglan_role", "raglan_environment")
MOVED = re.compile(
    r"^(Unpacking |Removing |Inst |Installed: |Removed: "
    r"|\s+(Updating|Upgrading|Installing|Downgrading|Cleanup|Erasing) *: )"
)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the address that was configured and to no other."""

    def redirect_request(self, *_args, **_named):
        """Follow nothing."""
        return


def never_fails(hook):
    """Have whatever goes wrong in here be a warning, once, and no trouble of the play."""

    @functools.wraps(hook)
    def careful(self, *args, **named):
        try:
            return hook(self, *args, **named)
        except Exception as error:  # a play is worth more than what is told of it
            self.warn(f"{type(error).__name__}: {error}")

    return careful


def short(value, most=MOST_TEXT):
    """Return a text of bearable length, that is UTF-8."""
    return str(value).encode("utf-8", "replace").decode("utf-8")[:most] if value not in (None, "") else ""


def inner(result):
    """Give the results of a loop, or the one result."""
    items = result.get("results")
    if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
        yield from items
    else:
        yield result


def moved_lines(result):
    """Return the lines that say which packages moved."""
    lines = []
    for one in inner(result):
        lines += [line for line in one.get("results") or [] if isinstance(line, str)]
        lines += [one.get("stdout") or "", one.get("msg") or ""]
    found = [line for text in lines for line in str(text).splitlines() if MOVED.match(line)]
    return [short(line, 300) for line in found[:MOST_LINES]]


def difference(result):
    """Return what changed in files, as far as Ansible says it."""
    found = []
    for one in inner(result):
        if one.get("_ansible_no_log") or "censored" in one:
            continue
        said = one.get("diff") or []
        for diff in said if isinstance(said, list) else [said]:
            found.append(one_difference(diff))
    return short("\n".join(text for text in found if text), MOST_DIFF)


def one_difference(diff):
    """Return one difference as `diff -u` writes it."""
    if not isinstance(diff, dict):
        return ""
    if "prepared" in diff:
        return str(diff["prepared"])
    before, after = diff.get("before"), diff.get("after")
    if not isinstance(before, str) or not isinstance(after, str) or before == after:
        return ""
    names = [str(diff.get(name) or "") for name in ("before_header", "after_header")]
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), names[0] or names[1], names[1], lineterm="", n=1
    )
    return "\n".join(lines)


def is_settled(task, outcome, ignored):
    """Tell whether the play's own count will say so: a rescue or `ignore_unreachable` may follow a failure."""
    if outcome == "changed":
        return not getattr(task, "check_mode", False)
    if outcome == "unreachable":
        return not getattr(task, "ignore_unreachable", False)
    above = getattr(task, "_parent", None)
    while above is not None and not ignored:
        ignored = bool(getattr(above, "rescue", None))
        above = getattr(above, "_parent", None)
    return not ignored


def pieces(head, hosts):
    """Give messages of bearable size."""
    piece, size = [], 0
    for host in hosts:
        weight = len(json.dumps(host))
        if piece and size + weight > MOST_BODY:
            yield json.dumps({**head, "hosts": piece}).encode()
            piece, size = [], 0
        piece.append(host)
        size += weight
    if piece:
        yield json.dumps({**head, "hosts": piece}).encode()


def post(url, token, body):
    """Send one message. Raises OSError, ValueError; urllib's HTTPError on any answer but a good one."""
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "User-Agent": "raglan-ansible"}
    request = urllib.request.Request(url, body, headers, method="POST")
    urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT_S).close()


class CallbackModule(CallbackBase):
    """Gathers what becomes of each host, and tells it: at once what changed or failed, and all at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "raglan"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.run = str(uuid.uuid4())
        self.started = time.time()
        self.playbook = ""
        self.play = None
        self.hosts = {}
        self.so_far = {}
        self.sender = None
        self.is_told = self.has_warned = False
        atexit.register(self.at_exit)

    def warn(self, text):
        """Warn once."""
        if not self.has_warned:
            self.has_warned = True
            self._display.warning(f"raglan was not told: {text}")

    @never_fails
    def v2_playbook_on_start(self, playbook):
        """Note which play book this is."""
        self.playbook = os.path.basename(getattr(playbook, "_file_name", "") or "")
        self.started = time.time()

    @never_fails
    def v2_playbook_on_play_start(self, play):
        """Note the play, which knows the variables of hosts."""
        self.play = play

    @never_fails
    def v2_runner_on_ok(self, result):
        """Note a task that changed something, and facts."""
        said = result._result
        self.facts(result._host, said.get("ansible_facts") or {})
        if said.get("changed"):
            self.note(result, "changed")

    @never_fails
    def v2_runner_on_failed(self, result, ignore_errors=False):
        """Note a task that failed."""
        self.note(result, "failed", ignored=bool(ignore_errors))

    @never_fails
    def v2_runner_on_unreachable(self, result):
        """Note a host that can not be reached."""
        self.note(result, "unreachable")

    @never_fails
    def v2_runner_on_skipped(self, result):
        """Note a host, even if nothing ran on it."""
        self.host(result._host)

    @never_fails
    def v2_playbook_on_stats(self, stats):
        """Tell raglan."""
        counts = {name: stats.summarize(name) for name in stats.processed}
        for name, found in counts.items():
            self.hosts.setdefault(name, {"name": name, "tasks": [], "facts": {}, "groups": []})["counts"] = found
        self.tell(stopped=False)

    @never_fails
    def at_exit(self):
        """Tell raglan of a play book that was stopped half-way."""
        if self.hosts and not self.is_told:
            for host in self.hosts.values():
                tasks = [task["outcome"] for task in host["tasks"] if not task.get("ignored")]
                counts = {"changed": tasks.count("changed"), "failures": tasks.count("failed")}
                host["counts"] = {**counts, "unreachable": tasks.count("unreachable")}
            self.tell(stopped=True)

    def host(self, host):
        """Return what is known of a host."""
        name = host.get_name()
        if name not in self.hosts:
            groups = [group.name for group in host.get_groups() if group.name not in ("all", "ungrouped")]
            self.hosts[name] = {"name": name, "groups": sorted(groups), "facts": self.described(host), "tasks": []}
        return self.hosts[name]

    def described(self, host):
        """Return what inventory variables say of a host."""
        found = {}
        with contextlib.suppress(Exception):
            variables = self.play.get_variable_manager().get_vars(play=self.play, host=host)
            for name in FACTS:
                if isinstance(variables.get(name), str):
                    found[name[len("raglan_") :]] = str(variables[name])
        return found

    def facts(self, host, facts):
        """Note which machine this is, where facts were gathered."""
        found = self.host(host)["facts"]
        if facts.get("ansible_machine_id"):
            found["machine"] = short(facts["ansible_machine_id"], 100)
        if facts.get("ansible_distribution"):
            system = f"{facts['ansible_distribution']} {facts.get('ansible_distribution_version', '')}"
            found["system"] = short(system.strip(), 100)

    def note(self, result, outcome, ignored=False):
        """Note what became of a task on a host."""
        task, said = result._task, result._result
        action = str(task.action).rpartition(".")[2]
        found = {"name": short(task.get_name(), 300), "action": action, "outcome": outcome}
        if ignored:
            found["ignored"] = True
        if getattr(task, "check_mode", False):
            found["check"] = True
        is_secret = said.get("_ansible_no_log") or "censored" in said or getattr(task, "no_log", False)
        found.update({"words": "(not shown: no_log)"} if is_secret else self.details(action, outcome, said))
        host = self.host(result._host)
        host["tasks"].append(found)
        if is_settled(task, outcome, ignored):
            self.tell_at_once(host, outcome, action)

    def tell_at_once(self, host, outcome, action):
        """Tell of a host while the play book goes on: its first change, and every failure, package and service."""
        is_first = host["name"] not in self.so_far
        counts = self.so_far.setdefault(host["name"], dict.fromkeys(COUNTED.values(), 0))
        counts[COUNTED[outcome]] += 1
        url, token = self.get_option("url"), self.token()
        if not url or not token or context.CLIARGS.get("check"):
            return
        if is_first or outcome != "changed" or action in PACKAGES + SERVICES:
            if self.sender is None:
                self.sender = Sender(url.rstrip("/") + "/fleet/runs/ansible", token, {**self.head(), "under_way": True})
            self.sender.tell({**host, "counts": counts})

    def details(self, action, outcome, said):
        """Return what may be told of a task that is not secret."""
        found = {}
        if outcome != "changed":
            words = [said.get("msg"), said.get("stderr")]
            found["words"] = short("\n".join(str(text) for text in words if text))
        if action in PACKAGES:
            found["packages"] = moved_lines(said)
        if action in SERVICES:
            asked = (said.get("invocation") or {}).get("module_args") or {}
            found["service"] = short(said.get("name") or asked.get("name"), 200)
            found["state"] = short(asked.get("state") or said.get("state"), 40)
        if self.get_option("diffs"):
            found["diff"] = difference(said)
        return {name: value for name, value in found.items() if value}

    def tell(self, stopped):
        """Put what is to be told into the spool, and send what stands there."""
        self.is_told = True
        url, token = self.get_option("url"), self.token()
        if not url or not token:
            self.warn("url or token is not set (see callback_raglan in ansible.cfg)")
            return
        if self.sender is not None:
            self.sender.end()
            self.sender = None
        spool = Spool(os.path.expanduser(self.get_option("spool")))
        for body in pieces({**self.head(), "ended": time.time(), "stopped": stopped}, self.hosts.values()):
            spool.keep(body)
        spool.send(url.rstrip("/") + "/fleet/runs/ansible", token, self.warn)

    def token(self):
        """Return the token."""
        if path := self.get_option("token_file"):
            with open(os.path.expanduser(path), encoding="utf-8") as file:
                return file.read().strip()
        return self.get_option("token")

    def head(self):
        """Return what is said of the run itself."""
        is_check = bool(context.CLIARGS.get("check"))
        told = {"v": 1, "run": self.run, "playbook": self.playbook, "started": self.started, "check": is_check}
        return {**told, "version": self.get_option("version")}


class Sender:
    """A process beside the play, which sends what hosts did so far: no play waits for raglan.

    What it can not send is lost here, and told at the end.
    """

    def __init__(self, url, token, head):
        reads, writes = os.pipe()
        self.process = os.fork()
        if not self.process:
            try:
                os.close(writes)
                self.go(reads, url, token, head)
            finally:
                os._exit(0)
        os.close(reads)
        self.pipe = os.fdopen(writes, "w", encoding="utf-8")

    def tell(self, host):
        """Hand a host over."""
        with contextlib.suppress(OSError, ValueError):
            self.pipe.write(json.dumps(host) + "\n")
            self.pipe.flush()

    def end(self):
        """Have it end, so that nothing of it comes after what is told at the end."""
        with contextlib.suppress(OSError, ValueError):
            self.pipe.write("\n")
            self.pipe.close()
        until = time.monotonic() + TIMEOUT_S
        with contextlib.suppress(ChildProcessError):
            while not os.waitpid(self.process, os.WNOHANG)[0]:
                if time.monotonic() > until:
                    os.kill(self.process, signal.SIGKILL)
                time.sleep(0.02)

    def go(self, reads, url, token, head):
        """Be that process: what came while one message was on its way goes with the next one."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        lines = queue.SimpleQueue()
        threading.Thread(target=self.listen, args=(reads, lines), daemon=True).start()
        while fresh := self.gathered(lines):
            for body in pieces({**head, "ended": time.time()}, fresh):
                with contextlib.suppress(OSError, ValueError):
                    post(url, token, body)

    def listen(self, reads, lines):
        """Take whatever comes, so that whoever hands over never waits."""
        with os.fdopen(reads, encoding="utf-8") as pipe:
            for line in pipe:
                lines.put(line)
        lines.put("")

    def gathered(self, lines):
        """Return hosts as they are by now; none at the end, when the play tells of all of them itself."""
        fresh = {}
        while not fresh or not lines.empty():
            line = lines.get().strip()
            if not line:
                return []
            host = json.loads(line)
            fresh[host["name"]] = host
        return list(fresh.values())


class Spool:
    """Files that wait to be sent, in their order; each goes when raglan has taken it or never will."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def waiting(self):
        """Return names of files, the oldest first."""
        return sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))

    def keep(self, body):
        """Keep one; the oldest go when there are too many."""
        for name in self.waiting()[: -MOST_WAITING + 1]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, name))
        path = os.path.join(self.folder, f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json")
        descriptor = os.open(path + ".part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
        os.rename(path + ".part", path)

    def send(self, url, token, warn):
        """Send what waits, for a bounded time; another play that sends already will send ours with the next one."""
        until = time.monotonic() + MOST_SECONDS
        with open(os.path.join(self.folder, "lock"), "w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > until:
                        return
                    time.sleep(0.1)
            for name in self.waiting():
                if time.monotonic() > until or not self.send_one(os.path.join(self.folder, name), url, token, warn):
                    return

    def send_one(self, path, url, token, warn):
        """Send one; return whether it is worth to go on."""
        with open(path, "rb") as file:
            body = file.read()
        try:
            post(url, token, body)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode("utf-8", "replace")
            if error.code >= 500 or error.code < 400 or error.code in KEPT:
                warn(f"{url} answers {error.code}; it waits in {self.folder}: {said}")
                return False
            warn(f"{url} refuses it with {error.code}: {said}")
        except (OSError, ValueError) as error:
            warn(f"{error}; it waits in {self.folder}")
            return False
        os.unlink(path)
        return True
