"""Which messages wait, by what the log told."""

import json
from datetime import timedelta

import pytest

from domain_secure.policy.terms.domain import Entry
from domain_secure.postfix.deliveries.delivery_tracker import DeliveryTracker
from domain_secure.postfix.deliveries.waiting_messages import WaitingMessages

from unit.postfix.log_lines import NOW, RELAY, Log, tracker

WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("*.fabrikam.test")
HOUR = 3600.0


def after(log: Log) -> DeliveryTracker:
    """Return a tracker that has read a log."""
    made = tracker()
    made.feed(log.lines, NOW)
    return made


@pytest.mark.parametrize(
    "text",
    [
        "host mail.woodgrovebank.test[198.51.100.20] said: 454 4.7.5 no (in reply to MAIL FROM command)",
        "host mail.woodgrovebank.test[198.51.100.20] said: 450 4.2.0 greylisted",
        "Server certificate not verified",
        "connect to mail.woodgrovebank.test[198.51.100.20]:25: Connection refused",
    ],
)
def test_whatever_the_reason_a_deferred_message_waits(text: str) -> None:
    """Each recipient's fate is told; the message waits until it is over for the last one."""
    log = Log()
    for name in "ab":
        log.deferred(text, f"{name}@woodgrovebank.test")
    log.deferred(text, "x@mail.fabrikam.test")
    assert after(log).waiting == {WOODGROVE: 1, FABRIKAM: 1}
    log.tls()
    log.status(to="a@woodgrovebank.test")
    assert after(log).waiting == {WOODGROVE: 1, FABRIKAM: 1}
    log.status(to="b@woodgrovebank.test", status="bounced (host said: 550 5.1.1 no)")
    assert after(log).waiting == {FABRIKAM: 1}


@pytest.mark.parametrize("program", ["error", "retry"])
def test_what_is_not_even_tried_waits(program: str) -> None:
    """The queue manager defers mail to a destination in trouble by itself."""
    log = Log()
    suspended = "delivery temporarily suspended: Server certificate not verified"
    log.status(relay="none", status=f"deferred ({suspended})", program=program)
    log.status(to="x@other.test", relay="none", status=f"deferred ({suspended})", program=program)
    assert after(log).waiting == {WOODGROVE: 1}


@pytest.mark.parametrize(
    ("program", "text"), [("qmgr", "removed"), ("postsuper", "removed"), ("postsuper", "requeued")]
)
def test_what_leaves_the_queue_waits_no_longer(program: str, text: str) -> None:
    """Given up, deleted by hand, or under another queue id; said by these programs alone."""
    log = Log()
    log.deferred("Server certificate not verified")
    log.line(f"10B773D: {text}", program="smtpd")
    assert after(log).waiting == {WOODGROVE: 1}
    log.line(f"10B773D: {text}", program=program)
    assert after(log).waiting == {}


def test_a_bounced_message_does_not_wait() -> None:
    """It has gone back."""
    log = Log()
    log.status(status="bounced (host said: 550 5.7.5 no)")
    assert after(log).waiting == {}


def test_it_goes_through_json() -> None:
    """Over a restart, also from a version that did not keep it."""
    log = Log()
    log.deferred("Server certificate not verified")
    document = json.loads(json.dumps(after(log).document()))
    made = tracker()
    made.resume(document)
    assert made.waiting == {WOODGROVE: 1}
    del document["waiting"]
    made.resume(document)
    assert made.waiting == {}


def test_what_may_have_ended_in_lost_lines_is_forgotten() -> None:
    """If it is not heard of for some hours; what is tried again waits on."""
    made = WaitingMessages()
    for queue_id in ("A", "B"):
        made.take(queue_id, WOODGROVE, "a@x.test", "deferred", 0.0)
    made.doubt(HOUR)
    made.take("B", WOODGROVE, "a@x.test", "deferred", 1.5 * HOUR)
    made.prune(2 * HOUR)
    assert made.counts == {WOODGROVE: 2}
    made.prune(3 * HOUR)
    assert made.counts == {WOODGROVE: 1}
    made.prune(9 * 24 * HOUR)
    assert made.counts == {}


def test_what_was_deleted_without_being_named_is_forgotten() -> None:
    """``postsuper -d ALL`` says how many there were, and not which."""
    log = Log()
    log.deferred("Server certificate not verified")
    log.line("Deleted: 1 message", program="postsuper")
    made = after(log)
    assert made.waiting == {WOODGROVE: 1}
    made.feed([], NOW + timedelta(hours=2))
    assert made.waiting == {}


def test_it_is_bounded() -> None:
    """By the number of messages, the oldest first, and of recipients."""
    made = WaitingMessages()
    for number in range(20_001):
        made.take(f"{number:X}", WOODGROVE, RELAY, "deferred", float(number))
    for number in range(1001):
        made.take("4E20", WOODGROVE, f"{number}@x.test", "deferred", 30_000.0)
    document = made.document()["messages"]
    assert (len(document), "0" in document, len(document["4E20"][1][WOODGROVE])) == (20_000, False, 1000)
