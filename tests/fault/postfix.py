"""Postfix itself: reloaded, restarted, its log rotated in every way; and certificates that are replaced."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from .ledger import Kind
from .load import Load
from .requirements import why_not
from .scene import RECOVERY_SECONDS, Scene
from lab.laboratory import CONTOSO, WOODGROVE
from lab.messages import compose
from lab.waiting import wait_for
from promises import Part, Promise

_USER, _THERE = f"user@{CONTOSO}", f"bob@{WOODGROVE}"
_SENT = f'domain_secure_messages_sent_total{{domain="{WOODGROVE}"}}'
_PACE = 0.15  #: seconds between two messages that leave
_RELOADED = (
    "Some reloads take 2.1 s until everybody has a right answer, others 0.1; whether these two seconds are "
    "Postfix's own was not found out."
)


def postfix(quick: bool) -> list[Promise]:
    """``postfix reload`` and a restart, while sessions are open."""
    with Scene.made("postfix") as scene:
        times = 1 if quick else 5
        found = scene.again_and_again(
            "Postfix reloaded", lambda: _postfix(scene, "reload"), times, slow=_RELOADED
        )
        return found + scene.again_and_again("Postfix restarted", lambda: _restart(scene), times)


def _postfix(scene: Scene, command: str) -> float:
    """Run postfix(1), and return when it was done."""
    scene.lab.namespaces.run("postfix", "-c", scene.lab.contoso.layout.configuration, command)
    return time.monotonic()


def _restart(scene: Scene) -> float:
    _postfix(scene, "stop")
    return _postfix(scene, "start")


def certificate(quick: bool) -> list[Promise]:
    """Our own certificate is replaced, and the partner's, as server and client, by one nobody has seen."""
    with Scene.made("certificate") as scene:
        found = scene.under("own certificate replaced", partial(_own_replaced, scene), 0)
        return found if quick else found + scene.under("partner's replaced", partial(_replaced, scene), 0)


@contextmanager
def _own_replaced(scene: Scene, _: Load) -> Iterator[None]:
    scene.lab.certificate_file(scene.lab.certificate_for(CONTOSO), CONTOSO)
    _postfix(scene, "reload")
    yield


@contextmanager
def _replaced(scene: Scene, load: Load) -> Iterator[None]:
    renewed = scene.lab.certificate_for(WOODGROVE)
    scene.lab.present(scene.lab.woodgrove, renewed)
    load.show(Kind.PARTNER, scene.lab.client_context(renewed))
    yield


def log(quick: bool) -> list[Promise]:
    """Mail to the partner is counted by Postfix's log, which is rotated as administrators do it."""
    with Scene.made("log") as scene:
        ways = dict(_ways(scene))
        if quick:
            ways = {name: ways[name] for name in ("copytruncate",)}
        return [promise for name, way in ways.items() for promise in _rotated(scene, name, way)]


def _ways(scene: Scene) -> Iterator[tuple[str, Callable[[], object]]]:
    host, run = scene.lab.contoso, scene.lab.namespaces.run
    path, tool = str(host.layout.log), ("postfix", "-c", host.layout.configuration)
    # As logrotate(8) does it by its "create": before Postfix 3.9 a new file is for root alone.
    readable = f"touch {path} && chmod 644 {path}"
    yield "postfix logrotate", lambda: (run(*tool, "logrotate"), run("sh", "-c", readable))
    yield (
        "rename, then reload",
        lambda: (run("sh", "-c", f"mv {path} {path}.1 && {readable}"), run(*tool, "reload")),
    )
    yield "copytruncate", lambda: run("sh", "-c", f"cp {path} {path}.2 && : >{path}")
    yield "deleted, then reload", lambda: (run("sh", "-c", f"rm {path} && {readable}"), run(*tool, "reload"))


def _rotated(scene: Scene, name: str, way: Callable[[], object]) -> list[Promise]:
    """Return whether each message that left was counted once, and how soon the first one after it was."""
    before, arrived = _counted(scene), len(scene.lab.woodgrove.mailbox())
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_send_until, scene, over)
        try:
            wait_for(
                lambda: _counted(scene) > before + 2, "messages to be counted", context=scene.product.log
            )
            way()
            ended = time.monotonic()
            seen = _counted(scene)
            wait_for(
                lambda: _counted(scene) > seen, "messages to be counted again", context=scene.product.log
            )
            recovery = time.monotonic() - ended
        finally:
            over.set()
        sent = sending.result()
    wait_for(
        lambda: len(scene.lab.woodgrove.mailbox()) - arrived >= sent,
        "all messages to arrive",
        context=lambda: scene.lab.contoso.log()[-2000:],
    )
    counted = _steady(lambda: _counted(scene) - before)
    told = f"{sent} left, {counted} counted"
    # What is written between copying and truncating is lost for everybody: logrotate(8), copytruncate.
    held = sent - 1 <= counted <= sent if name == "copytruncate" else counted == sent
    return [
        Promise("log", f"log rotated, {name}: every delivery", "counted once", told, held),
        Promise(
            "log",
            f"log rotated, {name}: recovery by itself",
            f"<= {RECOVERY_SECONDS:g} s",
            f"{recovery:.2f} s",
            recovery <= RECOVERY_SECONDS,
        ),
    ]


def _send_until(scene: Scene, over: threading.Event) -> int:
    """Send to the partner until it is over; return how many were taken."""
    taken = 0
    while not over.wait(_PACE):
        reply = scene.lab.submit(scene.lab.contoso, compose(_USER, _THERE), sender=_USER, recipient=_THERE)
        taken += reply.code == 250
    return taken


def _counted(scene: Scene) -> int:
    return int(scene.product.metrics().get(_SENT, 0))


def _steady(value: Callable[[], int]) -> int:
    """Return a number when it has been the same for a while."""
    since, last = time.monotonic(), value()
    while time.monotonic() - since < RECOVERY_SECONDS:
        if (now := value()) != last:
            since, last = time.monotonic(), now
        threading.Event().wait(0.1)
    return last


PARTS = {
    "postfix": Part(postfix, why_not),
    "certificate": Part(certificate, why_not),
    "log": Part(log, why_not),
}
