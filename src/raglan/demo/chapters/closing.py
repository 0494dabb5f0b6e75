"""How it ends: checked by several, closed, and looked back on."""

from raglan.demo.beats import (
    Acknowledge,
    Beat,
    Chapter,
    Close,
    Declare,
    Ends,
    Happened,
    Remember,
    Reply,
    Say,
    Stand,
    StandDown,
    Take,
    TakeTask,
    TaskDone,
    Tell,
    TellFigures,
    ToolBack,
    WriteTask,
)
from raglan.demo.scene import END, NEW, TOOLS, WHO_MISSED, WHY_REACHED, WHY_STARTS, Scene, t


def whole(scene: Scene) -> Chapter:
    """Tell that all machines serve; more than one person checks it."""
    done = scene.done_at() or t(15)
    tools = TOOLS if scene.lever.lost_tools else ("runbooks",)
    return [
        Beat(done + 10, "mara", Say("found", f"{scene.serving(done + 10)} machines serve.")),
        Beat(done + 30, "noor", _all_serve(scene, done + 30)),
        Beat(done + 40, "noor", WriteTask("Look for what is left over, host by host", name="leftovers")),
        Beat(done + 50, "mara", TakeTask("leftovers")),
        *_left_for_later(scene, done + 70),
        *[Beat(done + 60 + 40 * place, WHO_MISSED[tool], ToolBack(tool)) for place, tool in enumerate(tools)],
        *_graphs_again(scene, done + 200),
        Beat(done + 240, "tess", Say("verify", "Pages load in their usual time for me, from outside. Can two people"
             " confirm?", name="normal")),
        Beat(done + 255, "bo", Reply("normal", "yes", "Bought a scarf from end to end.")),
        Beat(done + 265, "wren", Reply("normal", "yes", "No new tickets for five minutes.")),
        Beat(done + 275, "tess", Close("normal")),
    ]  # fmt: skip


def _all_serve(scene: Scene, at: int) -> Stand:
    seven = ("Seven machines were never reached: Chef does not run there",) if scene.untouched() else ()
    return Stand(
        state="fine",
        state_words="Site up, response times falling",
        summary=f"{scene.serving(at)} machines serve. Response times fall. We look for what is left over.",
        know=("Every machine serves again", *seven),
        trying=("Checking from outside (Bo)", "Looking for leftovers, host by host (Mara)"),
        unknown=(WHY_REACHED, WHY_STARTS),
        next_update_minutes=15,
    )


def _left_for_later(scene: Scene, at: int) -> Chapter:
    if not scene.untouched():
        return []
    return [Beat(at, "noor", WriteTask("Find out why Chef does not run on the machines that kept serving", name="why"))]


def _graphs_again(scene: Scene, at: int) -> Chapter:
    if not scene.lever.lost_tools:
        return []
    words = "Dashboards answer again. The graphs have a hole where the incident was."
    return [Beat(at, "tess", Say("found", words))]


def end(scene: Scene) -> Chapter:
    """End it: leftovers by hand, figures, stand-down, first answers in the review."""
    done = (scene.done_at() or t(15)) + 285
    return [
        Beat(done, "mara", TaskDone("leftovers", "Two hosts had an old lock file left; removed by hand.")),
        Beat(done + 30, "", TellFigures()),
        Beat(done + 40, "rowan", _ended(scene)),
        Beat(done + 45, "noor", StandDown("All machines serve and three people checked from outside. Still open, for"
             " the review: why the upgrade reached machines that had httpd, why it did not start, what to do about the"
             " machines where Chef does not run. Thank you, all of you.")),
        *_review(scene, done + 60),
    ]  # fmt: skip


def _ended(scene: Scene) -> Ends:
    if scene.lever.settings.way_back_at is not None:
        return Ends("taken_back", "The pin is back at the old version, and the machines went back to it.")
    return Ends("done", "Every machine that Chef runs on has it; each needed a second run.")


def _review(scene: Scene, at: int) -> Chapter:
    beats = [
        Beat(at, "rowan", Remember("surprise-2", "That a pin protects machines that already have the package.")),
        Beat(at + 3, "rowan", Remember("setting-3", "I raised this pin three weeks earlier, and nothing moved.")),
        Beat(at + 6, "ike", Remember("finding-out-2", "Rowan told me before the pager rang. I knew it already.")),
        Beat(at + 12, "mara", Remember("acting-1", "One host out of the pool costs nothing, so I tried it there.")),
        Beat(at + 18, "lior", Remember("help-3", "I read where it stands, asked once, and had something to do.")),
    ]  # fmt: skip
    if scene.lever.lost_tools:
        words = "All our ways of seeing and changing stood on httpd. I learned it page by page."
        beats.append(Beat(at + 9, "dee", Remember("tools-1", words)))
    if scene.untouched():
        words = "The seven machines without Chef happened to be so. Nobody had planned them as a reserve."
        beats.append(Beat(at + 15, "jun", Remember("what-went-right-2", words)))
    return beats


def unfinished(scene: Scene) -> Chapter:
    """Tell of the end of the half hour: the number is held, nothing is repaired, the room stays open."""
    return [
        Beat(t(29, 40), "", TellFigures()),
        Beat(t(29, 45), "rowan", Ends("stopped", "Held since minute 4; the repair is still to come.")),
        Beat(t(29, 50), "noor", Stand(state=scene.feeling(END), state_words=scene.feeling_words(END), summary=f"Chef"
             f" is stopped. {scene.serving(END)} machines serve. The repair is still to come.",
             know=(f"{scene.serving(END)} machines serve, and the number holds",), trying=("What differs between the"
             " versions (Jun, Rowan)",), unknown=("Why httpd does not start after the first run",),
             next_update_minutes=30)),
    ]  # fmt: skip


def one_machine(scene: Scene) -> Chapter:
    """Tell of the one machine that goes first; that is all that happens."""
    first = next(machine for machine in scene.outcome.machines if machine.turns)
    bad, good = first.turns[0].at, first.turns[1].at
    return [
        Beat(bad, "rowan", Tell(f"follows the Chef run on {first.name}, the one machine on the safelist. It upgrades"
             f" httpd; that was not expected. httpd does not start.")),
        Beat(bad + 30, "rowan", Declare(f"A pin change upgrades httpd on a machine that has it ({first.name})",
             "sev4")),
        Beat(bad + 40, "rowan", Say("found", f"I expected nothing to happen on {first.name}. It got {NEW}, and httpd"
             f" does not start. The change has reached this one machine only, and I hold it there.")),
        Beat(bad + 60, "rowan", Say("ask", "Could somebody from Web look at the configuration with me? No hurry.",
             name="eyes", to_team="web")),
        Beat(bad + 80, "jun", Take("eyes")),
        Beat(bad + 260, "ike", Acknowledge()),
        Beat(good + 20, "rowan", Say("found", f"The next planned run started httpd on {first.name}.")),
        Beat(good + 50, "jun", Happened("eyes", "The package ships a default file that the recipe removes, one run"
             " too late.")),
        Beat(good + 60, "", TellFigures()),
        Beat(good + 65, "rowan", Ends("stopped", "It stays at this one machine until the recipe is mended.")),
        Beat(good + 70, "rowan", StandDown("One surprise, one machine. The pin stays as it was until the recipe is"
             " mended.")),
        Beat(good + 80, "rowan", Remember("surprise-2", "That a pin protects machines that already have the"
             " package.")),
    ]  # fmt: skip
