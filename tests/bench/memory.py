"""What the daemon holds in memory: idle, after every kind of load, with its page in use, and in the long run.

Owns: the kinds of load, and when memory is looked at.
Resident memory counts pages that others share too; what is the daemon's alone is told beside it.
Sources: proc(5) for VmRSS, VmHWM, clear_refs and smaps_rollup.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory

from domain_secure.policy.history.history_file import FILE_NAME as HISTORY

from .start_up import PAUSE, compile_all, resident_memory
from lab import laboratory
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, LOOPBACK, WOODGROVE, Lab
from lab.made_up_history import Story, names, write_history
from lab.messages import compose
from lab.namespaces import LabError, missing_programs
from lab.product import STATE, USER, Product
from lab.waiting import wait_for
from promises import Promise

PART = "memory"
SOAK = 20_000  #: messages of the ordinary long run; the overnight one sends a million
QUICK_SOAK = 400

_IDLE, _LOADED, _WITH_PAGE = 50.0, 60.0, 70.0  #: MiB
#: What is known to be held instead; more than this is a new break.
_KNOWN = {_IDLE: 53.0, _LOADED: 66.0, _WITH_PAGE: 74.0}
_NEEDED = (
    "{:.1f} MiB less. Of what is held when idle some 8 are pages of files in use, and 35 objects of Python: "
    "code 13, data classes 3, what certificates' libraries make 6; after a load up to 6 more are pages that "
    "were in use when memory was last given back. It takes fewer modules, or paths of certificates in a "
    "process of their own that ends."
)
_FLAT = 1.0  #: MiB of growth in the second half of the long run
_SAMPLES = 40
_SESSIONS = 8
_RECIPIENT = f"megan.bowen@{CONTOSO}"
_STORY = Story(partners=40, attacked=True, refused=True, troubled=True)
_OCTETS = 10 * 1024 * 1024
_HEADER = f"From: someone@{EVIL}\r\nTo: {_RECIPIENT}\r\nSubject: x\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """How much of each kind; the short form shows that it works."""

    sessions: int = 1000
    large: int = 24
    domains: int = 4000
    certificates: int = 300
    scrapes: int = 300
    reloads: int = 20
    pages: int = 60
    pause: float = PAUSE


_SHORT = Load(sessions=50, large=2, domains=50, certificates=5, scrapes=5, reloads=2, pages=3, pause=1.0)


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root, for namespaces of its own"
    missing = missing_programs((*laboratory.PROGRAMS, "smtp-source"))
    return f"not installed: {', '.join(missing)}" if missing else None


def measure(messages: int, *, quick: bool = False) -> list[Promise]:
    """Return what is promised of memory and what was seen, with so many *messages* in the long run."""
    compile_all()
    load = _SHORT if quick else Load()
    with _served() as product:
        time.sleep(load.pause)
        promises = [_promise("idle, 90 days of history", _IDLE, product)]
        for what, apply in _KINDS:
            _forget_peak(product)
            apply(product, load)
            _rest(product, load)
            promises.append(_promise(f"after {what}", _LOADED, product, with_peak=True))
        promises.append(_soak(product, messages))
        _check_counters(product, 2 * load.sessions + load.certificates // 2 + messages // 2)
        promises.append(_promise(f"after {messages:,} messages more", _LOADED, product))
        _forget_peak(product)
        _pages(product, load)
        _rest(product, load)
        promises.append(_promise("with its page in use", _WITH_PAGE, product, with_peak=True))
    return promises


@contextmanager
def _served() -> Iterator[Product]:
    listed = ", ".join(f'"{name}"' for name in (WOODGROVE, f"*.{WOODGROVE}", *names(_STORY)))
    with Lab() as lab, ExitStack() as stack:
        product = Product(lab)
        product.configure(f'[receive]\ndomains = [{listed}]\n[send]\ndomains = ["{WOODGROVE}"]\n')
        with TemporaryDirectory() as folder:
            write_history(Path(folder), _STORY, datetime.now(UTC))
            lab.namespaces.run("cp", Path(folder) / HISTORY, STATE)
        lab.namespaces.run("chown", "-R", f"{USER}:{USER}", STATE)
        lab.contoso.configure(
            virtual_transport="discard:",
            in_flow_delay="0",
            message_size_limit="0",
            mailbox_size_limit="0",
            virtual_mailbox_limit="0",
        )
        product.serve()
        stack.callback(product.stop)
        product.attach()
        yield product


def _promise(what: str, goal: float, product: Product, *, with_peak: bool = False) -> Promise:
    held = resident_memory(product.pid)
    own = _own_memory(product.pid)
    peak = f", {_peak(product.pid):.1f} at the most meanwhile" if with_peak else ""
    return Promise(
        PART,
        what,
        f"<= {goal:.0f} MiB",
        f"{held:.1f} MiB (its own: {own:.1f}){peak}",
        held <= goal,
        _NEEDED.format(held - goal) if held > goal else "",
        known=held <= _KNOWN[goal],
    )


def _soak(product: Product, messages: int) -> Promise:
    """Send, look again and again, and return whether memory grew in the second half."""
    seen: list[tuple[float, float]] = []
    batch = max(1, messages // _SAMPLES)
    for number in range(_SAMPLES):
        sender = EVIL if number % 2 else WOODGROVE
        _send(product, sender, batch)
        seen.append(((number + 1) * batch, resident_memory(product.pid)))
    sent, held = zip(*seen[_SAMPLES // 2 :], strict=True)
    growth = linear_regression(sent, held).slope * (sent[-1] - sent[0])
    return Promise(
        PART,
        f"growth in the second half of {messages:,} messages",
        f"<= {_FLAT:g} MiB",
        f"{growth:+.2f} MiB, from {held[0]:.1f} to {held[-1]:.1f}",
        growth <= _FLAT,
        "" if growth <= _FLAT else "what grows is to be found",
    )


def _sessions(product: Product, load: Load) -> None:
    """Open as many as Postfix takes at a time, again and again."""
    _send(product, EVIL, load.sessions, sessions=100)
    _send(product, WOODGROVE, load.sessions, sessions=100)


def _large(product: Product, load: Load) -> None:
    """Send messages of ten megabytes: half of them one author field of that size, half of them text."""
    author = f"someone@{EVIL}"
    field = ",\r\n ".join(f"a@d{one:07d}.{WOODGROVE}" for one in range(_OCTETS // 38))
    contents = (f"From: {field}\r\nTo: {_RECIPIENT}\r\n\r\nx\r\n".encode(), _text())

    def send(number: int) -> None:
        # Postfix may well refuse such a header; what it costs us until then is what is looked at.
        with product.lab.connect(product.lab.contoso, ADDRESSES[EVIL]) as dialogue:
            dialogue.message(author, _RECIPIENT, contents[number % 2])

    with ThreadPoolExecutor(_SESSIONS) as together:
        list(together.map(_though_hung_up_on(send), range(load.large)))


def _text() -> bytes:
    return f"{_HEADER}\r\n".encode() + b"0123456789" * 7 * (_OCTETS // 72) + b"\r\n"


def _domains(product: Product, load: Load) -> None:
    """Write in the name of thousands of domains, every second of them listed by a wildcard."""
    lab = product.lab

    def send(number: int) -> None:
        author = f"someone@d{number}.{WOODGROVE if number % 2 else 'stranger.test'}"
        message = compose(author, _RECIPIENT)
        lab.send(lab.contoso, message, source=ADDRESSES[EVIL], sender=author, recipient=_RECIPIENT)

    with ThreadPoolExecutor(_SESSIONS) as together:
        list(together.map(_though_hung_up_on(send), range(load.domains)))


def _though_hung_up_on(send: Callable[[int], None]) -> Callable[[int], None]:
    """Return the same for a Postfix under stress, which hangs up on who was refused once."""

    def sent(number: int) -> None:
        with suppress(OSError, EOFError):
            send(number)

    return sent


def _certificates(product: Product, load: Load) -> None:
    """Show as many certificates over TLS: the partner's renewed again and again, and strangers'."""
    lab = product.lab

    def show(number: int) -> None:
        name = WOODGROVE if number % 2 else f"stranger{number}.test"
        issued = lab.authority.issue(name, dns_names=(name, f"mail.{name}"))
        author = f"someone@{WOODGROVE}"
        lab.send(
            lab.contoso,
            compose(author, _RECIPIENT),
            source=ADDRESSES[WOODGROVE if number % 2 else EVIL],
            sender=author,
            recipient=_RECIPIENT,
            tls=lab.client_context(issued),
        )

    with ThreadPoolExecutor(_SESSIONS) as together:
        list(together.map(_though_hung_up_on(show), range(load.certificates)))


def _scrapes(product: Product, load: Load) -> None:
    for _ in range(load.scrapes):
        product.exposition()
        product.health()


def _reloads(product: Product, load: Load) -> None:
    """Put another list in force, again and again."""
    former = product.text()
    for number in range(load.reloads):
        product.write(former.replace("domains = [", f'domains = ["reload{number}.test", ', 1))
        product.settle()
    product.write(former)
    product.settle()


def _pages(product: Product, load: Load) -> None:
    """Look at the page, as several people do who leave it open."""
    with ThreadPoolExecutor(4) as together:
        list(together.map(lambda _: product.page(), range(load.pages)))


_KINDS: tuple[tuple[str, Callable[[Product, Load], None]], ...] = (
    ("many sessions at once", _sessions),
    ("ten-megabyte messages", _large),
    ("thousands of sender domains", _domains),
    ("hundreds of certificates", _certificates),
    ("scrapes", _scrapes),
    ("reloads", _reloads),
)


def _send(product: Product, sender: str, messages: int, *, sessions: int = _SESSIONS) -> None:
    """Send over loopback with smtp-source(1); returns when the queue is empty."""
    lab = product.lab
    source = ("smtp-source", "-s", str(min(sessions, messages)), "-m", str(messages), "-M", sender)
    # What is refused is decided too, so that no reply ends the load.
    path = ("-A", "-f", f"adele.vance@{sender}", "-t", _RECIPIENT, f"inet:{LOOPBACK}:25")
    lab.namespaces.run(*source, *path, check=False)
    queue = lab.namespaces.outside(lab.contoso.layout.queue)
    wait_for(
        lambda: not any(any((queue / name).iterdir()) for name in ("incoming", "active")),
        "an empty queue",
        deadline=60,
    )


def _check_counters(product: Product, expected: int) -> None:
    """Raise LabError unless the product decided at least so often: else nothing was measured."""
    name = "domain_secure_decisions_total{"
    seen = sum(value for key, value in product.metrics().items() if key.startswith(name))
    if seen < expected:
        raise LabError(f"the product decided {seen:g} times and not {expected}")


def _rest(product: Product, load: Load) -> None:
    """Wait until no session is open, and then as long as a daemon may take to give memory back."""
    wait_for(lambda: product.health()["sessions"]["open"] < 10, "the sessions to end", deadline=60)
    time.sleep(load.pause)


def _own_memory(pid: int) -> float:
    """Return the MiB that are no other process's too."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def _peak(pid: int) -> float:
    """Return the MiB that a process held at the most since the last question was begun."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def _forget_peak(product: Product) -> None:
    Path(f"/proc/{product.pid}/clear_refs").write_text("5")
