"""REST of what an installation says in its own words: what users feel."""

from dataclasses import asdict

from django.http import HttpRequest

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, ShortText, Slug
from raglan.incidents import actions, severities
from raglan.people.access import Scope, principal, require_scope

router = Router()


class WordsIn(Body):
    """The words for it; none bring back raglan's own."""

    words: ShortText


class SeverityOut(Schema):
    """A severity and what users feel."""

    severity: str
    words: str
    is_own: bool


@router.get("/severities", response=list[SeverityOut], operation_id="list_severities", summary="What users feel")
def list_severities(request: HttpRequest) -> list[SeverityOut]:
    """Return all severities, the worst first; `is_own` says that nobody called it otherwise here."""
    return [SeverityOut.model_validate(asdict(one)) for one in severities.shelf()]


@router.put(
    "/severities/{severity}",
    response=SeverityOut,
    operation_id="change_severity_words",
    summary="Call a severity otherwise",
)
def change_severity_words(request: HttpRequest, severity: Slug, data: WordsIn) -> SeverityOut:
    """Adapt the words of a severity."""
    require_scope(request, Scope.CONFIGURE)
    actions.change_severity_words(severity, data.words, by=principal(request).actor)
    return next(SeverityOut.model_validate(asdict(one)) for one in severities.shelf() if one.severity == severity)
