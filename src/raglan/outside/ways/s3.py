"""An S3-style store: each file by one PUT, signed by hand with AWS Signature Version 4."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote, urlsplit

from raglan.core import http
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.outside.ways.way import NotBroughtError, Place, type_of

ALGORITHM = "AWS4-HMAC-SHA256"
BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}")
REGION = re.compile(r"[a-zA-Z0-9-]{1,60}")
CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs, and for which region and service."""

    key_id: str
    secret: str
    region: str
    service: str = "s3"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be signed. The path is as it goes over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    payload_hash: str
    query: str = ""


def authorization(asked: Asked, who: Credentials, at: datetime) -> str:
    """Return the header that signs a request, as Signature Version 4 asks."""
    headers = {name.lower(): " ".join(value.split()) for name, value in asked.headers.items()}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([asked.method, asked.path, asked.query, lines, names, asked.payload_hash])
    scope = f"{at:%Y%m%d}/{who.region}/{who.service}/aws4_request"
    text = "\n".join([ALGORITHM, f"{at:%Y%m%dT%H%M%SZ}", scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{who.secret}".encode()
    for part in (f"{at:%Y%m%d}", who.region, who.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    return f"{ALGORITHM} Credential={who.key_id}/{scope},SignedHeaders={names},Signature={signature}"


class S3:
    """The way `s3`."""

    names: ClassVar[tuple[str, ...]] = ("url", "bucket", "prefix", "region", "key_id")
    asks_for: ClassVar[str] = "Secret key"

    def check(self, place: Place) -> None:
        """Refuse what is no store."""
        http.check_url(place.get("url"), "url")
        if urlsplit(place.get("url")).query:
            raise BadInput("url", "leave out what stands after a question mark", status=422)
        if not BUCKET.fullmatch(place.get("bucket")):
            raise BadInput("bucket", "is not the name of a bucket", status=422)
        if any(part in ("", ".", "..") for part in place.get("prefix").strip("/").split("/")) and place.get("prefix"):
            raise BadInput("prefix", "write it as status or sites/status", status=422)
        if not REGION.fullmatch(place.get("region")):
            raise BadInput("region", "write it as eu-central-1", status=422)
        if not place.get("key_id").isascii() or not place.get("key_id"):
            raise BadInput("key_id", "is not an access key", status=422)
        if not place.secret:
            raise BadInput("secret", "give the secret key, too", status=422)

    def bring(self, place: Place, files: Mapping[str, bytes]) -> str:
        """Put each file; the page itself comes last, so that it never names what is not there."""
        for name, content in files.items():
            _put(place, name, content)
        return f"{len(files)} files"


def _put(place: Place, name: str, content: bytes) -> None:
    parts, at = urlsplit(place.get("url")), now()
    prefix = place.get("prefix").strip("/")
    base = f"{parts.path.rstrip('/')}/{place.get('bucket')}"
    path = quote("/".join(word for word in (base, prefix, name) if word), safe="/-_.~")
    payload = hashlib.sha256(content).hexdigest()
    signed = {
        "Host": parts.netloc,
        "Cache-Control": "max-age=60",
        "Content-Type": type_of(name),
        "X-Amz-Content-Sha256": payload,
        "X-Amz-Date": f"{at:%Y%m%dT%H%M%SZ}",
    }
    who = Credentials(place.get("key_id"), place.secret, place.get("region"))
    signature = authorization(Asked("PUT", path, signed, payload), who, at)
    headers = {name: value for name, value in signed.items() if name != "Host"}
    try:
        answer = http.put(f"{parts.scheme}://{parts.netloc}{path}", content, {**headers, "Authorization": signature})
    except DeliveryError as error:
        raise NotBroughtError(error.sentence) from None
    if not 200 <= answer.status < 300:
        found = CODE.search(answer.body[:20_000])
        code = f" ({found[1].decode()})" if found else ""
        raise NotBroughtError(f"the store answered {answer.status}{code} to {name}")
