"""The daemon killed, reloaded and restarted by the service manager while mail comes in."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest

from mail_hosts import (
    EDGE_ADDRESS,
    PARTNER,
    STRANGER_ADDRESS,
    UNIT,
    Edge,
    Partner,
    journal,
    run,
    state,
    submit,
    wait_for,
)

#: With it systemd holds the sockets, and nobody notices that the daemon is away.
SOCKET = Path("/usr/lib/systemd/system/domain-secure.socket")
KINDS = {"stranger": ("user@nowhere.example", 250), "forged": (f"admin@{PARTNER}", 550)}
CLIENTS = 2  #: of each kind
BEFORE, AFTER = 10, 20  #: replies to be awaited


class Stream:
    """Mail of strangers, one message after the other, until it is stopped."""

    def __init__(self) -> None:
        self.replies: list[tuple[str, str, int]] = []  #: kind, subject, reply
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(kind,)) for kind in list(KINDS) * CLIENTS]

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

    def decided(self) -> int:
        """Return how many messages were decided for good."""
        return sum(code // 100 != 4 for _, _, code in list(self.replies))

    def wait_for_more(self, number: int) -> None:
        """Wait until as many more were decided."""
        before = self.decided()
        wait_for(lambda: self.decided() >= before + number, "the stream to flow")

    def _run(self, kind: str) -> None:
        while not self._stopped.wait(0.05):
            subject = str(uuid4())
            code = submit(EDGE_ADDRESS, STRANGER_ADDRESS, KINDS[kind][0], subject)
            self.replies.append((kind, subject, code))


def _restart() -> None:
    run("systemctl", "restart", UNIT)


def _kill() -> None:
    pid = _main_process()
    run("systemctl", "kill", "--signal=KILL", UNIT)
    wait_for(lambda: state(UNIT) == "active" and _main_process() not in {pid, "0"}, "systemd to restart it")


def _reload() -> None:
    pid, reloads = _main_process(), journal(UNIT).count("configuration-")
    run("systemctl", "reload", UNIT)
    wait_for(lambda: journal(UNIT).count("configuration-") > reloads, "the configuration to be read")
    assert _main_process() == pid


@pytest.mark.parametrize("what", [_reload, _restart, _kill], ids=["reload", "restart", "kill"])
def test_no_message_is_misjudged_or_lost(what: Callable[[], None], edge: Edge, partner: Partner) -> None:
    """Each reply is the right one or says that it should be tried again.

    Where systemd listens, that is said of nothing but what a killed process had just in hand.
    """
    began = time.monotonic()
    with Stream() as stream:
        stream.wait_for_more(BEFORE)
        what()
        stream.wait_for_more(AFTER)
    deferred = Counter(kind for kind, _, code in stream.replies if code // 100 == 4)
    print(f"{len(stream.replies)} messages in {time.monotonic() - began:.0f} s, deferred: {dict(deferred)}")
    wrong = [(kind, code) for kind, _, code in stream.replies if code // 100 != 4 and code != KINDS[kind][1]]
    assert wrong == []
    if SOCKET.exists() or what is _reload:
        in_hand = CLIENTS * len(KINDS) if what is _kill else 0
        assert sum(deferred.values()) <= in_hand
    for subject in {subject for _, subject, code in stream.replies if code == 250}:
        edge.wait_for(subject)
    refused = {subject for kind, subject, _ in stream.replies if kind == "forged"}
    assert refused & set(edge.inbox()) == set()
    mark = str(uuid4())
    partner.send(mark)
    assert edge.wait_for(mark)["X-Domain-Secure"].startswith("pass ")


def _main_process() -> str:
    return run("systemctl", "show", "--value", "--property=MainPID", UNIT).stdout.strip()
