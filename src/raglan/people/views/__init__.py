"""Doors of people: parse, authorize, call one action or query, render."""
