"""Which browser an agent string means, in words."""

# The first that fits counts: most browsers name those before them as well.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrom", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
LONGEST = 90  # characters of an agent string that nobody here can read


def in_words(agent: str) -> str:
    """Return such as Firefox on Linux; what does not look like a browser says its own name."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    if not browser or not agent.startswith("Mozilla/"):
        return agent[:LONGEST] or "A browser that does not say its name"
    return f"{browser} on {system}" if system else browser
