"""``send add`` and the like say *in force* only when no message goes the former way any more."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from lab.laboratory import ADDRESSES, AUTHORITY_FILE, CONTOSO, EVIL, FABRIKAM, LOOPBACK, WOODGROVE, Lab
from lab.messages import compose
from lab.product import COMMAND, CONFIGURATION, STATE, Product
from lab.relay import Relay
from lab.waiting import DEADLINE, wait_for

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


def test_a_delivery_under_way_is_waited_for(own_product: Product, relayed: Relay) -> None:
    """While the relay takes its time over a message, nobody says that none goes there any more."""
    lab = own_product.lab
    relayed.goes_on.clear()
    message = compose(f"user@{CONTOSO}", f"slow@{EVIL}")
    lab.submit(lab.contoso, message, sender=f"user@{CONTOSO}", recipient=f"slow@{EVIL}")
    assert relayed.is_holding.wait(DEADLINE)
    told, manager = lab.namespaces.outside("/run/lab/told"), lab.contoso.queue_manager
    command = lab.namespaces.start(COMMAND, "--config", CONFIGURATION, "send", "add", EVIL, output=told)
    wait_for(lambda: lab.contoso.queue_manager not in {None, manager}, "Postfix to be reloaded")
    assert command.is_running
    relayed.goes_on.set()
    assert command.wait(DEADLINE) == 0
    assert told.read_text().rstrip().endswith("in force: Postfix was reloaded and goes by it")
    assert len(to_evil(relayed)) == 1


def test_what_only_postfix_knows_is_told(own_product: Product) -> None:
    """A list edited by hand is in the tables soon, and in force once root has let Postfix forget."""
    lab = own_product.lab
    one = lab.contoso.queue_manager
    own_product.change("send", "add", EVIL, "--no-wait")
    own_product.wait_for_log(" not-in-force ")
    assert lab.contoso.queue_manager == one
    status = own_product.command("status").stdout
    assert f"NOT YET IN FORCE: qmgr[{one}] has run since before" in status
    found = json.loads(own_product.command("check", "--json", check=False).stdout)["findings"]
    assert "not-in-force" in [finding["word"] for finding in found]
    assert lab.namespaces.outside(STATE / "reload-wanted").exists()
    assert "was reloaded" in own_product.command("generate").stdout
    assert lab.contoso.queue_manager != one
    assert not lab.namespaces.outside(STATE / "reload-wanted").exists()
    assert "NOT YET" not in own_product.command("status").stdout
    assert "reloaded" not in own_product.command("generate").stdout


def test_nothing_is_reloaded_without_need(own_product: Product) -> None:
    """A rule about receiving, an entry that is there already, and a TLS policy alone need none."""
    manager = own_product.lab.contoso.queue_manager
    for change in (
        ("partner", "set", WOODGROVE, "mode=observe"),
        ("send", "add", WOODGROVE),
        ("partner", "set", WOODGROVE, "minimum_tls=TLSv1.3"),
    ):
        done = own_product.command(*change)
        assert own_product.lab.contoso.queue_manager == manager, change
    assert done.stdout.rstrip().endswith("in force")


def test_what_is_demanded_holds_for_the_next_message(own_product: Product) -> None:
    """``receive`` and ``partner`` return once the daemon decides by the change."""
    lab, sender, recipient = own_product.lab, f"user@{EVIL}", f"bob@{CONTOSO}"
    for change, code in (
        (("receive", "add", EVIL), 530),
        (("partner", "set", EVIL, "mode=observe"), 250),
        (("partner", "reset", EVIL, "mode"), 530),
        (("partner", "remove", EVIL), 250),
        (("receive", "set", WOODGROVE, EVIL), 530),
        (("receive", "remove", EVIL), 250),
    ):
        assert own_product.command(*change).stdout.rstrip().endswith("in force"), change
        reply = lab.send(
            lab.contoso,
            compose(sender, recipient),
            source=ADDRESSES[EVIL],
            sender=sender,
            recipient=recipient,
        )
        assert reply.code == code, change


def test_nobody_asks_the_daemon_before_attach(own_product: Product) -> None:
    """What is written then has no effect on mail, and that is said; nor has it without a daemon."""
    own_product.detach()
    done = own_product.command("receive", "add", EVIL)
    assert "no effect on mail that comes in yet: Postfix is not attached" in done.stderr
    own_product.stop()
    done = own_product.command("receive", "remove", EVIL)
    assert "no effect on mail that comes in yet: the daemon does not run" in done.stderr


def test_without_a_daemon_the_command_does_it(own_product: Product) -> None:
    """Sending needs no daemon: tables are written, Postfix is reloaded and asked."""
    own_product.stop()
    names = [EVIL, "a.test", "b.test", "c.test"]
    with ThreadPoolExecutor() as together:
        done = list(together.map(lambda name: own_product.command("send", "add", name, check=False), names))
    table = own_product.lab.namespaces.outside(STATE / "maps/transport").read_text()
    # Whoever was overtaken has put nothing back.
    assert [one.returncode for one in done] == [0, 0, 0, 0], done
    assert all(f"{name}\t" in table for name in names)


def test_what_postfix_answers_otherwise_is_not_in_force(own_product: Product) -> None:
    """A route of the administrator's own that wins is named, with status 1."""
    lab = own_product.lab
    lab.contoso.configure(virtual_mailbox_domains=f"{CONTOSO}, {EVIL}", transport_maps="")
    lab.contoso.reload()
    done = own_product.command("send", "add", EVIL, check=False)
    assert done.returncode == 1
    assert "not yet in force, because mail for evil.test" in done.stderr


def test_a_daemon_that_refuses_the_file_is_no_success(own_product: Product) -> None:
    """What the daemon cannot read is not in force, whatever is written."""
    authority = own_product.lab.namespaces.outside(STATE / "authority.pem")
    authority.write_text("")
    authority.chmod(0o600)
    text = own_product.text().replace(str(AUTHORITY_FILE), str(STATE / "authority.pem"))
    own_product.write(text)
    own_product.wait_for_log("configuration-rejected")
    done = own_product.command("send", "add", EVIL, check=False)
    assert done.returncode == 1
    assert "not yet in force, because the daemon keeps the last good configuration" in done.stderr
