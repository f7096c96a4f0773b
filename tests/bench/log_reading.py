"""Reading Postfix's log: lines a second from the file to the committed sums, on one core.

Owns: a log as a busy relay writes one, and what a Prometheus exporter for Postfix does with each line, to
compare with.  Must not know: Postfix itself.
The reference restates, with Python's ``re``, how postfix_exporter works, the one that Debian has: one pattern
for each line's head, then, by program, patterns in turn for sizes, delays, TLS and status, each match counted
in a metric with labels.
"""

import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from configurations import make_configuration
from prometheus_client import CollectorRegistry, Counter, Histogram

from domain_secure.policy.sending.delivery_counts import OutboundCounter, OutboundProgress
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.log.delivery_ledger import DeliveryLedger, Reading
from domain_secure.postfix.log.log_follower import LogFollower, Surroundings
from domain_secure.postfix.log.log_location import LogLocation

from .measurement import Measurement
from lab.waiting import wait_for

PART = "log"
GOAL = ">= 300,000 lines/s"
_REFERENCE = "exporter's patterns"

_LISTED = tuple(f"partner-{number}.test" for number in range(100))
_OTHERS = tuple(f"stranger-{number}.test" for number in range(2000))
_CIPHER = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519"
_SERVER = "server-signature RSA-PSS (2048 bits) server-digest SHA256"
_CLIENT = "client-signature ECDSA (prime256v1) client-digest SHA256"


def measure(lines: int, rounds: int) -> list[Measurement]:
    """Return lines a second of logs with *lines* lines, for a few and for many listed recipients."""
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, share in (("one message in ten listed", 0.1), ("every message listed", 1.0)):
            log = folder / f"{share}.log"
            written, messages = write_log(log, lines, share)
            exporter, follower = [], []
            for number in range(rounds):
                exporter.append(written / _processor(lambda: _export(log)))  # noqa: B023 - called at once
                state = folder / f"{share}-{number}"
                follower.append(written / _processor(lambda: _follow(log, state, messages)))  # noqa: B023
            reference = Measurement(PART, f"{_REFERENCE}, {what}", "lines/s", tuple(exporter))
            ours = Measurement(PART, f"follower, {what}", "lines/s", tuple(follower))
            found += [reference, ours.against(reference, called=_REFERENCE, goal=GOAL)]
    return found


def write_log(path: Path, lines: int, share: float) -> tuple[int, int]:
    """Write a log of about so many lines; return how many, and how many messages a listed domain got."""
    dice = random.Random(7)
    clock = datetime.now(UTC) - timedelta(hours=1)
    written = messages = 0
    with path.open("w") as stream:
        while written < lines:
            clock += timedelta(milliseconds=20)
            is_listed = dice.random() < share
            domain = dice.choice(_LISTED if is_listed else _OTHERS)
            messages += is_listed
            block = list(_message(dice, domain, is_listed=is_listed))
            stamp = clock.isoformat(timespec="microseconds")
            stream.writelines(f"{stamp} mx1 {line}\n" for line in block)
            written += len(block)
    return written, messages


def _message(dice: random.Random, domain: str, *, is_listed: bool) -> Iterator[str]:
    queue_id = f"{dice.randrange(16**5):05X}{dice.randrange(16**6):06X}"
    client = f"client-{dice.randrange(500)}.test[192.0.2.{dice.randrange(255)}]"
    smtpd, smtp = f"smtpd[{dice.randrange(100, 150)}]", f"smtp[{dice.randrange(200, 300)}]"
    relay = f"mx.{domain}[198.51.100.{dice.randrange(255)}]:25"
    tag = f"postfix/domain-secure/{smtp}" if is_listed else f"postfix/{smtp}"
    yield f"postfix/{smtpd}: connect from {client}"
    yield f"postfix/{smtpd}: Anonymous TLS connection established from {client}: {_CIPHER} {_SERVER}"
    yield f"postfix/{smtpd}: {queue_id}: client={client}"
    yield f"postfix/cleanup[90]: {queue_id}: message-id=<{dice.randrange(10**18)}@{domain}>"
    size = dice.randrange(99999)
    yield f"postfix/qmgr[77]: {queue_id}: from=<user@contoso.test>, size={size}, nrcpt=1 (queue active)"
    yield f"postfix/{smtpd}: disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1"
    yield (
        f"{tag}: {'Verified' if is_listed else 'Trusted'} TLS connection established to {relay}: "
        f"{_CIPHER} {_SERVER} {_CLIENT}"
    )
    yield (
        f"{tag}: {queue_id}: to=<person{dice.randrange(99)}@{domain}>, relay={relay}, delay=0.41, "
        f"delays=0.05/0.01/0.2/0.15, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {queue_id})"
    )
    yield f"postfix/qmgr[77]: {queue_id}: removed"


