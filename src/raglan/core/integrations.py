"""Finds integrations by entry points; ours come in by the same door as foreign ones."""

from importlib.metadata import entry_points

from raglan.core import logs

GROUP = "raglan.integrations"
log = logs.get("raglan.integrations")


def load() -> list[str]:
    """Import every integration, so that it registers its ports. Return their names."""
    loaded = []
    for point in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        register = point.load()
        register()
        loaded.append(point.name)
    return loaded
