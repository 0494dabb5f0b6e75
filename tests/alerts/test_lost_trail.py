"""An alert whose shared trail is gone is still shown."""

from raglan.alerts.models import Alert
from raglan.core.clock import now


def test_without_its_trail_an_alert_tells_what_it_knows_itself(db: None) -> None:
    alert = Alert(pk=1, received_at=now(), trail=[], shared_trail=999)

    assert alert.decided == []
