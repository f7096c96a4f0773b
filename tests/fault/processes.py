"""The daemon itself: killed, stopped, without descriptors, without memory."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .load import Load
from .requirements import why_not
from .scene import Keeper, Scene
from lab.product import USER
from promises import Part, Promise


def kill(quick: bool) -> list[Promise]:
    """``kill -9`` again and again; the keeper starts the daemon as the service unit has it."""
    with Scene.made("kill") as scene, Keeper(scene.product):
        return scene.again_and_again("kill -9", scene.kill, 2 if quick else 100)


def stop(quick: bool) -> list[Promise]:
    """SIGSTOP, and SIGCONT some seconds later."""
    with Scene.made("stop") as scene:

        @contextmanager
        def stopped(_: Load) -> Iterator[None]:
            scene.product.stand_still()
            try:
                yield
            finally:
                scene.product.go_on()

        return scene.under("SIGSTOP", stopped, 2 if quick else 8)


def limits(quick: bool) -> list[Promise]:
    """No further descriptor, and no further address space (RLIMIT_AS), for the daemon that runs."""
    with Scene.made("limits") as scene, Keeper(scene.product):
        seconds = 2 if quick else 6
        found = scene.under("no descriptors", lambda _: _without_descriptors(scene), seconds)
        return found + scene.under("no memory", lambda _: _without_memory(scene), seconds)


@contextmanager
def _without_descriptors(scene: Scene) -> Iterator[None]:
    # A limit is on the numbers: from the highest one in use on there is none left.
    highest = max(int(entry.name) for entry in Path(f"/proc/{scene.product.pid}/fd").iterdir())
    with _limited(scene, "nofile", highest + 1):
        yield


@contextmanager
def _without_memory(scene: Scene) -> Iterator[None]:
    pages = int(Path(f"/proc/{scene.product.pid}/statm").read_text().split()[0])
    with _limited(scene, "as", pages * resource.getpagesize()):
        yield


@contextmanager
def _limited(scene: Scene, which: str, value: int) -> Iterator[None]:
    """Lower a soft limit of the daemon that runs, and give back the former one where it lives still."""
    status = Path(f"/proc/{scene.product.pid}/status").read_text()
    process = next(line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:"))
    # As its own user, who needs no privilege for it.
    prlimit = (
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--clear-groups",
        "prlimit",
        f"--pid={process}",
    )
    run = scene.lab.namespaces.run
    former = run(*prlimit, f"--{which}", "--output=SOFT", "--noheadings").stdout.strip()
    run(*prlimit, f"--{which}={value}:")
    try:
        yield
    finally:
        run(*prlimit, f"--{which}={former}:", check=False)


PARTS = {
    "kill": Part(kill, why_not),
    "stop": Part(stop, why_not),
    "limits": Part(limits, why_not),
}
