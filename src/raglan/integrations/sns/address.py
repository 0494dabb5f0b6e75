"""Which addresses are AWS SNS' own."""

import re
from urllib.parse import urlsplit

from raglan.core.errors import BadInput

HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d\.amazonaws\.com(\.cn)?")


def check_address(url: str, field: str) -> None:
    """Refuse every address that is not AWS SNS' own, by https. Raises BadInput."""
    try:
        parts = urlsplit(url)
        is_theirs = parts.scheme == "https" and parts.port in (None, 443) and not parts.username and not parts.password
    except ValueError:
        is_theirs = False
    if not is_theirs or not HOST.fullmatch(parts.hostname or ""):
        raise BadInput(field, "is not an address of AWS SNS", status=403)
