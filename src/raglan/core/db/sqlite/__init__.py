"""SQLite as raglan uses it."""
