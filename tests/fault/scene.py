"""The product under load, while a fault is put in and taken away.

Owns: the order of things, and the two promises that each fault is judged by.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from .ledger import Judgement, identifiers
from .load import Load, Sender, senders
from lab.laboratory import WOODGROVE, Lab
from lab.namespaces import LabError
from lab.product import Product
from lab.waiting import wait_for
from promises import Promise

RECOVERY_SECONDS = 2.0
_UNIT = Path(__file__).parents[2] / "systemd" / "domain-secure.service"
_SETTLED_SECONDS = 3.0  #: of load after a fault
_QUEUE_RUN_SECONDS = 5.0
_RUN_IN_SECONDS = 0.5  #: of load before a fault


class Keeper:
    """Starts the daemon again when it has ended, as the service unit has it done: after its RestartSec."""

    def __init__(self, product: Product, start: Callable[[], None] | None = None) -> None:
        self.restarts = 0
        self._product = product
        self._start = start or product.serve
        self._over = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        pause = restart_seconds()
        try:
            while not self._over.wait(0.01):
                if self._product.is_running:
                    continue
                self._over.wait(pause)
                if not self._over.is_set():
                    self._try()
        except BaseException as error:  # noqa: BLE001 - told where the keeper ends
            self._fault = error

    def _try(self) -> None:
        self.restarts += 1
        try:
            self._start()
        except LabError:
            # It ended at once; the service manager tries again, however often.
            return


def restart_seconds() -> float:
    """Return how long the service unit waits before it starts the daemon again."""
    lines = _UNIT.read_text().splitlines()
    value = next(line.partition("=")[2] for line in lines if line.startswith("RestartSec="))
    return float(value.removesuffix("ms")) / 1000 if value.endswith("ms") else float(value)


class Scene:
    """One laboratory with the product; ``under`` looks at one fault after another."""

    def __init__(self, part: str, product: Product, everybody: tuple[Sender, ...] | None = None) -> None:
        self.part = part
        self.product = product
        self.lab = product.lab
        self._everybody = everybody or senders(self.lab)
        self._help = ""  #: that was needed for mail to flow again

    @classmethod
    @contextmanager
    def made(cls, part: str, prepare: Callable[[Product], None] = lambda _: None) -> Iterator["Scene"]:
        """Make a laboratory with Woodgrove on both lists; *prepare* changes it before the daemon starts."""
        with Lab() as lab:
            product = Product(lab)
            prepare(product)
            product.install(WOODGROVE)
            yield cls(part, product)

    def under(
        self,
        what: str,
        fault: Callable[[Load], AbstractContextManager[object]],
        seconds: float,
        *,
        slow: str = "",
    ) -> list[Promise]:
        """Have mail flow, put a fault in for so many *seconds*, take it away, and see what became of it.

        *fault* is entered when mail flows, and must see for itself that it bites.  *slow* says of one whose
        recovery is known to fall short what it would take.
        """
        load = Load(self.lab, self._everybody)
        self._help = ""
        with ExitStack() as stack:
            stack.enter_context(load.running())
            self._wait_for_flow(load)
            with fault(load):
                during = time.monotonic()
                threading.Event().wait(seconds)
                answered = len(load.ledger.replies(during))
            ended = time.monotonic()
            recovery = load.recovery(ended)
            if recovery is not None:
                # One good answer is no recovery yet: something may be noticed late.
                threading.Event().wait(_SETTLED_SECONDS)
                recovery = max(recovery, load.ledger.last_failure(ended) - ended)
        judgement = self._judged(load)
        message, soon = self.promises(what, judgement, [recovery], f"{answered} answers meanwhile")
        return [message, replace(soon, known=True, needed=slow) if slow and recovery is not None else soon]

    def kill(self) -> float:
        """Kill the daemon, whose keeper starts it again; return when."""
        self.product.send_signal(signal.SIGKILL)
        return time.monotonic()

    def again_and_again(
        self, what: str, strike: Callable[[], float], times: int, *, slow: str = ""
    ) -> list[Promise]:
        """Have mail flow, and *strike* so often, each time when everybody has got a right answer again.

        *strike* returns when the fault ended, by the monotonic clock; *slow* as for `under`.
        """
        load = Load(self.lab, self._everybody)
        recoveries: list[float | None] = []
        with load.running():
            self._wait_for_flow(load)
            recoveries.extend(load.recovery(strike()) for _ in range(times))
        message, soon = self.promises(f"{what}, {times} times", self._judged(load), recoveries)
        is_known = bool(slow) and None not in recoveries
        return [message, replace(soon, known=True, needed=slow) if is_known else soon]

    def promises(
        self, what: str, judgement: Judgement, recoveries: list[float | None], detail: str = ""
    ) -> list[Promise]:
        """Return what is promised of each fault, and what was seen."""
        told = f"{judgement}; {detail}" if detail else str(judgement)
        known = sorted(seconds for seconds in recoveries if seconds is not None)
        slowest = f"{known[-1]:.2f} s" if len(known) == len(recoveries) else "never"
        if self._help:
            slowest += f", and {self._help}"
        median = f", median {known[len(known) // 2]:.2f} s" if len(recoveries) > 1 and known else ""
        return [
            Promise(
                self.part,
                f"{what}: every message",
                "lost 0, wrong 0, refused 0",
                told,
                judgement.is_good,
                judgement.examples,
            ),
            Promise(
                self.part,
                f"{what}: recovery by itself",
                f"<= {RECOVERY_SECONDS:g} s",
                f"{slowest}{median}",
                len(known) == len(recoveries) and known[-1] <= RECOVERY_SECONDS and not self._help,
            ),
        ]

    def _wait_for_flow(self, load: Load) -> None:
        began = time.monotonic()
        if load.recovery(began) is None:
            raise LabError(f"mail does not flow before any fault:\n{self.product.log()[-4000:]}")
        threading.Event().wait(_RUN_IN_SECONDS)

    def _judged(self, load: Load) -> Judgement:
        contoso = self.lab.contoso
        inbox = self.lab.namespaces.outside(contoso.layout.mail) / "inbox" / "new"
        expected = load.ledger.accepted()

        tried_again = time.monotonic()

        def all_arrived() -> bool:
            nonlocal tried_again
            # What Postfix put off under the fault waits for its next run of the queue, minutes later.
            if time.monotonic() - tried_again > _QUEUE_RUN_SECONDS:
                self.lab.namespaces.run("postqueue", "-c", contoso.layout.configuration, "-f")
                tried_again = time.monotonic()
            # No more messages than files: not all there, and nothing to read yet.
            return len(list(inbox.glob("*"))) >= len(expected) and expected <= identifiers(contoso.mailbox())

        try:
            wait_for(all_arrived, "all that was taken over to arrive")
        except TimeoutError:
            # What a process of Postfix's cannot look up stays in the queue: late, and not lost.
            late = len(expected - identifiers(contoso.mailbox()))
            self._help = (
                f"{late} messages had not arrived, with {len(contoso.queue())} in the queue, "
                "until Postfix was reloaded by hand"
            )
            contoso.reload()
            # What is missing then is named as lost.
            with suppress(TimeoutError):
                wait_for(all_arrived, "all that was taken over to arrive")
        judgement = load.ledger.judge(contoso.mailbox())
        for path in inbox.glob("*"):
            path.unlink()
        return judgement
