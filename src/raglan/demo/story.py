"""The script: what people say and do, minute by minute, for every lever. Company and people are invented."""

from collections.abc import Callable

from raglan.demo.beats import Beat, Chapter
from raglan.demo.chapters import closing, opening, trying, turning, waiting
from raglan.demo.scene import Scene

Writer = Callable[[Scene], Chapter]

_OPENING: tuple[Writer, ...] = (opening.before, opening.unexpected, opening.heads_up)
_TRYING: tuple[Writer, ...] = (trying.lost_tools, trying.no_stop, trying.no_way_back, trying.second_eyes)
_FULL: tuple[Writer, ...] = (
    *_OPENING,
    *_TRYING,
    turning.experiment,
    turning.force,
    waiting.told_outside,
    closing.whole,
    closing.end,
)
_CHAPTERS: dict[str, tuple[Writer, ...]] = {
    "as-documented": _FULL,
    "seven-put-right": _FULL,
    "dashboards-elsewhere": _FULL,
    "nobody-acts": (*_OPENING, *_TRYING, turning.waiting, closing.whole, closing.end),
    "no-stagger": (opening.before, opening.early, *_TRYING, turning.waiting, closing.whole, closing.end),
    "force-at-5": (
        *_OPENING,
        turning.force_early,
        trying.lost_tools,
        trying.no_way_back,
        trying.second_eyes,
        closing.whole,
        closing.end,
    ),
    "stop-at-4": (
        *_OPENING,
        turning.stopped,
        trying.lost_tools,
        trying.no_way_back,
        trying.second_eyes,
        closing.unfinished,
    ),
    "mirror-keeps-two": (
        *_OPENING,
        trying.lost_tools,
        trying.no_stop,
        turning.way_back,
        trying.second_eyes,
        closing.whole,
        closing.end,
    ),
    "one-machine-first": (opening.before, closing.one_machine),
}


def story(scene: Scene) -> tuple[Beat, ...]:
    """Return the whole story under the scene's lever, in order of time."""
    beats = [beat for write in _CHAPTERS[scene.lever.slug] for beat in write(scene)]
    return tuple(sorted(beats, key=lambda beat: beat.at))
