"""Words by which subjects say a state, or how bad something is."""

import re

OVER = "RESOLVED|RECOVERED|RECOVERY|CLEARED|CLEAR|OKAY|OK|UP|BACK TO NORMAL"
BAD = (
    "PROBLEM|FIRING|FIRED|TRIGGERED|ALARM|ALERTING|CRITICAL|CRIT|WARNING|WARN|UNKNOWN|DOWN|ERROR|UNREACHABLE"
    "|ACKNOWLEDGEMENT"
)
DEGREES = (
    "EMERGENCY|DISASTER|FATAL|SEVERE|MAJOR|MINOR|HIGH|AVERAGE|MEDIUM|MODERATE|LOW|INFO|INFORMATION|INFORMATIONAL"
    r"|NOTICE|DEBUG|DEGRADED|(?:SEV|SEVERITY|PRIO|PRIORITY|P) ?[:#-]? ?\d"
)
STATE = re.compile(rf"\W*(?:{OVER}|{BAD}|{DEGREES}|ALERT)(?::\d+)?(?: ?, ?(?:{OVER}|{BAD}):\d+)*\W*", re.IGNORECASE)


def is_state(words: str) -> bool:
    """Tell whether words in brackets are nothing but a state or a severity, and no name of something."""
    return STATE.fullmatch(words) is not None
