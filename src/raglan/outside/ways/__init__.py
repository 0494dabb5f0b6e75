"""Ways to bring files to a place: a folder, an S3-style store, a git branch, a command. They know no table."""

from raglan.outside.ways.way import NotBroughtError, Place, Way

__all__ = ["NotBroughtError", "Place", "Way"]
