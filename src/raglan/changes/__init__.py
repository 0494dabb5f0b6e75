"""Changes: something deliberate that altered production, kept to be seen beside alerts."""
