"""Real servers, real clients, a real browser."""
