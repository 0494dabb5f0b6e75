"""Catalog: services, who owns them, and what responders use them for.

Main words: service, purpose, need. The arithmetic of the dependency graph is left to a context of its own.
"""
