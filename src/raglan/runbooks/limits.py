"""Which files may become runbooks; known to the command line too, which does without Django."""

ENDINGS = (".md", ".markdown")
MAX_FILES = 1_000
MAX_BYTES = 256 * 1024
MAX_ALL = 16 * 1024 * 1024
MAX_LIST = 16 * 1024 * 1024  # paths of some 100,000 files
HEAD = 128  # what git prints before and behind each file


def is_wanted(path: str) -> bool:
    """Tell whether a file may be a runbook: by its ending, and no part of its path begins with a dot."""
    return path.lower().endswith(ENDINGS) and not any(part.startswith(".") for part in path.split("/"))
