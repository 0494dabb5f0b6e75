"""The questions that a review offers. None is required; all ask how and what, never who was at fault."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question under its heading. The key is stored with answers and never changes."""

    key: str
    group: str
    text: str


_TEXTS: dict[str, tuple[str, ...]] = {
    "Setting": (
        "What was ordinary about that day?",
        "What work was in hand, and what was it for?",
        "What had gone well the last times this was done?",
    ),
    "Finding out": (
        "Who first thought something was off, and from what sign?",
        "How did each person come to hear, and how long after?",
        "What did users see, and how did we learn it?",
    ),
    "Making sense": (
        "What did each of us think was happening at these moments?",
        "Which ideas were tried and dropped, and on what evidence?",
        "Which two things looked alike?",
    ),
    "Surprise": (
        "What did you learn about how it really works?",
        "Which belief had to go?",
        "What would have made a newcomer less surprised, or more?",
    ),
    "Acting": (
        "What options did you see, and what did each put at risk?",
        "What made an action reversible or not?",
        "What did you do by hand that is normally done for you?",
    ),
    "Help": (
        "Who helped, inside and outside the team?",
        "How did you know whom to ask, and when to ask?",
        "What was it like to join late?",
    ),
    "Tools": (
        "Which tools were gone, slow or misleading, and when did you find out?",
        "What did you use in their place?",
        "Did any automation work for us, against us, or in ways we could not follow? Could it be stopped?",
    ),
    "Dependencies learned": (
        "Which dependency did nobody have on a drawing?",
        "How would we have found it on a quiet day? Who should hear?",
    ),
    "What went right": (
        "What kept this smaller than it might have been?",
        "Which of that was designed, and which happened to be so?",
        "What did someone do that you would like to see more?",
    ),
    "Process": (
        "Which written steps were used, adapted, left out?",
        "Where do the written and the usual way differ, and who knows?",
    ),
    "Budget": (
        "Roughly how much time went on response, on follow-up, on waiting?",
        "Could we have taken a second event?",
    ),
    "Talk": (
        "What was said in the open that helped?",
        "What was hard to say?",
    ),
    "Looking on": (
        "What are we weighing to change, and whose day does it alter?",
        "What do we leave as it is, and why?",
        "What do we still not know?",
    ),
    "About the review": (
        "Whose view is missing?",
        "What should be left out for someone’s sake?",
    ),
}

QUESTIONS: tuple[Question, ...] = tuple(
    Question(f"{group.lower().replace(' ', '-')}-{number}", group, text)
    for group, texts in _TEXTS.items()
    for number, text in enumerate(texts, start=1)
)
BY_KEY = {question.key: question for question in QUESTIONS}
