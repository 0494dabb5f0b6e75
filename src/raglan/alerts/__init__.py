"""Alerts: signals from sources become alerts, alerts become groups, and a route says whom a group pages.

Main words: source, signal, fingerprint, alert, alert group, route, decision. Whom to reach and how is left to `paging`;
what people say about it is left to `incidents`.
"""
