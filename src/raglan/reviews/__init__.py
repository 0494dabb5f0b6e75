"""Reviews: the learning from an incident, after it.

Main words: review, account, narrative, question. There is no field for a cause and no field for a person at fault.
"""
