"""REST of people: people, teams, contact methods, tokens, browsers."""

from raglan.core.rest import Router
from raglan.people.rest.people import router as people
from raglan.people.rest.reach import router as reach

router = Router(tags=["people"])
router.add_router("", people)
router.add_router("", reach)
