"""A machine that is this one until something is written: real package managers work on it, and nothing of it stays.

Namespaces, and a layer in memory over the root folder. It sees one folder as /in, and the network of loopback.
"""

import subprocess
from pathlib import Path

UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc")
LAYER = """
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc none "$1/root/proc"
mount --bind /dev "$1/root/dev"
mount -t sysfs -o ro none "$1/root/sys"
mount -t tmpfs none "$1/root/run"
mkdir -p "$1/root/in"
mount --bind "$2" "$1/root/in"
exec chroot "$1/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 sh -ec "$3"
"""


def run(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a script of the shell there; `folder` is /in."""
    place = folder / "layer"
    place.mkdir(exist_ok=True)
    shared = folder / "in"
    shared.mkdir(exist_ok=True)
    words = [*UNSHARE, "sh", "-c", LAYER, "layer", str(place), str(shared), script]
    return subprocess.run(words, capture_output=True, text=True, timeout=180, check=False)


def can_be_had(folder: Path) -> bool:
    """Tell whether this machine lets us have one: it needs root, and leave to make namespaces and layers."""
    return run("true", folder).returncode == 0
