"""On call: who is on call when, for a duty. The arithmetic is pure (`resolve.py`); one function answers everywhere.

Main words: schedule, rotation, shift, override, gap.
"""
