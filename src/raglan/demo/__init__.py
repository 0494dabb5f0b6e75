"""The story of raglan, replayed at a fictional company through the public API.

The demo is a separate client process: it knows the server's address and tokens, and nothing else. No module in here
imports Django or any other context. `model` plays 400 machines, `levers` are other settings of that model, `story` is
the script of the people, `company` and `world` make the company, `replay` plays the story, `mailbox` keeps the mails.
"""
