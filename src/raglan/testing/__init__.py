"""Builders and a movable clock for tests of raglan and of its integrations. Nothing here runs in production."""
