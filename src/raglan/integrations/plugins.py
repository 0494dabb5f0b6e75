"""Plugins for other tools, each one file, that come with raglan."""

from importlib.resources import files

PLACES = {
    "ansible": ("raglan.integrations.ansible", "callback/raglan.py"),
    "salt": ("raglan.integrations.salt", "returner/raglan.py"),
}


def text_of(tool: str) -> str:
    """Return the plugin for a tool. Raises KeyError when there is none."""
    package, path = PLACES[tool]
    return (files(package) / path).read_text(encoding="utf-8")
