"""The interview kit: whom to ask, what to say before, and what to ask in thirty minutes. Texts only."""

WHOM = (
    "Five to eight people who use the process: one who is new, one who has done it for years, one who seldom does it, "
    "one from another team, one who is known to work around it. Ask; nobody has to."
)
CONSENT = (
    "I want to understand how this is really done, so that the process can get better. "
    "It is not about you, and nobody is judged by it.",
    "It takes 30 minutes. You can stop at any time, leave out any question, and take back what you said, also later.",
    "I take notes for myself. What several people say becomes a theme, without names.",
    "I may ask to quote a sentence of yours. You see it first, say how you want to be described, "
    "and it shows only after you said yes.",
    "Your lead does not get my notes.",
)
GUIDE = (
    (3, "Before", ("Say the words above. Ask whether it is fine to begin.",)),
    (
        10,
        "The last time",
        (
            "Walk me through the last time that you did it, from what made you begin.",
            "Show me, if you can: your screen, the page, the commands.",
            "How did you know that it was time for the next step?",
        ),
    ),
    (
        10,
        "Where it differs",
        (
            "Where did you wait, and for what?",
            "What do you do that is not written?",
            "What do you leave out, and when?",
            "Whom did you have to ask?",
            "What would make you stop?",
        ),
    ),
    (
        5,
        "What it is for",
        (
            "What do you think this is for? Does it bring that?",
            "If you could change one thing, which?",
        ),
    ),
    (2, "After", ("What did I not ask? May I come back with a sentence of yours?",)),
)
LOG_COLUMNS = ("Step", "Minutes", "How it felt", "Remark")
LOG_ROWS = 8
