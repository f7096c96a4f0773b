"""How much longer a message takes with the product, for a client that sends one after another.

Owns: an SMTP client without TLS that tells the time of each message from connect to the reply to its end, the
ports it visits in turn, and the quantiles.  What is added is the difference of two quantiles of one run.
"""

import socket
import time
from collections import defaultdict
from statistics import quantiles

from . import mail_flow
from .measurement import Measurement
from lab.laboratory import CONTOSO, LOOPBACK, WOODGROVE
from lab.namespaces import LabError

PART = "latency"
GOALS = {50: "<= 1 ms", 99: "<= 5 ms"}

_PLAIN_PORT = 2601
_VARIANTS = (
    ("no milter", _PLAIN_PORT, "stranger.example.test"),
    ("product, unlisted", 25, "stranger.example.test"),
    ("product, listed and marked", 25, WOODGROVE),
)


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    return mail_flow.why_not()


def measure(messages: int) -> list[Measurement]:
    """Return what is added to the median and to the 99th of a hundred, in ms."""
    with mail_flow.attached() as (lab, _):
        service = f"{_PLAIN_PORT} inet n - y - - smtpd -o smtpd_milters= -o smtpd_data_restrictions="
        lab.namespaces.run(
            "postconf", "-c", lab.contoso.layout.configuration, "-M", f"{_PLAIN_PORT}/inet={service}"
        )
        lab.contoso.reload()
        taken = defaultdict[str, list[float]](list)
        with lab.namespaces.network():
            for number in range(messages + messages // 10 + 1):
                for what, port, sender in _VARIANTS:
                    seconds = _send(port, sender)
                    if number > messages // 10:
                        taken[what].append(seconds * 1000)
    return _added(taken)


def _added(taken: dict[str, list[float]]) -> list[Measurement]:
    (plain, *_), *others = _VARIANTS
    percentiles = {what: quantiles(each, n=100) for what, each in taken.items()}
    found = [Measurement(PART, f"{plain}, p{at}", "ms", (percentiles[plain][at - 1],)) for at in GOALS]
    for what, *_ in others:
        for at, goal in GOALS.items():
            added = percentiles[what][at - 1] - percentiles[plain][at - 1]
            found.append(Measurement(PART, f"{what}, added to p{at}", "ms", (added,), goal=goal))
    return found


def _send(port: int, sender: str) -> float:
    """Send one message, and return the seconds from connect to the reply to its end."""
    started = time.perf_counter()
    with socket.create_connection((LOOPBACK, port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection.makefile("rb") as replies:
            _expect(replies.readline(), b"220")
            for line, code in (
                (f"HELO {sender}", b"250"),
                (f"MAIL FROM:<adele.vance@{sender}>", b"250"),
                (f"RCPT TO:<megan.bowen@{CONTOSO}>", b"250"),
                ("DATA", b"354"),
                (f"From: <adele.vance@{sender}>\r\nSubject: x\r\n\r\nx\r\n.", b"250"),
            ):
                connection.sendall(f"{line}\r\n".encode())
                _expect(replies.readline(), code)
            seconds = time.perf_counter() - started
            connection.sendall(b"QUIT\r\n")
            replies.readline()
    return seconds


def _expect(reply: bytes, code: bytes) -> None:
    if not reply.startswith(code):
        raise LabError(f"expected {code!r}, and the reply was {reply!r}")
