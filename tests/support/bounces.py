"""What a mail server sends back when it can not bring a mail: a report as of RFC 3464."""


def report(
    *, action: str = "failed", status: str = "5.1.1 (no such user)", kind: str = "multipart/report", more: str = ""
) -> bytes:
    """Return a report about one mail; `more` is another block of it."""
    lines = [
        "From: MAILER-DAEMON@mx.example.test (Mail Delivery System)",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: {kind}; report-type=delivery-status; boundary="b1"',
        "",
        "--b1",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "This is the mail system. Your message could not be delivered.",
        "--b1",
        "Content-Description: Delivery report",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.test",
        "X-Postfix-Queue-ID: 4F2A1",
        "",
        "Final-Recipient: rfc822; vera@example.test",
        "Original-Recipient: rfc822;vera@example.test",
        f"Action: {action}",
        f"Status: {status}",
        "Diagnostic-Code: smtp; 550 5.1.1 <vera@example.test>:",
        "    Recipient address rejected: User unknown",
        "",
        *([*more.splitlines(), ""] if more else []),
        "--b1",
        "Content-Type: message/rfc822",
        "",
        "From: raglan <raglan@localhost>",
        "Subject: Loomhaven: Buying is slow",
        "",
        "Action: failed",
        "--b1--",
        "",
    ]
    return "\r\n".join(lines).encode()
