"""Long tests of the promises, on real processes: `python -m drill`."""
