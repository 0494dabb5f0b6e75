"""How it begins: ordinary work, a surprise, a word to others."""

from raglan.demo.beats import (
    Acknowledge,
    Beat,
    Begins,
    CanCome,
    Chapter,
    GiveHeadsUp,
    Here,
    JoinAlerts,
    Lead,
    Propose,
    Say,
    Tell,
)
from raglan.demo.hosts import NEW as PACKAGE_NEW
from raglan.demo.hosts import PACKAGE
from raglan.demo.scene import NEW, OLD, Scene, standing, t


def before(scene: Scene) -> Chapter:
    """Tell of the hour and a half before: ordinary work."""
    return [
        Beat(-t(90), "rowan", Tell(f"builds one fresh server to try a change to the provisioning tool. Its first Chef"
             f" run stops at httpd: the pin says {OLD}, the mirror has {NEW}.")),
        Beat(-t(70), "rowan", Tell("knows this one, it comes by every few weeks. Reads the release notes, a point"
             " release; installs it by hand on a test machine. It starts.")),
        Beat(-t(5), "rowan", Propose(f"Pin httpd to {NEW}", PACKAGE, PACKAGE_NEW, on_new="version",
             on_existing="nothing", note="A fresh machine gets the mirror's version and then stops at the old pin. Read"
             " the release notes, started it by hand on a test machine: fine.")),
        Beat(0, "rowan", Tell(f"promotes the pin to staging and production. {scene.fleet} machines run httpd.")),
        Beat(0, "rowan", Begins()),
    ]  # fmt: skip


def unexpected(scene: Scene) -> Chapter:
    """Tell how the first machine behaves otherwise than expected."""
    host = scene.watched().name
    return [
        Beat(t(2), "rowan", Tell(f"follows a Chef run on {host}. It upgrades httpd. That was not expected.")),
        Beat(t(3), "rowan", Tell(f"sees httpd not start again on {host}.")),
    ]


def heads_up(scene: Scene, *, at: int = t(3, 30), pages: tuple[int, int] = (1, 2)) -> Chapter:
    """Tell people first: the neighbour on call, then everybody."""
    host = scene.watched().name
    return [
        Beat(at, "rowan", GiveHeadsUp(
            text="httpd does not start after a Chef run, and it is spreading.\nIke, you are about to be paged for it."
            " It is my change; I am in the room and tell you all I know.",
            did=f"Raised the httpd pin from {OLD} to {NEW}, staging and production together.",
            saw=f"On {host} the run upgraded the package, and httpd did not start again.",
            reach=f"Every machine that runs httpd, {scene.fleet} of them, as Chef comes round to each.",
            need="Somebody who knows Chef, somebody who knows our httpd configuration.",
        )),
        Beat(at + 15, "ike", Acknowledge(pages[0])),
        Beat(at + 20, "ike", Say("note", "I have the pager and expect httpd alerts. Glad to know before it rings.")),
        Beat(at + 30, "rowan", Say("found", f"My pin change upgrades httpd on machines that have it already; I"
             f" expected it to reach new ones only. It does not start after the upgrade. {scene.serving(at + 30)}"
             f" machines still serve, and fewer every minute.", name="reach")),
        Beat(at + 45, "hana", Say("note", "Jun and I are free. What do you need?")),
        Beat(at + 55, "bo", Say("note", "I can watch the site from outside and try to buy something.")),
        Beat(at + 80, "ike", Acknowledge(pages[1])),
        Beat(at + 85, "noor", Lead("Ike stays on the pager.")),
        Beat(at + 90, "noor", Say("note", "Mara: Chef. Jun: httpd"
             " configuration, with Rowan. Bo: the site from outside. Everybody else: say what you are on.")),
        Beat(at + 92, "noor", standing(scene, at + 92, trying=("Finding out how far it goes",))),
        Beat(at + 95, "tess", Say("note", "Data can spare me. I read along and watch the graphs.")),
        Beat(at + 100, "uma", CanCome("free", "payments, buying from end to end")),
        Beat(at + 105, "noor", JoinAlerts()),
        Beat(at + 108, "mara", Here("Chef")),
        Beat(at + 110, "jun", Here("httpd configuration")),
        Beat(at + 112, "bo", Here("the site from outside")),
        Beat(at + 114, "rowan", Here("httpd configuration, release notes")),
    ]  # fmt: skip


def early(scene: Scene) -> Chapter:
    """Tell it without the stagger: everything is seen at once, and the pager speaks as soon as anybody can."""
    words = "follows a Chef run. It upgrades httpd, which was not expected, and httpd does not start."
    return [Beat(50, "rowan", Tell(words)), *heads_up(scene, at=t(1, 30), pages=(2, 1))]
