"""Writes the status page as files: HTML with a style sheet, two feeds, a JSON summary. None of them needs raglan.

All that people wrote is escaped: by the templates, by the writer of XML, by the writer of JSON.
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files as resources

from django.template.loader import render_to_string

from raglan.config import config
from raglan.outside.snapshot import Said, Snapshot, Story, by_day

RECENT = 7
FEED = 30
NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FIRST = ("style.css", "old.js", "history.html", "rss.xml", "atom.xml", "status.json", "index.html")


def files(shot: Snapshot) -> Mapping[str, bytes]:
    """Return the files of the page, those that others need first, the page itself last."""
    context = {
        "shot": shot,
        "page": shot.page,
        "recent": by_day(shot.past)[:RECENT],
        "subscribe_url": f"{config().public_url}/status/subscribe/",
    }
    made = {
        "index.html": render_to_string("outside/page/index.html", context),
        "history.html": render_to_string("outside/page/history.html", {**context, "days": by_day(shot.past)}),
        "style.css": _text("style.css"),
        "rss.xml": _feed(shot, "rss.xml"),
        "atom.xml": _feed(shot, "atom.xml"),
        "status.json": json.dumps(summary(shot), ensure_ascii=False, indent=1),
    }
    if shot.page.uses_script:
        made["old.js"] = _text("old.js")
    return {name: made[name].encode() for name in FIRST if name in made}


def _text(name: str) -> str:
    return (resources("raglan.outside") / "page_files" / name).read_text(encoding="utf-8")


def _feed(shot: Snapshot, name: str) -> str:
    from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed  # only whoever publishes needs it

    base = address_of(shot)
    make = Rss201rev2Feed if name == "rss.xml" else Atom1Feed
    title, language = xml_text(shot.page.title), shot.page.language
    feed = make(title, f"{base}/", xml_text(shot.sentence), language=language, feed_url=f"{base}/{name}")
    for story, said in newest(shot):
        feed.add_item(
            title=xml_text(f"{said.headline}: {said.stage_words}"),
            link=f"{base}/{'history' if story.is_over else 'index'}.html#{said.id}",
            description=xml_text("\n".join([said.text, *said.parts])),
            pubdate=said.when,
            updateddate=said.when,
            unique_id=f"{base}/#{said.id}",
            author_name=title,
        )
    return str(feed.writeString("utf-8"))


def xml_text(text: str) -> str:
    """Return a text without the characters that XML can not carry."""
    return NO_XML.sub("", text)


def address_of(shot: Snapshot) -> str:
    """Return where the page is read; a name that can not be resolved where nobody has said it."""
    return xml_text(shot.page.address or "https://status.invalid").rstrip("/")


def newest(shot: Snapshot) -> list[tuple[Story, Said]]:
    """Return the newest updates of all stories, with their story."""
    said = [(story, one) for story in (*shot.open, *shot.past) for one in story.said]
    return sorted(said, key=lambda item: item[1].when, reverse=True)[:FEED]


def summary(shot: Snapshot) -> dict[str, object]:
    """Return the JSON summary, version 1."""
    return {
        "version": 1,
        "title": shot.page.title,
        "made_at": shot.made.iso,
        "old_after": shot.old.iso,
        "sentence": shot.sentence,
        "state": {"bad": "down", "slow": "slow", "good": "fine"}.get(shot.look, "unknown"),
        "components": [
            {
                "id": part.id,
                "name": part.name,
                "group": group.name,
                "state": part.state,
                "since": part.since.iso if part.since else None,
                "why": part.why,
            }
            for group in shot.groups
            for part in group.parts
        ],
        "open": [_told(story) for story in shot.open],
        "planned": [
            {
                "title": one.title,
                "text": one.text,
                "components": list(one.parts),
                "times": [{"from": start.iso, "to": end.iso} for start, end in one.spans],
            }
            for one in shot.planned
        ],
        "past": [_told(story) for story in shot.past],
    }


def _told(story: Story) -> dict[str, object]:
    return {
        "id": story.id,
        "title": story.title,
        "stage": story.newest.stage,
        "began_at": story.began.iso,
        "next_word_at": story.next_word.iso if story.next_word else None,
        "is_late": story.is_late,
        "is_old": story.is_old,
        "updates": [
            {"id": one.id, "stage": one.stage, "text": one.text, "at": one.at.iso, "components": list(one.parts)}
            for one in story.said
        ],
    }
