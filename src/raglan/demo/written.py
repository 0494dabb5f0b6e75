"""What the company has written down: a process with some skip notes, an automation card, and one claim."""

from collections.abc import Mapping

from raglan.demo import company
from raglan.demo.client import Client, Json, text


def write_down(admin: Client, voices: Mapping[str, Client]) -> None:
    """Make what is missing. Notes are given once, with the process; the claim runs out and is made again."""
    if not _has(admin, "/processes", company.PROCESS):
        _process(admin)
    if not _has(admin, "/automation", company.AUTOMATION):
        _card(admin)
    voices[company.CLAIMED_BY].post("/kitchen", company.CLAIM)


def _has(admin: Client, path: str, wanted: Mapping[str, Json]) -> bool:
    return wanted["title"] in {text(row, "title") for row in admin.rows(path)}


def _process(admin: Client) -> None:
    steps: list[Json] = [{"title": title, "minutes": minutes} for title, minutes in company.STEPS]
    slug = text(admin.post("/processes", {**company.PROCESS, "steps": steps}), "slug")
    for step, why, minutes in company.SKIP_NOTES:
        admin.post(f"/processes/{slug}/skip-notes", {"step": step, "why": why, "minutes": minutes})


def _card(admin: Client) -> None:
    slug = text(admin.post("/automation", {**company.AUTOMATION, "answers": dict(company.ANSWERS)}), "slug")
    question, words = company.PRACTISED
    admin.post(f"/automation/{slug}/practised/{question}", {"words": words})
