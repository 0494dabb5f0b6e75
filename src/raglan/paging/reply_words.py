"""What somebody said in a reply, in words of their own."""

TAKES = """
ack, acknowledge, acknowledged, yes, y, ok, okay, have, take, taken, mine, 4, +1, 👍, i have it, i have this, i have
this one, i've it, i've got it, i got it, i've got this, i got this, have it, have got it, got it, got this, it's
mine, its mine, i take it, i'll take it, i will take it, i'm taking it, take it, taking it, taking, on it, i'm on it,
i am on it, looking, looking into it, looking at it, i'm looking, i'm looking into it, will look, i'll look, i will
look, working on it, i'm working on it
"""
PASSES = """
no, n, pass, passing, pass it on, passing it on, i pass, busy, i'm busy, i am busy, next, cannot, can't, can not, i
cannot, i can't, i can not, not me, 6, -1, 👎
"""
JOINS = "join, joining, i join, i'll join, i'm joining"
POLITE = "please, thanks, thank you, thx, cheers, sorry"
AROUND = ".,!:;\"'“”*_()…–—"
TONES = dict.fromkeys((0xFE0F, *range(0x1F3FB, 0x1F400)))


def _phrases(said: str, listed: str) -> dict[tuple[str, ...], str]:
    return {tuple(phrase.split()): said for phrase in listed.replace("\n", " ").split(",") if phrase.strip()}


PHRASES = _phrases("have", TAKES) | _phrases("pass", PASSES) | _phrases("join", JOINS) | _phrases("", POLITE)
LONGEST = max(map(len, PHRASES))


def said_in(text: str) -> str:
    """Return have, pass or join when the first line of a reply says just that, in known words; else nothing.

    A line that only begins with such a word says something else, as does a question.
    """
    line = next((line for line in text.splitlines() if line.strip()), "").lower().replace("’", "'").translate(TONES)
    if "?" in line:
        return ""
    words = [word for word in (_bare(word) for word in line.split()) if word]
    said: set[str] = set()
    while words:
        known = next((size for size in range(LONGEST, 0, -1) if tuple(words[:size]) in PHRASES), 0)
        if not known:
            return ""
        said.add(PHRASES[tuple(words[:known])])
        words = words[known:]
    said.discard("")
    return said.pop() if len(said) == 1 else ""


def _bare(word: str) -> str:
    return "" if word in ("-", "--") else word.strip(AROUND)
