"""The demo from end to end: make the company, close what an earlier replay left, play the story, say the figures."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from raglan.demo import company
from raglan.demo.acts import figures_words
from raglan.demo.client import Refused, Unreachable
from raglan.demo.hosts import Hosts
from raglan.demo.levers import BY_SLUG, DEFAULT, INVENTED, render
from raglan.demo.mirror import PackageMirror
from raglan.demo.model import SEED, Figures, simulate
from raglan.demo.pace import Pace, Speed
from raglan.demo.replay import Replay
from raglan.demo.scene import Scene
from raglan.demo.story import story
from raglan.demo.tidy import settle, tidy
from raglan.demo.world import World, make_world

SPEED = 10
BEHIND = 6  # looks: a minute of the story


def run(  # noqa: PLR0913 -- what a replay is made of
    url: str,
    admin_token: str,
    speed: Speed = SPEED,
    seed: int = SEED,
    lever: str = DEFAULT.slug,
    out: Callable[[str], None] = print,
    *,
    with_hosts: bool = True,
    mirror: Path | None = None,
) -> Figures:
    """Replay the story on a running raglan. Raises Refused, Unreachable; an interrupt ends the story's alerts first.

    `with_hosts` lets all machines report what they run, as automation on them would. `mirror` is the file that the
    server's command for the company's package mirror prints.
    """
    scene = Scene(BY_SLUG[lever], simulate(BY_SLUG[lever].settings, seed=seed))
    world = make_world(url, admin_token, said=out)
    pace = Pace(speed)
    planned = simulate(replace(scene.lever.settings, stop_at=None), seed=seed)
    hosts = Hosts(world.hosts, planned, behind=BEHIND) if with_hosts else None
    shelf = (
        PackageMirror(mirror, world.admin, keeps_old=scene.lever.settings.way_back_at is not None) if mirror else None
    )
    replay = Replay(world, scene, pace, out, hosts, shelf)
    try:
        tidy(world, pace, out)
        if shelf is not None:
            shelf.begin()
        if replay.hosts is not None:
            out(f"{scene.fleet} machines report what they run …")
            settle(world, replay.hosts)
        if shelf is not None:
            shelf.move_on(pace)
        _announce(world, scene, speed, out)
        pace.begin()
        figures = replay.play()
    except KeyboardInterrupt:
        replay.stop()
        raise
    finally:
        world.close()
    out("")
    out(figures_words(figures))
    out(INVENTED)
    out(f"How the system behaves under other settings: raglan demo --levers. Look around: {world.url}/")
    return figures


def _announce(world: World, scene: Scene, speed: Speed, out: Callable[[str], None]) -> None:
    minutes = story(scene)[-1].at / 60
    lasts = "as fast as the server answers" if speed == "max" else f"{minutes / speed:.1f} min at speed {speed}"
    out(f"{scene.lever.label}.")
    out(f"{company.NAME} and everybody in it are invented. The story lasts {minutes:.0f} minutes, here {lasts}.")
    out(f"Look at: {world.url}/")


def _speed(said: str) -> Speed:
    if said == "max":
        return "max"
    if not said.isdigit() or int(said) < 1:
        raise argparse.ArgumentTypeError("say a whole number, such as 1, 10 or 60, or max")
    return int(said)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m raglan.demo", description="Replay the story on a running raglan.")
    parser.add_argument("--url", default=os.environ.get("RAGLAN_URL", "http://127.0.0.1:8000"), help="the server")
    parser.add_argument("--token", default=os.environ.get("RAGLAN_TOKEN", ""), help="a token that may configure")
    parser.add_argument("--speed", type=_speed, default=SPEED, help="1, 10, 60 times as fast, or max")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed plays other machines")
    parser.add_argument("--lever", choices=sorted(BY_SLUG), default=DEFAULT.slug, help="other settings; see --levers")
    parser.add_argument("--without-hosts", action="store_true", help="let no machine report what it runs")
    parser.add_argument("--mirror", type=Path, help="the file that the server's command for the mirror prints")
    parser.add_argument("--levers", action="store_true", help="show how the system behaves under other settings")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run from a command line; return the exit status."""
    given = _arguments().parse_args(argv)
    if given.levers:
        print(render(seed=given.seed))
        return 0
    if not given.token:
        print("Say --token, or set RAGLAN_TOKEN: a token with the scope configure.", file=sys.stderr)
        return 2
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        say = partial(print, flush=True)
        run(
            given.url,
            given.token,
            given.speed,
            given.seed,
            given.lever,
            say,
            with_hosts=not given.without_hosts,
            mirror=given.mirror,
        )
    except (Refused, Unreachable) as error:
        print(f"The story stops: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. A room that is open stays open; another replay closes it first.", flush=True)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0
