"""Reads what a mail server reports of a mail that it could not bring: a delivery status notification, RFC 3464."""

import re
from email.message import Message

REPORT, STATUS = "multipart/report", "message/delivery-status"
FOR_GOOD = re.compile(r"\s*(5\.\d{1,3}\.\d{1,3})(?!\S)")


def refusal_in(parsed: Message) -> str:
    """Return the status, such as `5.1.1`, of a report which says of all it speaks of that it was refused for good.

    Empty for everything else: no report, one that a mail is late (4.x.x), was brought or handed on, or was refused for
    some of several only.
    """
    if parsed.get_content_type() != REPORT:
        return ""
    inner = parsed.get_payload()
    parts = [part for part in inner if isinstance(part, Message)] if isinstance(inner, list) else []
    part = next((part for part in parts if part.get_content_type() == STATUS), None)
    blocks = part.get_payload() if part is not None else []
    told = [block for block in blocks if isinstance(block, Message)] if isinstance(blocks, list) else []
    found = [_refusal(block) for block in told if "action" in block or "final-recipient" in block]
    return found[0] if found and all(found) else ""


def _refusal(block: Message) -> str:
    """Return the status with which a mail was refused for good for one recipient; empty when it was not."""
    action, status = str(block.get("action", "")).partition("(")[0], FOR_GOOD.match(str(block.get("status", "")))
    return status[1] if status is not None and action.strip().lower() == "failed" else ""
