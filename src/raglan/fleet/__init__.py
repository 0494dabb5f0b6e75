"""The fleet: hosts, what automation really did on each of them, and where that differs from what was said."""
