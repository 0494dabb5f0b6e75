#!/usr/bin/env python3
"""raglan-host: tells raglan what a machine runs, and asks whether its automation may go on. Standard library only."""
