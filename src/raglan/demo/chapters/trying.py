"""What people try and ask while machines go."""

from raglan.demo.beats import (
    Acknowledge,
    Beat,
    Chapter,
    Close,
    Happened,
    Here,
    JoinAlerts,
    LoseTool,
    Misses,
    Reply,
    Say,
    Take,
)
from raglan.demo.scene import OLD, Scene, standing, t


def lost_tools(scene: Scene) -> Chapter:
    """Tell which tools for looking and changing stand on what is broken."""
    if not scene.lever.lost_tools:
        return seen_tools(scene)
    return [
        Beat(t(5, 30), "tess", LoseTool("graphite", "The dashboards do not answer, nor does Graphite. They need httpd"
             " too. I read host checks by SSH.")),
        Beat(t(5, 36), "hana", Misses("graphite")),
        Beat(t(5, 40), "ike", LoseTool("nagios", "The Nagios pages are gone. Its checks still run: alerts arrive"
             " here.")),
        Beat(t(5, 48), "jun", LoseTool("runbooks", "Runbooks do not open. I have last week's copy on my disk, ask me"
             " for pages.")),
        Beat(t(5, 51), "rowan", Misses("runbooks")),
        Beat(t(5, 54), "kei", LoseTool("deployinator", "Deployinator's page does not load. Nothing is being deployed;"
             " I hold my own.")),
        Beat(t(5, 56), "mara", Misses("graphite")),
        Beat(t(5, 58), "dee", Acknowledge()),
        Beat(t(6, 5), "noor", JoinAlerts()),
        Beat(t(6, 8), "tess", Here("host checks by SSH")),
    ]  # fmt: skip


def seen_tools(scene: Scene) -> Chapter:
    """Tell it with dashboards that stand elsewhere: people see the same machines fall."""
    return [
        Beat(t(5, 30), "tess", Say("found", f"Graphs are fine to read: {scene.serving(t(5, 30))} machines serve, and"
             f" the line falls evenly, about 35 a minute.")),
        Beat(t(5, 48), "jun", LoseTool("runbooks", "Runbooks do not open: their server needs httpd. The graphs do"
             " not.")),
        Beat(t(5, 58), "dee", Acknowledge()),
        Beat(t(6, 5), "noor", JoinAlerts()),
    ]  # fmt: skip


def no_stop(scene: Scene) -> Chapter:
    """Ask whether it can be stopped."""
    return [
        Beat(t(6), "rowan", Say("ask", "Can Chef be stopped everywhere, now?", name="stop", to_team="systems")),
        Beat(t(6, 14), "mara", Take("stop")),
        Beat(t(6, 35), "mara", Happened("stop", "There is no switch for the whole estate. Host by host over dsh takes"
             " about as long as the stagger itself, and hosts in a run do not listen.")),
        Beat(t(6, 45), "noor", standing(scene, t(6, 45), trying=("The way back: the old package (Kei)", "What"
             " differs between the versions (Jun, Rowan)"))),
    ]  # fmt: skip


def no_way_back(scene: Scene) -> Chapter:
    """Rule out going back a version."""
    return [
        Beat(t(7), "kei", Say("doing", f"I am looking on the mirror for {OLD}, to put the pin back.", name="back")),
        Beat(t(7, 25), "kei", Happened("back", f"{OLD} is gone: the mirror keeps the newest only.", "nothing")),
        Beat(t(7, 30), "kei", Say("ruled_out", f"Going back a version. No {OLD} is left to go back to.")),
    ]  # fmt: skip


def second_eyes(scene: Scene) -> Chapter:
    """Ask others to look: at the configuration, at the site, at what buyers see."""
    return [
        Beat(t(7, 40), "rowan", Say("ask", "I am out of ideas with the httpd configuration. Could somebody from Web"
             " be another pair of eyes?", name="eyes", to_team="web")),
        Beat(t(8, 10), "jun", Take("eyes")),
        Beat(t(8, 5), "bo", Say("verify", "The site is slow for me, but every page comes. Can others confirm?",
             name="slow")),
        Beat(t(8, 14), "hana", Reply("slow", "yes", "Eight seconds for the front page.")),
        Beat(t(8, 18), "wren", Reply("slow", "yes")),
        Beat(t(8, 24), "ana", Reply("slow", "no", "My search page came at once. It may have met one of the good"
             " machines.")),
        Beat(t(8, 30), "noor", Say("ask", "Can somebody read the support queue and tell us what buyers see?",
             name="queue", to_team="support", to_topic="slow pages, lost orders")),
        Beat(t(9, 20), "sol", Take("queue")),
        Beat(t(10, 40), "sol", Happened("queue", "31 new tickets, all about slow pages. Nobody writes of a lost"
             " order.")),
        Beat(t(10, 20), "jun", Happened("eyes", "Looked with Rowan: our own configuration is the same as yesterday."
             " What is new must come with the package.")),
        Beat(t(10, 25), "bo", Close("slow")),
    ]  # fmt: skip
