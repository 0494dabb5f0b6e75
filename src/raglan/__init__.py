"""raglan: a self-hosted home for incidents. The contexts are listed, from high to low, in `pyproject.toml`."""
