"""``send add`` and the like say *in force* only when no message goes the former way any more."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, LOOPBACK, WOODGROVE, Lab
from lab.product import Product
from lab.relay import Relay
from lab.waiting import wait_for

pytestmark = pytest.mark.real

RATE = 50  #: messages a second
ONE = (f"one@{EVIL}",)
BOTH = (f"both@{EVIL}", f"both@{WOODGROVE}")


@dataclass
class Stream:
    """Mail that goes on and on, to the same recipient, to ever new ones, and to two domains at once."""

    lab: Lab
    submitted: dict[str, float] = field(default_factory=dict)  #: when each was begun, by Message-ID
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Submit until told to stop."""
        number, due = 0, time.monotonic()
        with self.lab.connect(self.lab.contoso, LOOPBACK) as dialogue:
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due += 1 / RATE
                number += 1
                name = f"{number}@{CONTOSO}"
                content = f"From: user@{CONTOSO}\r\nMessage-ID: <{name}>\r\n\r\ntext\r\n".encode()
                self.submitted[name] = time.monotonic()
                recipients = (ONE, (f"user{number}@{EVIL}",), ONE, BOTH)[number % 4]
                dialogue.command(f"MAIL FROM:<user@{CONTOSO}>")
                for recipient in recipients:
                    dialogue.command(f"RCPT TO:<{recipient}>")
                assert dialogue.data(content).code == 250

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Let it flow in a thread of its own."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def since(self, moment: float) -> set[str]:
        """Return what was submitted after a moment."""
        return {name for name, begun in self.submitted.items() if begun > moment}

    def wait_for_more(self, number: int) -> None:
        """Wait until so many more are submitted."""
        goal = len(self.submitted) + number
        wait_for(lambda: len(self.submitted) >= goal, f"{number} more messages")


@pytest.fixture
def relayed(own_product: Product) -> Iterator[Relay]:
    """Let Contoso send by a relay what is not listed."""
    lab = own_product.lab
    with Relay(lab.namespaces, ADDRESSES[FABRIKAM]) as relay:
        lab.contoso.configure(relayhost=f"[{ADDRESSES[FABRIKAM]}]")
        lab.contoso.reload()
        yield relay


def to_evil(relay: Relay) -> dict[str, float]:
    """Return what went to Evil by the relay, and when, by Message-ID."""
    return {
        one.message_id: one.at
        for one in tuple(relay.relayed)
        if any(recipient.endswith(f"@{EVIL}") for recipient in one.recipients)
    }


def test_no_message_goes_by_the_relay_after_send_add(own_product: Product, relayed: Relay) -> None:
    """Neither one that is submitted then, nor one that was on its way; and after send remove all do again."""
    stream = Stream(own_product.lab)
    with stream.flowing():
        wait_for(lambda: len(to_evil(relayed)) > RATE, "mail to go by the relay")
        done = own_product.command("send", "add", EVIL)
        added = time.monotonic()
        assert "in force" in done.stdout
        stream.wait_for_more(4 * RATE)
        late = {name: at - added for name, at in to_evil(relayed).items() if at > added}
        assert late == {}
        assert not stream.since(added) & to_evil(relayed).keys()
        done = own_product.command("send", "remove", EVIL)
        removed = time.monotonic()
        assert "in force" in done.stdout
        stream.wait_for_more(2 * RATE)
    after = stream.since(removed)
    assert len(after) >= RATE
    wait_for(lambda: after <= to_evil(relayed).keys(), "all mail after that to go by the relay again")
