"""Paging: reach the right person, once, on time, and know whether they have it.

Main words: policy, step, page, notification, channel, receipt, acknowledgement. A page knows why it was sent only as
a reason with a title and a link, so that paging stays below alerts and incidents.
"""
