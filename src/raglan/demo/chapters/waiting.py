"""What those are told who wait."""

from raglan.demo.beats import AnswerOutside, AskOutside, Beat, Chapter, HoldOutside, TellOutside
from raglan.demo.scene import Scene, t


def told_outside(scene: Scene) -> Chapter:
    """Hold the outside: say what is known, promise the next word, answer what is asked, and say that it is over."""
    done = scene.done_at() or t(15)
    return [
        Beat(t(6, 20), "wren", HoldOutside()),
        Beat(t(6, 50), "wren", TellOutside("looking", "Pages of the shop are slow. Orders still come in. We know of it"
             " and look for the reason.", next_minutes=5)),
        Beat(t(8, 40), "ana", AskOutside("May sellers go on uploading pictures?", name="pictures")),
        Beat(t(8, 55), "sol", AskOutside("Until when?", name="until")),
        Beat(t(9, 10), "wren", AnswerOutside("pictures", "Yes. Each takes longer, and none is lost.")),
        Beat(t(9, 25), "wren", AnswerOutside("until")),
        Beat(t(11, 20), "wren", TellOutside("found", "We know what it is: an upgrade that does not start everywhere."
             " People start it again now; about ten minutes, as far as we know.", next_minutes=15)),
        Beat(done + 300, "wren", TellOutside("over", "The shop is as fast as it was. No order was lost. What happened"
             " is told here once it is understood.")),
    ]  # fmt: skip
