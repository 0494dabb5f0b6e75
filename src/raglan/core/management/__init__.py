"""Commands of Django that raglan does its own way."""
