"""Counters and gauges of this process, in Prometheus text form."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

timers_fired = Counter("raglan_timers_fired", "Timers whose work was done", ["kind"], registry=REGISTRY)
timers_failed = Counter("raglan_timers_failed", "Timers whose handler raised", ["kind"], registry=REGISTRY)
timer_lateness = Gauge("raglan_timer_lateness_seconds", "Lateness of the oldest due timer", registry=REGISTRY)
clock_jumps = Counter("raglan_clock_jumps", "Jumps of the wall clock by more than two seconds", registry=REGISTRY)
clock_skew = Gauge("raglan_clock_skew_seconds", "How far this node is ahead of the database", registry=REGISTRY)
events_appended = Counter("raglan_events_appended", "Events appended", ["kind"], registry=REGISTRY)
signals_accepted = Counter("raglan_signals_accepted", "Signals on disk", ["source"], registry=REGISTRY)
sends = Counter("raglan_sends", "Hand-overs to a provider", ["channel", "outcome"], registry=REGISTRY)
send_seconds = Histogram("raglan_send_seconds", "Time of a hand-over to a provider", ["channel"], registry=REGISTRY)
chat_posts = Counter(
    "raglan_chat_posts", "Posts to chat: sent, to be sent later, refused", ["platform", "outcome"], registry=REGISTRY
)
chat_heard = Counter("raglan_chat_heard", "What came in from chat", ["platform", "kind"], registry=REGISTRY)
chat_away = Gauge("raglan_chat_away_seconds", "For how long the longest absent chat is away", registry=REGISTRY)
chat_waiting = Gauge("raglan_chat_backlog", "Posts that wait for chat", registry=REGISTRY)


def render() -> bytes:
    """Return all metrics as Prometheus text."""
    return generate_latest(REGISTRY)
