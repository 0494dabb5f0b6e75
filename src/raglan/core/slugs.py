"""Short names for addresses, made from titles."""

from collections.abc import Collection

from django.db.models import Model, QuerySet
from django.utils.text import slugify

MOST = 60


def free_slug(rows: QuerySet[Model], title: str, *, otherwise: str, reserved: Collection[str] = ()) -> str:
    """Return a short name made from a title that none of the rows has, and that is not reserved for an address.

    `otherwise` stands for a title of which nothing is left. The first one keeps its name, later ones get a number.
    """
    base = slugify(title).replace("_", "-").strip("-")[:MOST].strip("-") or otherwise
    stem = base[: MOST - 5]
    taken = {*reserved, *rows.filter(slug__startswith=stem).values_list("slug", flat=True)}
    others = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (base, *others) if name not in taken)
