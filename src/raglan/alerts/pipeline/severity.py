"""How severities that sources use compare."""

_WORDS = (
    ("info", "none", "ok", "informational"),
    ("warning", "minor", "low"),
    ("error", "major", "high"),
    ("critical", "fatal", "emergency", "page", "disaster"),
)
RANKS = {word: rank for rank, words in enumerate(_WORDS) for word in words}

CRITICAL = 3


def is_critical(severity: str) -> bool:
    """Tell whether a severity is the worst that sources know."""
    return RANKS.get(severity.lower(), -1) == CRITICAL


def is_worse(severity: str, than: str) -> bool:
    """Tell whether one severity ranks above another; a word that is not known ranks nowhere."""
    return RANKS.get(severity.lower(), -1) > RANKS.get(than.lower(), len(RANKS))
