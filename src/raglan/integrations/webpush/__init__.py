"""Pages as push messages to browsers, from this server through the push service of the browser's maker."""

from raglan.integrations.webpush.channel import WebPush
from raglan.paging import ports
from raglan.people.ports import register_panel


def integration() -> None:
    """Offer the channel, and the button that adds a browser."""
    ports.register_channel(WebPush(), name="webpush")
    register_panel("integrations/push_panel.html", lambda person: {})
