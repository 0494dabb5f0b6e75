#!/usr/bin/env python3
"""raglan-notify: tells raglan of one notification of Nagios or Icinga, and loses none while raglan is away.

One file, standard library only, so that it can be copied to a machine without raglan (Python 3.7 or newer).

    raglan-notify                       reads the NAGIOS_* variables (enable_environment_macros=1)
    raglan-notify --type PROBLEM --host db1 --service disk --state CRITICAL --output "disk 95 %"     for Icinga
    raglan-notify --flush               sends what waits; for a timer, such as one of cron

Address and token stand in /etc/raglan-notify.conf (`url = …`, `token = …`, `spool = …`), in RAGLAN_NOTIFY_URL and
RAGLAN_NOTIFY_TOKEN, or in --url and --token-file. Output of checks comes from the machines that are checked: it is read
from the environment or from arguments and never given to a shell.

A notification is written to the spool before it is sent, and deleted when raglan has answered 2xx: whatever happens in
between, it is sent again, in order. raglan knows host and service, so that a repeat is counted and not a second page.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence

CONFIG = "/etc/raglan-notify.conf"
SPOOL = "/var/spool/raglan-notify"
TIMEOUT_S = 10
LOCK_S = 15
MOST_WAITING = 20000
MOST_TEXT = 16000
EXIT_WRONG = 2
DESCRIBED = (
    "type",
    "host",
    "service",
    "state",
    "output",
    "long_output",
    "address",
    "author",
    "comment",
    "notes_url",
    "at",
)
FIELDS = {
    "host": ("HOSTNAME",),
    "host_alias": ("HOSTALIAS",),
    "address": ("HOSTADDRESS",),
    "hostgroup": ("HOSTGROUPNAME",),
    "service": ("SERVICEDESC",),
    "servicegroup": ("SERVICEGROUPNAME",),
    "number": ("NOTIFICATIONNUMBER",),
    "author": ("NOTIFICATIONAUTHORALIAS", "NOTIFICATIONAUTHORNAME", "NOTIFICATIONAUTHOR"),
    "comment": ("NOTIFICATIONCOMMENT",),
    "at": ("TIMET",),
}
BOTH = {
    "state": "STATE",
    "state_type": "STATETYPE",
    "output": "OUTPUT",
    "attempt": "ATTEMPT",
    "problem_id": "PROBLEMID",
    "notes_url": "NOTESURL",
    "action_url": "ACTIONURL",
    "info_url": "INFOURL",
}


class Refused(Exception):
    """raglan will never take this one: sending it again can not help."""


class Away(Exception):
    """raglan could not be told now: send it again later."""


def from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """Return a notification from the variables of Nagios; of a service when it names one."""
    said = {name[7:]: value for name, value in environ.items() if name.startswith("NAGIOS_")}
    kind = "SERVICE" if said.get("SERVICEDESC") else "HOST"
    found: dict[str, object] = {"type": said.get("NOTIFICATIONTYPE", ""), "sender": "nagios"}
    for field, names in FIELDS.items():
        found[field] = next((said[name] for name in names if said.get(name)), "")
    for field, name in BOTH.items():
        found[field] = said.get(kind + name, "")
    found["long_output"] = said.get(f"LONG{kind}OUTPUT", "").replace("\\n", "\n")
    custom: dict[str, str] = {}
    for prefix in ("_HOST", "_SERVICE"):
        named = {name[len(prefix) :].lower(): said[name] for name in said if name.startswith(prefix)}
        custom.update({name: value for name, value in named.items() if value})
    found["custom"] = custom
    return found


def cut(value: object) -> object:
    """Return texts of bearable length, without what is no UTF-8."""
    if isinstance(value, dict):
        return {name: cut(item) for name, item in value.items()}
    return str(value).encode("utf-8", "replace").decode("utf-8")[:MOST_TEXT]


def settings(options: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, str]:
    """Return address, token and spool from the file, the environment and the arguments; the later one wins."""
    found = {"spool": SPOOL}
    with contextlib.suppress(FileNotFoundError), open(options.config, encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith("#"):
                found[name.strip()] = value.strip()
    for name in ("url", "token", "spool"):
        found[name] = environ.get("RAGLAN_NOTIFY_" + name.upper()) or found.get(name, "")
    if options.token_file:
        with open(options.token_file, encoding="utf-8") as file:
            found["token"] = file.read().strip()
    found["url"] = (options.url or found["url"]).rstrip("/")
    found["spool"] = options.spool or found["spool"]
    if not found["url"].startswith(("http://", "https://")) or not found["token"]:
        raise Refused(f"say url and token, in {options.config} or with --url and --token-file")
    return found


def keep(spool: str, notification: object) -> str:
    """Write a notification to the spool: whole or not at all, and on disk. Return its name."""
    os.makedirs(spool, mode=0o700, exist_ok=True)
    if len(os.listdir(spool)) >= MOST_WAITING:
        raise Refused(f"{MOST_WAITING} notifications wait in {spool} already; this one is not kept")
    name = f"{time.time_ns():020}-{uuid.uuid4().hex}.json"
    path = os.path.join(spool, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(notification, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
    folder = os.open(spool, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return name


@contextlib.contextmanager
def alone(spool: str, seconds: float) -> Iterator[None]:
    """Be the only one that sends from a spool, so that order is kept. Raises Away when another one still does."""
    until = time.monotonic() + seconds
    with open(os.path.join(spool, ".lock"), "w", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise Away("another raglan-notify sends; it will take this one too") from None
                time.sleep(0.05)
        yield


def waiting(spool: str) -> list[str]:
    """Return the names of what waits, oldest first."""
    return sorted(name for name in os.listdir(spool) if name.endswith(".json"))


def flush(conf: Mapping[str, str]) -> None:
    """Send what waits, in order. Raises Away at the first one that raglan can not take now."""
    spool = conf["spool"]
    with alone(spool, LOCK_S):
        while True:
            names = waiting(spool)
            if not names:
                return
            for name in names:
                hand_over(conf, os.path.join(spool, name))


def hand_over(conf: Mapping[str, str], path: str) -> None:
    """Send one and delete it; one that raglan will never take is put aside, so that it does not hold up the others."""
    with open(path, encoding="utf-8") as file:
        body = file.read()
    try:
        send(conf, body)
    except Refused as error:
        os.rename(path, f"{path}.refused")
        complain(f"{error}; it is kept as {path}.refused")
    else:
        os.unlink(path)


def send(conf: Mapping[str, str], body: str) -> None:
    """Send one. Raises Refused or Away."""
    request = urllib.request.Request(
        f"{conf['url']}/integrations/-/nagios",  # the token stands in a header, where no log of a proxy keeps it
        data=body.encode("utf-8"),
        headers={
            "Authorization": f"Bearer {conf['token']}",
            "Content-Type": "application/json",
            "User-Agent": "raglan-notify",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        words = error.read(2000).decode("utf-8", "replace")
        if error.code in (400, 413, 415, 422):
            raise Refused(f"raglan answered {error.code}: {words}") from None
        raise Away(f"raglan answered {error.code}: {words}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"raglan could not be reached: {error}") from None


def try_on(conf: Mapping[str, str], minutes: float) -> None:
    """Leave one child behind that tries again until nothing waits; the caller goes on at once."""
    if minutes <= 0:
        return
    mark = os.open(os.path.join(conf["spool"], ".trying"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(mark)  # another one has left a child, which will take this one too
        return
    if os.fork():
        os.close(mark)
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # Nagios waits until its command has closed them
        os.dup2(nothing, number)
    try:
        keep_trying(conf, minutes)
    finally:
        os._exit(0)


def keep_trying(conf: Mapping[str, str], minutes: float) -> None:
    """Try with growing waits, at most a minute."""
    until = time.monotonic() + minutes * 60
    wait_s = 2.0
    while time.monotonic() < until:
        time.sleep(wait_s)
        wait_s = min(60, wait_s * 2)
        with contextlib.suppress(Away):
            flush(conf)
            return


def complain(words: str) -> None:
    """Say what went wrong, where Nagios logs it."""
    sys.stderr.write(f"raglan-notify: {words}\n")


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="raglan-notify", description=(__doc__ or "").partition("\n\n")[0])
    default = os.environ.get("RAGLAN_NOTIFY_CONFIG", CONFIG)
    parser.add_argument("--config", default=default, help="file with url and token")
    parser.add_argument("--url", help="address of raglan")
    parser.add_argument("--token-file", help="file that holds the token of the source")
    parser.add_argument("--spool", help="folder for what could not be sent yet")
    parser.add_argument("--flush", action="store_true", help="only send what waits")
    parser.add_argument(
        "--try-minutes", type=float, default=60, help="try so long in the background; 0: leave it to --flush"
    )
    for name in DESCRIBED:
        parser.add_argument(
            f"--{name.replace('_', '-')}", default="", help=f"{name.replace('_', ' ')} of the notification"
        )
    return parser.parse_args(argv)


def described(options: argparse.Namespace) -> dict[str, object]:
    """Return the notification that the arguments describe, else the one of the environment."""
    if not options.type:
        return from_environment(os.environ)
    return {name: getattr(options, name) for name in DESCRIBED if getattr(options, name)}


def main(argv: Sequence[str] | None = None) -> int:
    """Keep the notification, send what waits, and leave the rest to a child. Return the exit code."""
    options = arguments(argv)
    try:
        conf = settings(options, os.environ)
        if not options.flush:
            keep(conf["spool"], cut(checked(described(options))))
        elif not os.path.isdir(conf["spool"]):
            return 0
    except (Refused, OSError) as error:
        complain(str(error))
        return EXIT_WRONG
    try:
        flush(conf)
    except Away as error:
        complain(f"{error}; what waits is kept in {conf['spool']} and sent later")
        try_on(conf, 0 if options.flush else options.try_minutes)
    return 0


def checked(notification: dict[str, object]) -> dict[str, object]:
    """Return a notification that says what it is about. Raises Refused."""
    if not notification.get("type") or not notification.get("host"):
        raise Refused("neither --type and --host nor NAGIOS_NOTIFICATIONTYPE and NAGIOS_HOSTNAME are set")
    return notification


if __name__ == "__main__":
    sys.exit(main())
