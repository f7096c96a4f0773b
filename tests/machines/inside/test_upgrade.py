"""A later package is installed while mail flows, thirty messages a second in each direction."""

import itertools
import smtplib
import threading
import time
from collections import Counter
from email.message import Message
from pathlib import Path
from typing import Self
from uuid import uuid4

from mail_hosts import (
    CONFIGURATION,
    EDGE_ADDRESS,
    HOME,
    OURS,
    PARTNER,
    PARTNER_ADDRESS,
    PARTNER_LOG,
    SECONDS,
    STRANGER_ADDRESS,
    UNIT,
    USER,
    Edge,
    Partner,
    run,
    submit,
    wait_for,
)

PACKAGE = "postfix-domain-secure"
CLIENTS = {"partner": 4, "forged": 2, "stranger": 4, "ours": 10}
MESSAGES_A_SECOND = 3  #: of each client
BEFORE, AFTER = 100, 300  #: replies to be awaited


class Stream:
    """Mail at a steady rate until it is stopped; what is deferred is sent again until it is decided."""

    def __init__(self) -> None:
        self.run = uuid4().hex
        self.replies: dict[str, tuple[str, int]] = {}  #: by subject: the kind of message, the last reply
        self.deferred = Counter[str]()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_many, args=(kind, number))
            for kind, clients in CLIENTS.items()
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, when each message that was begun has its reply."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, number: int) -> None:
        """Wait until as many more were decided."""
        there = len(self.replies)
        wait_for(lambda: len(self.replies) >= there + number, "the stream to flow")

    def subjects(self, *kinds: str) -> set[str]:
        """Return the subjects of the messages of these kinds."""
        return {subject for subject, (kind, _) in self.replies.items() if kind in kinds}

    def _send_many(self, kind: str, client: int) -> None:
        began = time.monotonic()
        for number in itertools.count():
            if self._stopped.wait(max(0.0, began + number / MESSAGES_A_SECOND - time.monotonic())):
                return
            subject = f"{kind}-{client}-{number}-{self.run}"
            while 400 <= (code := _send(kind, subject)) < 500:
                self.deferred[kind] += 1
            self.replies[subject] = (kind, code)


def _send(kind: str, subject: str) -> int:
    if kind == "ours":
        return _send_out(subject)
    if kind == "partner":
        # To the partner's own Postfix, which shows its certificate to ours.
        return submit(PARTNER_ADDRESS, PARTNER_ADDRESS, f"admin@{PARTNER}", subject)
    sender = f"admin@{PARTNER}" if kind == "forged" else "user@nowhere.example"
    return submit(EDGE_ADDRESS, STRANGER_ADDRESS, sender, subject)


def _send_out(subject: str) -> int:
    text = f"From: <{USER}@{OURS}>\r\nTo: <admin@{PARTNER}>\r\nSubject: {subject}\r\n\r\nbody\r\n"
    try:
        with smtplib.SMTP("127.0.0.1", 25, timeout=SECONDS) as session:
            session.sendmail(f"{USER}@{OURS}", f"admin@{PARTNER}", text)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    return 250


def test_no_message_is_lost_or_misjudged(edge: Edge, partner: Partner) -> None:
    """Each message is decided rightly and at once, delivered once, and marked where it must be."""
    later = next((HOME / "later").glob("*.deb"))
    process = run("systemctl", "show", "--value", "--property=MainPID", UNIT).stdout
    edited, logged = CONFIGURATION.read_bytes(), PARTNER_LOG.stat().st_size
    began = time.monotonic()
    with Stream() as stream:
        stream.wait_for_more(BEFORE)
        run("apt-get", "install", "-q", "-y", later)
        stream.wait_for_more(AFTER)
        rate = len(stream.replies) / (time.monotonic() - began)
    print(f"{len(stream.replies)} messages, {rate:.0f} a second, deferred: {dict(stream.deferred)}")
    assert run("systemctl", "show", "--value", "--property=MainPID", UNIT).stdout != process
    version = run("dpkg-deb", "--field", later, "Version").stdout.strip()
    assert run("dpkg-query", "--show", "--showformat=${Version}", PACKAGE).stdout == version
    assert CONFIGURATION.read_bytes() == edited

    expected = {kind: 550 if kind == "forged" else 250 for kind in CLIENTS}
    assert {subject: code for subject, (kind, code) in stream.replies.items() if code != expected[kind]} == {}
    assert stream.deferred == Counter()
    assert "status=deferred" not in _since(PARTNER_LOG, logged)
    wait_for(lambda: stream.subjects("partner", "stranger") <= set(edge.inbox()), "all mail to us")
    received = {subject: message for subject, message in edge.inbox().items() if stream.run in subject}
    assert set(received) == stream.subjects("partner", "stranger")
    assert {subject for subject, message in received.items() if _is_marked(message)} == stream.subjects(
        "partner"
    )
    wait_for(lambda: stream.subjects("ours") <= set(partner.inbox()), "all mail of ours")
    copies = Counter(edge.subjects() + partner.subjects())
    assert {subject for subject, number in copies.items() if number > 1 and stream.run in subject} == set()
    sent = [str(message["Received"]) for subject, message in partner.inbox().items() if stream.run in subject]
    assert all(f'Client CN "mail.{OURS}"' in " ".join(received.split()) for received in sent)


def test_check_finds_no_error() -> None:
    """The daemon of the later package and what is attached fit."""
    run("domain-secure", "check")


def _since(path: Path, position: int) -> str:
    with path.open("rb") as stream:
        stream.seek(position)
        return stream.read().decode()


def _is_marked(message: Message) -> bool:
    return str(message["X-Domain-Secure"] or "").startswith(f"pass ({PARTNER};")
