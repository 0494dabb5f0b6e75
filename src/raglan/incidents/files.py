"""How a file of an entry is served: by its content, kept apart from raglan's own pages, never as one of them."""

from django.core.files import File
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import content_disposition_header

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, NotFound
from raglan.incidents.actions.attachments import MAX_FILE, Upload
from raglan.incidents.models import Attachment

APART = "default-src 'none'; sandbox"


def serve(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with a file. Only pictures that browsers draw stand by themselves; all else is saved. Raises NotFound."""
    found = Attachment.objects.defer("data").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such file.")
    tag = f'"{found.digest}"'
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    kind = f"{found.content_type}; charset=utf-8" if found.content_type == "text/plain" else found.content_type
    answer = HttpResponse(bytes(found.data), content_type=kind)
    answer["ETag"] = tag
    answer["Content-Disposition"] = content_disposition_header(not found.is_picture, found.name) or "attachment"
    answer["Content-Security-Policy"] = APART
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def taken(sent: "File[bytes]") -> Upload:
    """Return a file as it was sent; one that is too large is not even read. Raises BadInput."""
    name = clean_text(sent.name or "file")
    if (sent.size or 0) > MAX_FILE:
        raise BadInput("files", f"{name[:120]} is larger than {MAX_FILE >> 20} MiB", status=422)
    return Upload(name, sent.read())
