# SPDX-License-Identifier: Apache-2.0
"""raglan's returner for Salt: tells raglan what states did on a minion. One file, standard library only.

Put it into `_returners/` of your file roots and run `salt '*' saltutil.sync_returners`. Then either `return: raglan` in
the configuration of the minions, or `--return raglan` for one command. Configuration of the minion (or its pillar):

    raglan.url: https://raglan.example.org
    raglan.token: <token of a fleet source>      (or raglan.token_file)
    raglan.spool: /var/cache/salt/minion/raglan  (where returns wait while raglan is away)

Only states and functions that move packages are told. It never fails a job.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
import urllib.error
import urllib.request
import uuid

log = logging.getLogger(__name__)
TIMEOUT_S = 5
MOST_SECONDS = 15
MOST_WAITING = 500
KEPT = (401, 403, 404, 408, 425, 429)
GRAINS = ("machine_id", "os", "osrelease", "roles", "role", "cluster", "environment", "saltenv")
PACKAGES = ("install", "remove", "purge", "upgrade", "autoremove", "downgrade")
FIELDS = ("id", "jid", "fun", "fun_args", "fun_kwargs", "return", "retcode", "success")

__virtualname__ = "raglan"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the address that was configured and to no other."""

    def redirect_request(self, *_args, **_named):
        """Follow nothing."""
        return


def __virtual__():  # noqa: N807 - Salt calls it
    return __virtualname__


def option(name, default=""):
    """Return a setting from the configuration of the minion, its grains or its pillar."""
    return __salt__["config.option"](f"raglan.{name}", default) or default  # noqa: F821 - Salt puts it there


def returner(ret):
    """Tell raglan of one return."""
    try:
        module, _dot, function = str(ret.get("fun")).partition(".")
        if module == "state" or (module == "pkg" and function in PACKAGES):
            tell(ret)
    except Exception as error:  # a job is worth more than what is told of it
        log.warning("raglan was not told: %s", error)


def tell(ret):
    """Put a return into the spool, and send what stands there."""
    url, token = option("url"), option("token")
    if path := option("token_file"):
        with open(path, encoding="utf-8") as file:
            token = file.read().strip()
    if not url or not token:
        log.warning("raglan was not told: raglan.url or raglan.token is not set")
        return
    said = {name: ret[name] for name in FIELDS if name in ret}
    said["grains"] = {name: __grains__[name] for name in GRAINS if name in __grains__}  # noqa: F821
    said.update(v=1, at=time.time())
    if __opts__.get("test") is True:  # noqa: F821
        said["test"] = True
    folder = option("spool") or os.path.join(__opts__.get("cachedir") or "/var/cache/salt/minion", "raglan")  # noqa: F821
    os.makedirs(folder, mode=0o700, exist_ok=True)
    keep(folder, json.dumps(said, default=str).encode())
    send(folder, url.rstrip("/") + "/fleet/runs/salt", token)


def waiting(folder):
    """Return names of files that wait, the oldest first."""
    return sorted(name for name in os.listdir(folder) if name.endswith(".json"))


def keep(folder, body):
    """Keep one; the oldest go when there are too many."""
    for name in waiting(folder)[: -MOST_WAITING + 1]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
    path = os.path.join(folder, f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json")
    descriptor = os.open(path + ".part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    os.rename(path + ".part", path)


def send(folder, url, token):
    """Send what waits, for a bounded time; a job that finds another one at it leaves that to the other."""
    until = time.monotonic() + MOST_SECONDS
    with open(os.path.join(folder, "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        for name in waiting(folder):
            if time.monotonic() > until or not send_one(os.path.join(folder, name), url, token):
                return


def send_one(path, url, token):
    """Send one; return whether it is worth to go on."""
    with open(path, "rb") as file:
        body = file.read()
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "User-Agent": "raglan-salt"}
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(500).decode("utf-8", "replace")
        if error.code >= 500 or error.code < 400 or error.code in KEPT:
            log.warning("raglan answers %s; the return waits in %s: %s", error.code, os.path.dirname(path), said)
            return False
        log.warning("raglan refuses a return with %s: %s", error.code, said)
    except (OSError, ValueError) as error:
        log.warning("raglan can not be told: %s; the return waits in %s", error, os.path.dirname(path))
        return False
    os.unlink(path)
    return True
