"""Written processes: what they are for, why people leave them, and what to try instead. Never who left them."""