def _processor(work: Callable[[], None]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _follow(log: Path, state: Path, messages: int) -> None:
    """Do what the daemon's thread does, from the file to the committed sums."""
    configuration = make_configuration(state, send=DomainList.of(*_LISTED))
    with closing(DeliveryLedger(state)) as ledger:
        # Without a position it would begin at the end.
        ledger.commit(Reading({}, {"file": str(log), "segments": []}, None))
    progress: list[OutboundProgress] = []
    logged: list[Event] = []
    follower = LogFollower(
        Surroundings(
            lambda: configuration,
            lambda _: LogLocation(log, "mail", frozenset({"postfix"}), "bench"),
            lambda: False,
            progress.append,
            (),
            logged.append,
        )
    )
    follower.start()
    wait_for(
        lambda: progress and progress[-1].at_end,
        "the end of the log",
        deadline=600,
        context=lambda: str(logged),
    )
    follower.stop()
    counted = sum(value for key, value in progress[-1].sums.items() if key.counter is OutboundCounter.SENT)
    if counted != messages:
        raise AssertionError(f"counted {counted} of {messages} messages")


_CIPHERS = r"\S+: (\S+) with cipher (\S+) \((\d+)/(\d+) bits\)"


class _Exporter:
    """The metrics and the patterns of the exporter, as far as these lines need them."""

    head = re.compile(
        r" ?(postfix|opendkim)(/([\w-]+))*/(\w+)\[\d+\]: ((?:(warning|error|fatal|panic): )?.*)"
    )
    delays = re.compile(r", relay=(\S+), .*, delays=([0-9.]+)/([0-9.]+)/([0-9.]+)/([0-9.]+), ")
    status = re.compile(r", status=(\w+) ")
    client_tls = re.compile(rf"^(\S+) TLS connection established to {_CIPHERS}")
    server_tls = re.compile(rf"^(\S+) TLS connection established from {_CIPHERS}")
    insert = re.compile(r":.*, size=(\d+), nrcpt=(\d+) ")
    sasl = re.compile(r": client=.*, sasl_method=(\S+)")

    def __init__(self) -> None:
        registry = CollectorRegistry()
        stages = [0.001 * 10**power for power in range(7)]
        labels = ["trust", "protocol", "cipher", "secret_bits", "algorithm_bits"]
        self.delay = Histogram("delays", "x", ["relay", "stage"], buckets=stages, registry=registry)
        self.processed = Counter("processed", "x", ["status"], registry=registry)
        self.client = Counter("client_tls", "x", labels, registry=registry)
        self.server = Counter("server_tls", "x", labels, registry=registry)
        self.events = Counter("events", "x", ["program", "event"], registry=registry)
        self.size = Histogram("size", "x", buckets=stages, registry=registry)
        self.recipients = Histogram("recipients", "x", buckets=stages, registry=registry)

    def take(self, line: str) -> None:
        """Count what a line says."""
        head = self.head.search(line)
        if head is None:
            return
        program, text = head[4], head[5]
        if program == "smtp":
            self._take_smtp(text)
        elif program == "qmgr":
            self._take_qmgr(text)
        elif program == "smtpd":
            self._take_smtpd(text)
        elif program == "cleanup" and ": message-id=<" in text:
            self.events.labels("cleanup", "processed").inc()

    def _take_smtp(self, text: str) -> None:
        if delays := self.delays.search(text):
            for stage, group in (("before", 2), ("queue", 3), ("setup", 4), ("transmission", 5)):
                self.delay.labels("smtp", stage).observe(float(delays[group]))
            if status := self.status.search(text):
                self.processed.labels(status[1]).inc()
        elif tls := self.client_tls.match(text):
            self.client.labels(*tls.groups()).inc()

    def _take_qmgr(self, text: str) -> None:
        if insert := self.insert.search(text):
            self.size.observe(float(insert[1]))
            self.recipients.observe(float(insert[2]))
        elif text.endswith(": removed"):
            self.events.labels("qmgr", "removed").inc()

    def _take_smtpd(self, text: str) -> None:
        if text.startswith("connect from "):
            self.events.labels("smtpd", "connect").inc()
        elif text.startswith("disconnect from "):
            self.events.labels("smtpd", "disconnect").inc()
        elif self.sasl.search(text):
            self.events.labels("smtpd", "sasl").inc()
        elif ": client=" in text:
            self.events.labels("smtpd", "process").inc()
        elif tls := self.server_tls.match(text):
            self.server.labels(*tls.groups()).inc()


def _export(log: Path) -> None:
    exporter = _Exporter()
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            exporter.take(line)
