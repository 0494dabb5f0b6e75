"""What alerts are about, so that changes of the same services, hosts and clusters stand first beside them."""

from functools import reduce
from operator import or_

from django.db.models import Q

from raglan.alerts.models import Alert, AlertGroup
from raglan.fleet.concern import NOTHING, Concern, of_labels

MOST_ALERTS = 50


def of_alert(alert: Alert) -> Concern:
    """Return what one alert names."""
    return of_labels(alert.labels)


def of_group(group: AlertGroup) -> Concern:
    """Return what a group and its newest alerts name."""
    return of_labels(group.labels) | of_alerts(Q(group=group))


def of_alerts(which: Q) -> Concern:
    """Return what the newest of some alerts name."""
    newest = Alert.objects.filter(which).order_by("-pk").values_list("labels", flat=True)[:MOST_ALERTS]
    return reduce(or_, map(of_labels, newest), NOTHING)
