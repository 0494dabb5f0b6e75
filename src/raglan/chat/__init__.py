"""Chat: rooms on chat platforms that mirror incidents both ways, and commands written there.

Nothing waits for chat. What is said in a room here is stored first and sent from a backlog, in order, when the platform
answers; its failure is a line in the log and a banner.
"""
