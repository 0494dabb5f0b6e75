"""How often somebody who has not signed in may do a thing.

These counts lie in a cache of their own: whatever addresses somebody makes up, they push no limit of signing in out.
"""

from datetime import timedelta

from django.core.cache import caches

from raglan.core.clock import now

CACHE = "public"


def is_within(key: str, *, most: int, each: timedelta) -> bool:
    """Count one more time for a key; tell whether that is still one of so many in this hour, or day, by UTC.

    Each time takes a place of its own, and a place is taken once, also by two at the same moment.
    """
    length = int(each.total_seconds())
    places = [f"{key}:{int(now().timestamp()) // length}:{place}" for place in range(most)]
    taken = caches[CACHE].get_many(places)
    return any(caches[CACHE].add(place, 1, length) for place in places if place not in taken)
