"""PostgreSQL as raglan uses it."""
