"""`raglan token`: an API token made on the machine itself, for scripts that set raglan up."""

from collections.abc import Sequence

import click

from raglan.cli.ready import plainly
from raglan.core.errors import NotFound
from raglan.people import actions
from raglan.people.access import Scope
from raglan.people.models import Person

EVERYTHING = tuple(str(scope) for scope in Scope)


@click.command()
@click.argument("email")
@click.option("--name", default="made on the machine", show_default=True, help="What uses the token.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(EVERYTHING), help="Repeatable; all unless given.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="Days until it ends.")
@plainly
def token(email: str, *, name: str, scopes: Sequence[str], days: int) -> None:
    """Print a new API token of the person with this EMAIL.

    While nobody exists, EMAIL becomes the first administrator, who has no password yet.
    """
    click.echo(token_for(email, name=name, scopes=scopes or EVERYTHING, days=days))


def token_for(email: str, *, name: str, scopes: Sequence[str] = EVERYTHING, days: int = 365) -> str:
    """Return a token of a person; the first person is made where there is none."""
    person = Person.objects.filter(email__iexact=email).first()
    if person is None and Person.objects.exists():
        raise NotFound(f"Nobody has the address {email}.")
    if person is None:
        role = Person.Role.ADMINISTRATOR
        person = actions.add_person(email=email, name=email.partition("@")[0].title(), role=role, actor="raglan")
    return actions.issue_token(person, name=name, scopes=scopes, days=days, actor=person)[1]
