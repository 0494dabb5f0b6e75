"""What turns it, or does not, under each lever."""

from raglan.demo.beats import Beat, Chapter, Close, Happened, MarkHelped, MarkRisky, RaiseHold, Reply, Say
from raglan.demo.scene import END, OLD, Scene, standing, t


def experiment(scene: Scene) -> Chapter:
    """Try something on one machine, say so first, and it works."""
    first, second = scene.tried().name, scene.repeated().name
    return [
        Beat(t(8), "mara", Say("doing", f"I take {first} out of the pool and run Chef on it once more, to see if that"
             f" changes anything.", name="again")),
        Beat(t(9), "mara", Happened("again", f"It did: httpd started on {first}. I do not know why yet.", "worked")),
        Beat(t(9, 6), "jun", MarkHelped("again")),
        Beat(t(9, 10), "mara", Say("verify", "One more run starts httpd for me. Can somebody try it on another host"
             " that is out of the pool?", name="twice")),
        Beat(t(9, 45), "tess", Reply("twice", "yes", f"Same on {second}.")),
        Beat(t(9, 55), "mara", Close("twice")),
    ]  # fmt: skip


def force(scene: Scene) -> Chapter:
    """Force the second run everywhere, its risk named first."""
    return [
        Beat(t(10), "noor", Say("decided", "Run Chef once more everywhere by dsh, 100 hosts a minute: api, then web,"
             " then tools. The risk, aloud: on a host that has not had its first run, this is its first run. By"
             " minute 11 there are hardly any left.", name="everywhere")),
        Beat(t(10, 15), "mara", MarkRisky("everywhere")),
        Beat(t(10, 30), "noor", standing(scene, t(10, 30), know=("A second Chef run starts httpd, on two hosts of"
             " two",), trying=("A second run everywhere, 100 hosts a minute from minute 11 (Mara)",))),
        Beat(t(11), "mara", Say("doing", "First wave goes out now: all of api and 36 web hosts.", name="waves")),
        *_lowest(scene),
        Beat(t(12, 10), "lior", Say("note", "I come in late. What is known, and where can I help?")),
        Beat(t(12, 25), "noor", Say("note", "Welcome. What the log says is at the top. Mara is forcing the second"
             " run in waves. Useful now: watch search from the hosts' own logs and say when it looks normal.")),
        Beat(t(12, 35), "lior", Say("doing", "I read the search logs on the hosts.", name="logs")),
        Beat(t(14, 5), "mara", Happened("waves", "The fourth and last wave is out.")),
        Beat(t(14, 40), "lior", Happened("logs", "Search answers in its usual time since the second wave.")),
    ]  # fmt: skip


def _lowest(scene: Scene) -> Chapter:
    """Tell what carries the site at the lowest point, when anything does."""
    names = scene.untouched()
    if not names:
        return [
            Beat(t(11, 25), "bo", Say("found", "From outside nothing answers any more.")),
            Beat(t(11, 30), "noor", standing(scene, t(11, 30), know=("No machine is left on the old version",),
             trying=("A second run everywhere, 100 hosts a minute (Mara)",))),
        ]  # fmt: skip
    some = ", ".join(names[:3])
    return [
        Beat(t(11, 30), "jun", Say("found", f"The {len(names)} that still serve have the old version: {some} and"
             f" {len(names) - 3} more. Chef has not run there for weeks. They carry the site.")),
    ]  # fmt: skip


def force_early(scene: Scene) -> Chapter:
    """Force the same run six minutes earlier."""
    host = scene.watched().name
    return [
        Beat(t(4, 25), "mara", Say("doing", f"I run Chef once more on {host}, to see if that changes anything.",
             name="again")),
        Beat(t(4, 50), "mara", Happened("again", "It did: httpd started.")),
        Beat(t(4, 55), "noor", Say("decided", "Run Chef once more everywhere by dsh, 100 hosts a minute from now. The"
             " risk, aloud: on a host that has not had its first run, this is its first run.")),
        Beat(t(5), "mara", Say("doing", "First wave goes out now.", name="waves")),
        Beat(t(8, 20), "mara", Happened("waves", "The fourth and last wave is out.")),
        Beat(t(9), "tess", Say("found", f"{scene.serving(t(9))} machines serve. Hosts that were late in the stagger"
             f" had their first run from our wave. They wait for their next one.")),
        Beat(t(9, 30), "noor", standing(scene, t(9, 30), know=("A second Chef run starts httpd", "The early hosts"
             " are back, the late ones have had their first run only"), trying=("Waiting for the next planned run of"
             " the late ones",))),
    ]  # fmt: skip


def stopped(scene: Scene) -> Chapter:
    """Use a stop switch as soon as the room knows."""
    return [
        Beat(t(3, 55), "mara", Say("doing", "I use the stop switch: no host starts a new Chef run.", name="switch")),
        Beat(t(4), "mara", RaiseHold("httpd pin", "httpd does not start after the Chef run that upgrades it.")),
        Beat(t(5), "mara", Happened("switch", f"Done. Runs that had begun went on to their end. {scene.serving(t(5))}"
             f" machines serve, and the number holds.")),
        Beat(t(6, 45), "noor", standing(scene, t(6, 45), know=("Chef is stopped everywhere; the number holds",),
             trying=("The way back: the old package (Kei)", "What differs between the versions (Jun, Rowan)"))),
        Beat(t(20), "noor", Say("decided", "The number holds and the site is slow but up. We take our time: no run"
             " anywhere until we know why httpd does not start.")),
    ]  # fmt: skip


def way_back(scene: Scene) -> Chapter:
    """Go back: the mirror keeps two old versions, so it is a choice."""
    return [
        Beat(t(6, 40), "kei", Say("doing", f"I am looking on the mirror for {OLD}, to put the pin back.",
             name="back")),
        Beat(t(6, 55), "kei", Happened("back", "It is there: this mirror keeps two old versions.")),
        Beat(t(7), "noor", Say("decided", f"Back to {OLD}. Hosts that start a run from now on keep it or get it"
             f" again. Mara forces the run from minute 8, 100 hosts a minute.")),
        Beat(t(8), "mara", Say("doing", "First wave goes out now.", name="waves")),
        Beat(t(11, 30), "mara", Happened("waves", f"All waves are out. {scene.serving(t(11, 30))} machines serve.")),
        Beat(t(11, 40), "noor", standing(scene, t(11, 40), know=(f"The pin is back at {OLD}",), trying=("Waiting for"
             " the last hosts (Mara)",))),
    ]  # fmt: skip


def waiting(scene: Scene) -> Chapter:
    """Watch while nobody acts on the machines and the planned runs go on."""
    half = next(second for second in range(t(11), END) if scene.outcome.serving_at(second) >= scene.fleet / 2)
    return [
        Beat(half, "tess", Say("found", f"Machines come back by themselves: {scene.serving(half)} serve. Chef's next"
             f" planned run starts httpd on each.")),
        Beat(half + 40, "noor", standing(scene, half + 40, know=("The next planned run starts httpd",),
             trying=("Waiting for the planned runs",))),
    ]  # fmt: skip
