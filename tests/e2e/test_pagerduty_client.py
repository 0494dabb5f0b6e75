"""The official PagerDuty client, pointed at raglan over TLS."""

import ssl
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pagerduty
import pytest
import trustme

from tests.support.server import Running, serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving() as running:
        yield running


@pytest.fixture
def tls(raglan: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A proxy that ends TLS in front of raglan: the client refuses plain http."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    behind = urlsplit(raglan.url)

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            onward = HTTPConnection(behind.hostname or "", behind.port, timeout=60)
            onward.request("POST", self.path, body, {"Content-Type": self.headers.get("Content-Type", "")})
            answer = onward.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type") or "")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            onward.close()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_official_client_triggers_acknowledges_and_resolves(raglan: Running, tls: str) -> None:
    set_up_web_team(raglan)
    made = raglan.api("POST", "/sources", {"name": "PagerDuty", "slug": "pd", "kind": "pagerduty"})
    assert isinstance(made, dict)
    client = pagerduty.EventsApiV2Client(made["token"], base_url=tls)
    key = client.trigger("Disk is full on db1", "db1", severity="critical", custom_details={"free": "0 %"})
    page = _only_page(raglan)
    assert (page["title"], page["state"]) == ("Disk is full on db1", "triggered")
    client.acknowledge(key)
    assert _only_page(raglan)["state"] == "acknowledged"
    client.resolve(key)
    assert _only_page(raglan)["state"] == "resolved"
    assert raglan.api("GET", "/alerts?state=firing") == []


def _only_page(running: Running) -> dict[str, object]:
    pages = running.api("GET", "/pages?state=all")
    assert isinstance(pages, list)
    assert len(pages) == 1
    return dict(pages[0])
