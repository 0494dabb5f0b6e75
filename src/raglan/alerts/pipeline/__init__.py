"""The pipeline: identify, deduplicate, route, group, hold.

One stage a file, each a pure function that returns a decision with its reason.
"""

from raglan.alerts.pipeline.deduplicate import deduplicate
from raglan.alerts.pipeline.group import group_key
from raglan.alerts.pipeline.hold import Noise, hold
from raglan.alerts.pipeline.identify import identify
from raglan.alerts.pipeline.route import route

__all__ = ["Noise", "deduplicate", "group_key", "hold", "identify", "route"]
