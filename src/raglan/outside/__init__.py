"""The outside: what those who wait are told of an incident, by whom, and when the next word comes.

A volunteer holds the desk of a room; questions land there and not on responders.
"""
