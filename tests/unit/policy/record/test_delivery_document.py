"""Outbound mail in the history: what is kept, what is counted, and what never gets there."""

import json
from dataclasses import replace

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.record.observed import direction_of, entries_of, item_of
from domain_secure.policy.sending.delivery import DeliveryStatus
from domain_secure.policy.terms.direction import Direction

from unit.policy.builders import WOODGROVE
from unit.policy.history_items import FAILED, record
from unit.policy.sending.test_delivery import SENT


def test_a_delivery_is_counted_once_a_message() -> None:
    """A second recipient of the same message is kept and not counted; a deferral never is a success."""
    assert item_of(SENT, LogLevel.NORMAL).is_counted
    assert not item_of(replace(SENT, counted=False), LogLevel.NORMAL).is_counted
    (count,) = item_of(SENT, LogLevel.NORMAL).counts
    assert (count.outcome, count.effect, count.is_success, count.method, count.tls) == (
        "sent",
        "sent",
        True,
        "mutual",
        "TLSv1.3",
    )
    deferred = replace(SENT, status=DeliveryStatus.DEFERRED, tls=None, verified=False)
    assert item_of(deferred, LogLevel.NORMAL).counts[0].is_success is None


def test_a_delivery_that_was_not_verified_is_a_failure() -> None:
    """Mail that left unverified is what the product is there to prevent."""
    assert item_of(replace(SENT, verified=False), LogLevel.NORMAL).counts[0].is_success is False


def test_a_failed_session_says_why() -> None:
    """The reason is the outcome."""
    item = item_of(FAILED, LogLevel.NORMAL)
    assert (item.outcome, item.direction, item.kind) == ("name-mismatch", Direction.SEND, "session-failure")
    assert item.counts[0].is_success is False


def test_lines_of_postfix_are_for_the_verbose_log() -> None:
    """The lines joined under one queue id are kept where the log is verbose, without local parts."""
    item = item_of(FAILED, LogLevel.VERBOSE)
    assert item.document is not None
    assert item.document["lines"] == ["4F2C1A0B: to=<…@woodgrovebank.test>, status=deferred"]
    assert "lines" not in (item_of(FAILED, LogLevel.NORMAL).document or {})
    assert item_of(FAILED, LogLevel.OFF).document is None


def test_no_local_part_is_kept() -> None:
    """Servers quote recipients in their replies; who that was stays with Postfix's own log."""
    told = replace(SENT, reply='550 <bob.smith@woodgrovebank.test> and <"j d"@woodgrovebank.test> unknown')
    text = json.dumps(item_of(told, LogLevel.VERBOSE).document)
    assert "bob" not in text
    assert "j d" not in text
    assert "@woodgrovebank.test" in text


def test_direction_and_partners_of_each() -> None:
    """Observers learn of each record whom it is about and which way it went."""
    assert (direction_of(SENT), entries_of(SENT)) == (Direction.SEND, (WOODGROVE,))
    assert (direction_of(FAILED), entries_of(FAILED)) == (Direction.SEND, (WOODGROVE,))
    assert (direction_of(record()), entries_of(record())) == (Direction.RECEIVE, (WOODGROVE,))
