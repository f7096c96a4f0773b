"""Messages per second through a real Postfix: the product's, what people would run instead, none.

What the verbose protocol log costs is measured beside the normal one.

Owns: one Postfix with a port for each of them, the load, the interleaved rounds.
Load comes from smtp-source(1), one message a connection, over loopback and in the clear: it speaks no TLS,
and a client that does would cost more than all that is compared here.  Delivery is discard(8).
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from . import others
from .measurement import Measurement
from .others import C_MILTER, OPENDKIM
from .start_up import MEMORY_GOAL, resident_memory
from lab import laboratory
from lab.laboratory import CONTOSO, LOOPBACK, WOODGROVE, Lab
from lab.namespaces import LabError, missing_programs
from lab.product import Product
from lab.waiting import wait_for

PART = "mail"
GOAL, LISTED_GOAL, OPENDKIM_GOAL = ">= 1.05", ">= 0.95", ">= 2"

_PROGRAMS = (*laboratory.PROGRAMS, *others.PROGRAMS, "smtp-source")
_SESSIONS = 8
_UNLISTED = "stranger.example.test"
_PRODUCT = "product, unlisted"
_LISTED = "product, listed and marked"
_VERBOSE_GOAL = ">= 0.90"
_ROUNDS_OF_SHORT_FORM = 5  #: fewer are no measurement
_GOALS = {_PRODUCT: GOAL, _LISTED: LISTED_GOAL}
_TICKS = os.sysconf("SC_CLK_TCK")

#: Observed only, so that mail in the clear takes the whole way of a listed one: log line and marks.
CONFIGURATION = f"""\
[receive]
domains = ["{WOODGROVE}"]
[partner."{WOODGROVE}"]
mode = "observe"
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to send: to which port, in whose name, and which process is between."""

    what: str
    port: int
    sender: str
    milter: int | None  #: process id
    verbose: bool = False  #: the protocol log says everything meanwhile


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root, for namespaces of its own"
    missing = missing_programs(_PROGRAMS)
    return f"not installed: {', '.join(missing)}" if missing else None


@contextmanager
def attached(**parameters: str) -> Iterator[tuple[Lab, Product]]:
    """Yield a laboratory and the product at its Postfix, which has *parameters* and keeps no mail."""
    with Lab() as lab:
        product = Product(lab)
        product.configure(CONFIGURATION)
        lab.contoso.configure(virtual_transport="discard:", in_flow_delay="0", **parameters)
        product.serve()
        try:
            product.attach()
            yield lab, product
        finally:
            product.stop()


def measure(messages: int, rounds: int) -> list[Measurement]:
    """Return messages per second and what they cost, for *rounds* rounds, and the daemon's memory."""
    with ExitStack() as stack:
        lab = stack.enter_context(Lab())
        product = Product(lab)
        product.configure(CONFIGURATION)
        # The queue manager must not hold the senders back, nor delivery compete with them.
        lab.contoso.configure(virtual_transport="discard:", in_flow_delay="0")
        product.serve()
        stack.callback(product.stop)
        product.attach()
        rivals = stack.enter_context(others.started(lab, is_quick=rounds < _ROUNDS_OF_SHORT_FORM))
        lab.contoso.reload()
        idle = resident_memory(product.pid)
        variants = (
            *(Variant(other.what, other.port, _UNLISTED, other.pid) for other in rivals),
            Variant(_PRODUCT, 25, _UNLISTED, product.pid),
            Variant(_LISTED, 25, WOODGROVE, product.pid),
            Variant("product, listed, verbose log", 25, WOODGROVE, product.pid, verbose=True),
        )
        turns = _Turns(product, variants, messages)
        turns.play(rounds)
        loaded = resident_memory(product.pid)
        _check_counters(product, messages * (rounds + 1))
    return [*turns.measurements(), *_memory(idle, loaded)]


