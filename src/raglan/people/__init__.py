"""People: who they are, how to reach them, their teams, what they may do, how they sign in.

Main words: person, team, membership, contact method, token. Rights never filter who gets paged.
"""
