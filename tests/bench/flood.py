"""Other mail while senders of one enormous From field each are at work: seconds a message, and memory.

The senders go on for as long as other mail is sent, on the machine that also receives it.

Owns: the flood, and the ordinary messages before and during it.
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles

from .measurement import Measurement
from .start_up import resident_memory
from lab import laboratory
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, Lab
from lab.messages import compose
from lab.namespaces import missing_programs
from lab.product import Product

PART = "flood"
GOAL = "<= 2"

_SENDERS = 12
_OCTETS = 10 * 1024 * 1024
_AUTHOR, _RECIPIENT = f"someone@{EVIL}", f"user@{CONTOSO}"
_CONFIGURATION = '[receive]\ndomains = ["*.woodgrovebank.test"]\n'


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root, for namespaces of its own"
    missing = missing_programs(laboratory.PROGRAMS)
    return f"not installed: {', '.join(missing)}" if missing else None


def measure(messages: int) -> list[Measurement]:
    """Return the 95th percentile of seconds for *messages* ordinary ones, and MiB of the daemon.

    Ten megabytes cost Postfix and the machine something too, so that the same flood past the product is the
    reference.
    """
    with Lab() as lab:
        product = Product(lab)
        product.configure(_CONFIGURATION)
        lab.contoso.configure(message_size_limit="0", mailbox_size_limit="0", virtual_mailbox_limit="0")
        lab.contoso.reload()
        content = _flood()
        alone = _beside_the_flood(lab, content, messages)
        product.attach()
        product.serve()
        quiet = _p95([_seconds(lab) for _ in range(messages)])
        before = resident_memory(product.pid)
        beside = _beside_the_flood(lab, content, messages)
        during = resident_memory(product.pid)
        product.stop()
    what = f"95th percentile beside {_SENDERS} senders"
    without = Measurement(PART, f"{what}, no milter", "s", (alone,))
    attached = Measurement(PART, f"{what}, product", "s", (beside,))
    idle = Measurement(PART, "memory of serve, before", "MiB", (before,))
    loaded = Measurement(PART, "memory of serve, afterwards", "MiB", (during,))
    return [
        Measurement(PART, "95th percentile without them, product", "s", (quiet,)),
        without,
        attached.against(without, called="no milter", goal=GOAL),
        idle,
        loaded.against(idle, called="before"),
    ]


def _beside_the_flood(lab: Lab, content: bytes, messages: int) -> float:
    over = threading.Event()
    with ThreadPoolExecutor(_SENDERS) as senders:
        for _ in range(_SENDERS):
            senders.submit(_send_again, lab, content, over)
        try:
            return _p95([_seconds(lab) for _ in range(messages)])
        finally:
            over.set()


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def _flood() -> bytes:
    """Return a message with one From field of distinct subdomains, folded as the RFC wants it."""
    address = "a@d{:07d}.woodgrovebank.test"
    number = _OCTETS // (len(address.format(0)) + 4)
    field = ",\r\n ".join(address.format(one) for one in range(number))
    return f"From: {field}\r\nTo: {_RECIPIENT}\r\nSubject: x\r\n\r\nx\r\n".encode()


def _seconds(lab: Lab) -> float:
    began = time.monotonic()
    reply = lab.send(
        lab.contoso,
        compose(_AUTHOR, _RECIPIENT),
        source=ADDRESSES[FABRIKAM],
        sender=_AUTHOR,
        recipient=_RECIPIENT,
    )
    if reply.code != 250:
        raise RuntimeError(f"an ordinary message was answered {reply}")
    return time.monotonic() - began


def _send_again(lab: Lab, content: bytes, over: threading.Event) -> None:
    while not over.is_set():
        try:
            with lab.connect(lab.contoso, ADDRESSES[EVIL]) as dialogue:
                dialogue.message(_AUTHOR, _RECIPIENT, content)
        except (OSError, EOFError):
            continue