def _memory(idle: float, loaded: float) -> list[Measurement]:
    before = Measurement(PART, "memory of serve, attached and idle", "MiB", (idle,), goal=MEMORY_GOAL)
    after = Measurement(PART, "memory of serve, after the load", "MiB", (loaded,), goal=MEMORY_GOAL)
    return [before, after.against(before, called="idle")]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one variant did in one round."""

    rate: float  #: messages per second
    everything: float  #: processor time of Postfix and milter, µs a message
    milter: float  #: processor time of the milter, µs a message


class _Turns:
    """Lets the variants take turns; the first round warms up and is not counted."""

    def __init__(self, product: Product, variants: tuple[Variant, ...], messages: int) -> None:
        self._lab = product.lab
        self._product = product
        self._variants = variants
        self._messages = messages
        self._was_verbose = False
        self._turns: dict[Variant, list[_Turn]] = {variant: [] for variant in variants}

    def play(self, rounds: int) -> None:
        """Play the rounds; each begins with another variant than the one before."""
        order = deque(self._variants)
        for number in range(rounds + 1):
            for variant in order:
                turn = self._turn(variant)
                if number:
                    self._turns[variant].append(turn)
            order.rotate(-1)

    def measurements(self) -> list[Measurement]:
        """Return the rates and what they cost, each beside the C milter's."""
        return [
            *self._compared("", "msg/s", lambda turn: turn.rate, goals=_GOALS),
            *self._beside_opendkim(),
            *self._compared("processor, with Postfix: ", "µs/msg", lambda turn: turn.everything),
            *self._compared("processor, alone: ", "µs/msg", lambda turn: turn.milter),
            *self._verbosity(),
        ]

    def _beside_opendkim(self) -> list[Measurement]:
        """Return the product's rate beside OpenDKIM's."""
        turns = {variant.what: turns for variant, turns in self._turns.items()}
        if OPENDKIM not in turns:
            return []
        rates = {
            what: Measurement(
                PART, f"beside OpenDKIM: {what}", "msg/s", tuple(one.rate for one in turns[what])
            )
            for what in (OPENDKIM, _PRODUCT)
        }
        return [rates[_PRODUCT].against(rates[OPENDKIM], called=OPENDKIM, goal=OPENDKIM_GOAL)]

    def _verbosity(self) -> list[Measurement]:
        """Return what the verbose log leaves of the rate with the normal one."""
        rates = {
            variant.verbose: Measurement(
                PART, f"verbose log: {variant.what}", "msg/s", tuple(turn.rate for turn in turns)
            )
            for variant, turns in self._turns.items()
            if variant.sender == WOODGROVE
        }
        return [rates[True].against(rates[False], called=_LISTED, goal=_VERBOSE_GOAL)]

    def _compared(
        self,
        kind: str,
        unit: str,
        value: Callable[[_Turn], float],
        *,
        goals: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Measurement]:
        every = {
            variant.what: Measurement(PART, kind + variant.what, unit, tuple(map(value, turns)))
            for variant, turns in self._turns.items()
        }
        reference = every.pop(C_MILTER)
        return [
            reference,
            *(
                one.against(reference, called=C_MILTER, goal=goals.get(what, ""))
                for what, one in every.items()
                if any(one.values)
            ),
        ]

    def _turn(self, variant: Variant) -> _Turn:
        self._set_level(verbose=variant.verbose)
        before = self._used(variant)
        seconds = self._send(variant)
        everything, milter = (
            (after - earlier) / self._messages * 1e6
            for after, earlier in zip(self._used(variant), before, strict=True)
        )
        return _Turn(self._messages / seconds, everything, milter)

    def _set_level(self, *, verbose: bool) -> None:
        """Switch the protocol log, as an administrator would, and wait until the daemon knows."""
        at = len(self._product.log())
        if verbose:
            self._product.command("log", "receive", "verbose", "--for", "1h")
            self._product.wait_for_log('log-levels-changed temporary="receive=verbose', after=at)
        elif self._was_verbose:
            self._product.command("log", "receive", "normal")
            self._product.wait_for_log("log-levels-changed temporary=none", after=at)
        self._was_verbose = verbose

    def _used(self, variant: Variant) -> tuple[float, float]:
        """Return the processor seconds used so far by all processes inside, and by the variant's milter."""
        inside = (Path(entry) for entry in self._lab.namespaces.outside("/proc").glob("[0-9]*"))
        milter = _processor_seconds(Path(f"/proc/{variant.milter}")) if variant.milter else 0.0
        return sum(map(_processor_seconds, inside)), milter

    def _send(self, variant: Variant) -> float:
        """Send the messages and return the seconds; what was sent is out of the queue afterwards."""
        load = ("smtp-source", "-s", str(_SESSIONS), "-m", str(self._messages), "-M", variant.sender)
        path = ("-f", f"adele.vance@{variant.sender}", "-t", f"megan.bowen@{CONTOSO}")
        started = time.perf_counter()
        self._lab.namespaces.run(*load, *path, f"inet:{LOOPBACK}:{variant.port}")
        seconds = time.perf_counter() - started
        wait_for(lambda: is_queue_empty(self._lab), "an empty queue", deadline=60)
        return seconds


def is_queue_empty(lab: Lab) -> bool:
    queue = lab.namespaces.outside(lab.contoso.layout.queue)
    return not any(any((queue / name).iterdir()) for name in ("incoming", "active"))


def _processor_seconds(process: Path) -> float:
    """Return what a process and its children that ended have used, user and system (proc(5), ``stat``)."""
    try:
        # The second field, a name in parentheses, may hold blanks.
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # ended while we looked, and counted with its parent from now on
    return sum(map(int, fields[11:15])) / _TICKS


def _check_counters(product: Product, expected: int) -> None:
    """Raise LabError unless the product saw every message of its two variants: else nothing was measured."""
    metrics = product.metrics()
    for verdict, variants in (("none", 1), ("no-tls", 2)):
        seen = metrics.get(f'domain_secure_decisions_total{{method="none",verdict="{verdict}"}}', 0)
        if seen != expected * variants:
            raise LabError(f"the product decided {verdict} {seen:g} times for {expected * variants} messages")
    lost = {name: value for name, value in metrics.items() if "records_lost_total" in name and value}
    if lost:
        raise LabError(f"records were lost, so that their cost was not measured: {lost}")
