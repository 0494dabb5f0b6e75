"""Writing files so that a crash leaves them whole or absent."""

import hashlib
import os
import secrets
from pathlib import Path

BLOCK = 1 << 20


def partial_of(path: Path) -> Path:
    """Give a hidden name beside a path, for what is not finished yet."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def sync(path: Path) -> None:
    """Bring a file's content, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, text: str) -> None:
    """Write a small file that only its owner may read, so that it is there whole or not at all."""
    partial = partial_of(path)
    try:
        partial.write_text(text, encoding="utf-8")
        make_private(partial)
        sync(partial)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file to a new name and to the disk."""
    with source.open("rb") as reading, target.open("xb") as writing:
        while block := reading.read(BLOCK):
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file's content in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_private(path: Path) -> None:
    """Let only its owner read a file; what root writes belongs to the owner of the folder, who must open it later."""
    path.chmod(0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
