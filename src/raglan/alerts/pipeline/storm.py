"""When groups are a storm: how many within which time, and how long one goes on without another."""

from datetime import timedelta

WITHIN = timedelta(minutes=1)
CALM = timedelta(minutes=5)
