"""Checks of the tree that no linter makes. Prints one line for each fault."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "requirements.lock": ("build",),
    "requirements-node.lock": ("node",),
    "requirements-alerta.lock": ("alerta",),
    "requirements-salt.lock": ("salt",),
    "requirements-dev.lock": ("build", "node", "dev"),
}
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
FRAGMENT = re.compile(r"^[a-z0-9+][a-z0-9.+-]*\.(added|fixed|changed)\.md$")
PACKED = re.compile(
    r"\.(whl|egg|tar|gz|tgz|xz|bz2|zst|zip|jar|deb|rpm|so|dll|exe|pyc|woff2?|ttf|otf|min\.js|min\.css)$"
)
LINK_OF_REGISTRY = re.compile(
    r"--(extra-)?index-url[ =]h|--find-links[ =]|--trusted-host[ =]|registry ?= ?http|\"resolved\": *\"http"
)


def main() -> int:
    """Print what is wrong."""
    faults = list(all_faults())
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def all_faults() -> Iterator[str]:
    """Give every fault of the tree."""
    for name in LOCKS:
        yield from lock_faults(name, (ROOT / name).read_text(encoding="utf-8"))
    yield from stale_locks()
    yield from fragment_faults()
    yield from place_faults()
    yield from packed_faults(_committed())


def lock_faults(name: str, text: str) -> Iterator[str]:
    """Give lines of a lock file that are neither a pinned version nor a hash: an address or a path would be one."""
    for number, line in enumerate(text.splitlines(), 1):
        if line and not PIN.match(line) and not HASH.match(line):
            yield f"{name}:{number}: only pinned versions and hashes belong here: {line[:80]}"


def stale_locks() -> Iterator[str]:
    """Give requirements of pyproject.toml that a lock file does not meet."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for lock, groups in LOCKS.items():
        pins = _pins((ROOT / lock).read_text(encoding="utf-8"))
        is_of_raglan = lock in ("requirements.lock", "requirements-dev.lock")
        wanted = list(project["project"]["dependencies"]) if is_of_raglan else []
        wanted += [item for group in groups for item in project["dependency-groups"][group] if isinstance(item, str)]
        for text in wanted:
            requirement = Requirement(text)
            pinned = pins.get(canonicalize_name(requirement.name))
            if pinned is None or not requirement.specifier.contains(pinned, prereleases=True):
                yield f"{lock}: {text} is not met (found {pinned}); run `make lock`"


def _pins(text: str) -> dict[str, str]:
    found = (PIN.match(line) for line in text.splitlines())
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def fragment_faults() -> Iterator[str]:
    """Give fragments of the changelog whose name says no kind of change."""
    for path in sorted((ROOT / "changelog.d").iterdir()):
        if not path.name.startswith(".") and path.name != "README.md" and not FRAGMENT.match(path.name):
            yield f"changelog.d/{path.name}: name it +what-changed.added.md, .changed.md or .fixed.md"


def place_faults() -> Iterator[str]:
    """Give committed lines that name a registry or a folder of somebody's machine."""
    home = re.compile(rf"(?<![\w.$-])(/root/|/home/[a-z]|/Users/[a-z]|{re.escape(str(ROOT))}/)")
    for name in _committed():
        path = ROOT / name
        if path.suffix in (".png", ".ico", ".woff2") or not path.is_file() or name == "tools/tree_check.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if home.search(line):
                yield f"{name}:{number}: names a folder of one machine"
            if LINK_OF_REGISTRY.search(line) and not name.startswith(("tools/", "frontend/.npmrc", "tests/")):
                yield f"{name}:{number}: names where packages come from"


def packed_faults(names: Iterable[str]) -> Iterator[str]:
    """Give committed files that hold packed or built things: what others made comes from a package at build time."""
    yield from (f"{name}: packed and built files do not belong here" for name in names if PACKED.search(name))


def _committed() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name]


if __name__ == "__main__":
    sys.exit(main())
