"""Written processes: what they are for, why people leave them, and what to try instead. Never who left them.

A skip note is unsigned by design: `skipping` says how. Places where people test and that they share are in `kitchen`;
nothing there is locked. What changes machines by itself belongs to changes, technical steps to runbooks.
"""
