"""Runbooks: technical steps for a kind of trouble, kept here so that they open when their home does not.

They are written here, imported from files, or copied from a git folder; people follow them in an incident's room.
"""
