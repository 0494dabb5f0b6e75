"""Incidents: heads-up, the room, asks, verifications, where it stands.

Main words: incident, heads-up, entry, intention, ask, verification, standing, responder. Paging is asked to page;
alerts are joined; the learning afterwards is left to `reviews`.
"""
