"""A real systemd as the first process of a small machine of its own: namespaces, and a root in memory.

Of the machine that runs the tests it sees /usr, which it can only read, one folder, and the network of loopback.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.server import until

UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup")
OWN_CGROUP = """
set -e
mount --make-rprivate /
mount -t cgroup2 none "$1"
mkdir "$1/$3"
echo $$ >"$1/$3/cgroup.procs"
umount "$1"
exec {unshare} sh -c "$BOOT" boot "$1" "$2"
"""
BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$1"
cd "$1"
mkdir -p usr etc/systemd/system proc sys run tmp var/log dev/shm root shared
for name in bin sbin lib lib64; do ln -s usr/$name $name; done
mount --bind /usr usr && mount -o remount,bind,ro usr
mount -t tmpfs none usr/local
for name in null zero full random urandom; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mount -t proc none proc
mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount -t tmpfs none sys && mkdir -p sys/fs/cgroup && mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs none run
mount --bind "$2" shared
echo root:x:0:0:root:/root:/bin/sh >etc/passwd
echo root:x:0: >etc/group
echo ID=small >etc/os-release
: >etc/machine-id
for unit in usr/lib/systemd/system/*.target.wants/*; do ln -sf /dev/null etc/systemd/system/${unit##*/}; done
printf '[Unit]\\nDefaultDependencies=no\\n' >etc/systemd/system/small.target
exec chroot . env -i container=small PATH=/usr/sbin:/usr/bin \
    /lib/systemd/systemd --unit=small.target --log-target=null --show-status=0
"""
JOURNAL_SOCKET = """[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/systemd/journal/stdout
ListenDatagram=/run/systemd/journal/socket
"""
JOURNAL = """[Unit]
DefaultDependencies=no
Requires=systemd-journald.socket
[Service]
Type=notify
Sockets=systemd-journald.socket
ExecStart=/lib/systemd/systemd-journald
StandardOutput=null
StandardError=null
"""
TIDY = """
mount --make-rprivate / && mount -t cgroup2 none "$1"
find "$1/$2" -depth -type d -exec rmdir {} ';'
! test -d "$1/$2"
"""


def can_be_had() -> bool:
    """Tell whether this machine lets us have one: it needs root, and leave to make namespaces."""
    if not Path("/lib/systemd/systemd").exists():
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


class Small:
    """A machine that runs; `folder` is /shared in there."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid, self.folder = pid, folder

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a program in it."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"]
        environ = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"}
        return subprocess.run([*enter, *words], env=environ, capture_output=True, text=True, timeout=100, check=False)

    def put(self, path: str, text: str) -> None:
        """Write a file in it."""
        (self.folder / "put").write_text(text)
        done = self.run("install", "-D", "-m", "755", "/shared/put", path)
        assert done.returncode == 0, done.stderr

    def keep_a_journal(self) -> None:
        """Start its journal, in memory, and have systemd write to it. It reads nothing of the kernel, which is ours."""
        units = "/etc/systemd/system/systemd-journald"
        self.run("rm", "-f", f"{units}.service", f"{units}.socket")
        self.put("/etc/systemd/journald.conf", "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n")
        self.put(f"{units}.socket", JOURNAL_SOCKET)
        self.put(f"{units}.service", JOURNAL)
        self.systemctl("daemon-reload")
        started = self.run("systemctl", "start", "systemd-journald.service")
        assert started.returncode == 0, started.stderr
        self.systemctl("log-target", "journal")

    def systemctl(self, *words: str) -> str:
        """Run systemctl; return what it said, without the line's end."""
        return self.run("systemctl", *words).stdout.strip()


def first_process(parent: int) -> str:
    """Return the number of the systemd that a process has for a child by now, else nothing."""
    with suppress(OSError):
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                return pid
    return ""


@contextmanager
def booted(folder: Path) -> Iterator[Small]:
    """Boot one, and end all that runs in it."""
    root, shared, group = folder / "root", folder / "shared", f"raglan-{folder.name}-{id(folder)}"
    root.mkdir()
    shared.mkdir()
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c"]
    script = OWN_CGROUP.format(unshare=" ".join(UNSHARE))
    with subprocess.Popen([*words, script, "own", root, shared, group], env={"BOOT": BOOT}) as process:
        try:
            small = Small(int(str(until(lambda: first_process(process.pid)))), shared)
            until(lambda: small.systemctl("is-system-running") == "running")
            yield small
        finally:
            process.kill()
            process.wait(60)
            tidy = ["unshare", "--mount", "sh", "-c", TIDY, "tidy", root, group]
            until(lambda: subprocess.run(tidy, capture_output=True, check=False).returncode == 0, every=0.2)
