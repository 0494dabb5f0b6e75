"""Tags and filters of every screen."""
