"""The edge: the only async code. Intake with its journal, live streams, health, and the bridge to Django."""
