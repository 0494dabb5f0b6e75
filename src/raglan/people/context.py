"""What every template knows of the reader."""

from django.http import HttpRequest

from raglan.people.models import Person


def person(request: HttpRequest) -> dict[str, object]:
    """Return the signed-in person, or None."""
    user = getattr(request, "user", None)
    return {"person": user if isinstance(user, Person) else None}
