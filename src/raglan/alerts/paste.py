"""The line that a person pastes into what sends, for each kind of source."""

from raglan.alerts.models import Source
from raglan.config import config

Kind = Source.Kind
SIGNED = (Kind.GRAFANA, Kind.SENTRY, Kind.GENERIC, Kind.GITHUB, Kind.GITLAB)
LINES = {
    Kind.ALERTMANAGER: "path_prefix: /integrations/TOKEN",
    Kind.WEBHOOK: "url: ADDRESS/integrations/TOKEN/alertmanager",
    Kind.GRAFANA: "url: ADDRESS/integrations/TOKEN/grafana",
    Kind.PAGERDUTY: "routing_key: TOKEN",
    Kind.OPSGENIE: "Authorization: GenieKey TOKEN",
    Kind.NAGIOS: "url = ADDRESS\ntoken = TOKEN",
    Kind.ZABBIX: "Send to: TOKEN",
    Kind.SENTRY: "url: ADDRESS/integrations/TOKEN/sentry",
    Kind.SNS: "endpoint: ADDRESS/integrations/TOKEN/sns",
    Kind.CLOUDEVENTS: "url: ADDRESS/integrations/TOKEN/cloudevents",
    Kind.SLACK: "url: ADDRESS/integrations/TOKEN/slack",
    Kind.EMAIL: "alerts+TOKEN@HOST",
    Kind.HEARTBEAT: "curl -fsS --retry 5 -m 10 ADDRESS/ping/TOKEN/NAME",
    Kind.GITHUB: "Payload URL: ADDRESS/integrations/TOKEN/github",
    Kind.GITLAB: "URL: ADDRESS/integrations/TOKEN/gitlab",
    Kind.ARGOCD: "url: ADDRESS/integrations/TOKEN/argocd",
    Kind.GENERIC: "curl -H 'Content-Type: application/json' -d '{\"title\": \"A test\"}' ADDRESS/integrations/TOKEN/",
}


def paste_line(source: Source, token: str) -> str:
    """Return the line; it may have two."""
    line = LINES[Kind(source.kind)].replace("ADDRESS", config().public_url).replace("HOST", config().mail_domain)
    return line.replace("TOKEN", token)
