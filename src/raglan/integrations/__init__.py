"""Integrations: one folder each, found by entry points.

Each names itself and registers the ports that it implements.
"""
