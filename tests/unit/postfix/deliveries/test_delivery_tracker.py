"""What is made of the lines of Postfix's log, in every order in which they may come."""

import json

import pytest
from configurations import make_partner
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.sending.delivery import (
    Delivery,
    DeliveryEvent,
    DeliveryStatus,
    FailureReason,
    SessionFailure,
    TlsTrust,
)
from domain_secure.policy.sending.delivery_counts import OutboundCounter, added
from domain_secure.policy.sending.promised_route import Promise
from domain_secure.policy.terms.domain import Entry
from domain_secure.postfix.deliveries.delivery_tracker import DeliveryTracker

from unit.postfix.log_lines import CIPHER, NOW, RELAY, SECOND, Log, listed, tracker

WOODGROVE = "woodgrovebank.test"
NOT_VERIFIED = "Server certificate not verified"
MISMATCH = f"server certificate verification failed for {RELAY}: num=62:hostname mismatch"
CERTIFICATE = f"certificate verification failed for {RELAY}"
LIBRARY = "warning: TLS library problem: error"
NO_HANDSHAKE = "Cannot start TLS: handshake failure"
NO_STARTTLS = "TLS is required, but was not offered by host mail.woodgrovebank.test[198.51.100.20]"
LOST = "lost connection with mail.woodgrovebank.test[198.51.100.20] while performing the EHLO handshake"


def events_of(log: Log) -> list[DeliveryEvent]:
    """Feed a whole log."""
    return tracker().feed(log.lines, NOW)


def sums_of(log: Log) -> dict[str, int]:
    """Return what a log adds up to: ``counter``, or ``counter reason``; all for one entry."""
    sums = added({}, events_of(log))
    return {f"{key.counter} {key.reason}".strip(): value for key, value in sums.items()}


def failures_of(log: Log) -> list[SessionFailure]:
    """Return the failed sessions that a log tells of."""
    return [event for event in events_of(log) if isinstance(event, SessionFailure)]


def test_a_verified_delivery_is_told_with_everything_the_log_says_of_it() -> None:
    """Time, entry, relay, TLS, proof of our certificate, and Postfix's own lines."""
    log = Log()
    log.tls()
    log.status()
    (event,) = events_of(log)
    assert isinstance(event, Delivery)
    assert (event.entry, event.domain, event.queue_id) == (WOODGROVE, WOODGROVE, "10B773D")
    assert (event.relay, event.status, event.dsn) == (RELAY, DeliveryStatus.SENT, "2.0.0")
    assert event.reply == "250 2.0.0 Ok: queued as 1"
    assert event.tls is not None
    assert (event.tls.trust, event.tls.protocol) == (TlsTrust.VERIFIED, "TLSv1.3")
    assert (event.verified, event.counted, event.is_mutual) == (True, True, True)
    assert [line.encode() for line in event.lines] == log.lines
    assert event.time.isoformat() == "2026-11-25T10:00:00+00:00"


def test_a_server_that_asks_for_no_certificate_shows() -> None:
    """With TLS 1.3 the missing signature proves it; with TLS 1.2, or when resumed, nothing is known."""
    log = Log()
    log.tls(signed=False)
    log.status()
    assert sums_of(log) == {"sent": 1, "not-asked": 1}
    for told in ("TLSv1.2 with cipher X (256/256 bits)", f"{CIPHER} server-signature ECDSA (prime256v1)"):
        log = Log()
        log.line(f"Verified TLS connection established to {RELAY}: {told}")
        log.status()
        assert sums_of(log) == {"sent": 1}


def test_recipients_of_one_domain_are_one_message() -> None:
    """Three recipients in one session, one of them twice: sent once."""
    log = Log()
    log.tls()
    for name in ("a", "b", "c", "c"):
        log.status(to=f"{name}@{WOODGROVE}")
    log.removed()
    assert sums_of(log) == {"sent": 1, "mutual": 1}


def test_two_domains_in_one_message_count_once_each() -> None:
    """One queue id, two entries, two sessions."""
    log = Log()
    log.tls()
    log.status()
    log.tls(relay="mx.fabrikam.test[198.51.100.30]:25")
    log.status(to="x@mail.fabrikam.test", relay="mx.fabrikam.test[198.51.100.30]:25")
    assert [(event.entry, event.counted) for event in events_of(log) if isinstance(event, Delivery)] == [
        (WOODGROVE, True),
        ("*.fabrikam.test", True),
    ]


def test_a_recipient_delivered_later_is_no_other_message() -> None:
    """One of two recipients waits: the message is counted when the first one gets it, and not again."""
    log = Log()
    log.tls()
    log.status(to=f"a@{WOODGROVE}")
    log.status(
        to=f"b@{WOODGROVE}", status="deferred (host x[1.2.3.4] said: 450 4.2.0 greylisted)", dsn="4.2.0"
    )
    log.second = 400
    log.tls()
    log.status(to=f"b@{WOODGROVE}", delay="400", delays="400/0.01/0.03/0.01")
    assert sums_of(log) == {"sent": 1, "mutual": 1}


@pytest.mark.parametrize("is_removed", [True, False])
def test_a_queue_id_that_is_used_again_is_another_message(is_removed: bool) -> None:
    """Even when the line that frees it is missing."""
    log = Log()
    log.tls()
    log.status()
    if is_removed:
        log.removed()
    log.second = 60
    log.tls()
    log.status()
    assert sums_of(log) == {"sent": 2, "mutual": 2}


def test_only_the_queue_manager_frees_a_queue_id() -> None:
    """A line of another program that ends alike does not make the message count twice."""
    log = Log()
    log.tls()
    log.status(to=f"a@{WOODGROVE}")
    log.line("10B773D: client=evil.test[203.0.113.66], helo=10B773D: removed", program="smtpd")
    log.line("10B773D: removed", program="qmgr")
    log.lines[-1] = log.lines[-1].replace(b"postfix/", b"postfix-other/")
    log.status(to=f"b@{WOODGROVE}")
    assert sums_of(log) == {"sent": 1, "mutual": 1}


def test_a_second_host_delivers_after_the_first_failed() -> None:
    """One failed session and one message, of which both recipients' lines tell."""
    log = Log()
    log.line(MISMATCH)
    log.tls("Untrusted")
    log.line(f"10B773D: {NOT_VERIFIED}")
    log.tls(relay=SECOND)
    log.status(to=f"a@{WOODGROVE}", relay=SECOND)
    log.status(to=f"b@{WOODGROVE}", relay=SECOND)
    assert sums_of(log) == {"failure name-mismatch": 1, "sent": 1, "mutual": 1}
    (failed,) = failures_of(log)
    assert (failed.relay, failed.detail) == (RELAY, MISMATCH)
    assert len(failed.lines) == 3


@pytest.mark.parametrize(
    ("before", "text", "word"),
    [
        ((MISMATCH,), NOT_VERIFIED, "name-mismatch"),
        (
            (f"certificate verification failed for {RELAY}: untrusted issuer /CN=X",),
            NOT_VERIFIED,
            "untrusted",
        ),
        (
            (f"certificate verification failed for {RELAY}: self-signed certificate",),
            NOT_VERIFIED,
            "untrusted",
        ),
        (
            (f"server certificate verification failed for {RELAY}: certificate has expired",),
            NOT_VERIFIED,
            "expired",
        ),
        (
            (f"CA certificate verification failed for {RELAY}: certificate not yet valid",),
            NOT_VERIFIED,
            "expired",
        ),
        (
            (f"{CERTIFICATE}: not trusted by local or TLSA policy",),
            NOT_VERIFIED,
            "dane",
        ),
        ((f"{RELAY}: re-using session with untrusted certificate, look earlier",), NOT_VERIFIED, "untrusted"),
        ((), NOT_VERIFIED, "untrusted"),
        ((), NO_STARTTLS, "no-tls"),
        ((), "TLS is required, but host x[1.2.3.4] refused to start TLS: 454 4.7.0 no", "no-tls"),
        (
            (
                f"SSL_connect error to {RELAY}: -1",
                f"{LIBRARY}:0A00042E:SSL routines::tlsv1 alert protocol version:x:70:",
            ),
            NO_HANDSHAKE,
            "protocol",
        ),
        (
            (
                f"SSL_connect error to {RELAY}: -1",
                f"{LIBRARY}:0A000418:SSL routines::tlsv1 alert unknown ca:x:48:",
            ),
            NO_HANDSHAKE,
            "client-certificate",
        ),
        (
            (f"SSL_connect error to {RELAY}: lost connection",),
            NO_HANDSHAKE,
            "handshake",
        ),
        (
            (
                f"Verified TLS connection established to {RELAY}: TLSv1.3 with cipher X (256/256 bits)",
                f"{LIBRARY}:0A000418:SSL routines::tlsv1 alert unknown ca:x:48:",
            ),
            LOST,
            "client-certificate",
        ),
        ((), "client TLS configuration problem", "configuration"),
        ((), "TLS is required, but our TLS engine is unavailable", "configuration"),
        ((), "TLSA lookup error for mail.woodgrovebank.test:25", "dane"),
        ((), "no TLSA records found", "dane"),
        ((), "Sender requested REQUIRETLS, but the server does not offer it", "requiretls"),
    ],
)
def test_a_failure_of_security_names_its_reason(before: tuple[str, ...], text: str, word: str) -> None:
    """Once for the session, however many recipients' lines repeat it; the exact line before decides."""
    log = Log()
    for line in before:
        log.line(line)
    for name in ("a", "b", "c"):
        log.deferred(text, to=f"{name}@{WOODGROVE}")
    assert sums_of(log) == {f"failure {word}": 1}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("connect to mail.woodgrovebank.test[198.51.100.20]:25: Connection refused", "unreachable"),
        ("Host or domain name not found. Name service error for name=x type=MX: try again", "unreachable"),
        (LOST, "connection-lost"),
        ("conversation with mail.x[198.51.100.20] timed out while sending MAIL FROM", "connection-lost"),
        ("host mail.x[198.51.100.20] refused to talk to me: 554 go away", "session-refused"),
        ("host mail.x[198.51.100.20] said: 502 no (in reply to EHLO command)", "session-refused"),
    ],
)
def test_other_problems_are_counted_apart(text: str, word: str) -> None:
    """A server that is away or unwilling raises no alarm."""
    log = Log()
    log.deferred(text)
    log.deferred(text, to=f"b@{WOODGROVE}")
    assert sums_of(log) == {f"problem {word}": 1}


def test_each_host_that_cannot_be_reached_is_one_problem() -> None:
    """The last one's text stands in the status line too, and is not counted again."""
    log = Log()
    hosts = (
        "connect to mail.woodgrovebank.test[198.51.100.20]:25: Connection timed out",
        f"connect to {SECOND}: x",
    )
    for text in hosts:
        log.line(text)
    log.deferred(hosts[-1], relay="none", delays="0.01/0.01/60/0")
    log.deferred(hosts[-1], to=f"b@{WOODGROVE}", relay="none", delays="0.01/0.01/60/0")
    assert sums_of(log) == {"problem unreachable": 2}


def test_a_policy_that_cannot_be_read_is_one_failure_for_each_host() -> None:
    """The warning names the host; the status line repeats the last one."""
    log = Log()
    for host in ("mx1", "mx2"):
        log.line(f"warning: TLS policy lookup for {WOODGROVE}/{host}: client TLS configuration problem")
    log.deferred("client TLS configuration problem", relay="none")
    assert sums_of(log) == {"failure configuration": 2}


def test_a_retry_in_the_same_process_is_another_session() -> None:
    """Nothing but the age of the message tells, for no line comes before the status line."""
    log = Log()
    log.deferred(NO_STARTTLS)
    log.second = 300
    log.deferred(NO_STARTTLS, delay="300", delays="300/0.01/0.01/0")
    assert sums_of(log) == {"failure no-tls": 2}


def test_deferrals_of_the_queue_manager_are_no_sessions() -> None:
    """error(8) and retry(8) say what was said before, of a destination that is not tried."""
    log = Log()
    for program in ("error", "retry"):
        log.deferred(f"delivery temporarily suspended: {NOT_VERIFIED}", relay="none", program=program)
    assert events_of(log) == []


@pytest.mark.parametrize("status", ["deliverable (250 Ok)", "undeliverable (host said: 550)"])
def test_address_probes_are_no_messages(status: str) -> None:
    """Nor are their failed sessions the message's that comes next."""
    log = Log()
    log.line(f"connect to {SECOND}: Connection refused")
    log.tls()
    log.status(status=status)
    log.status("20B773D", to=f"b@{WOODGROVE}", status="bounced (host x[1.2.3.4] said: 550)", dsn="5.1.1")
    assert sums_of(log) == {}


@pytest.mark.parametrize(
    "relay", ["127.0.0.1[127.0.0.1]:10024", "localhost[::1]:10024", "mail.x[private/dovecot-lmtp]", "filter"]
)
def test_a_content_filter_on_this_machine_is_no_delivery(relay: str) -> None:
    """What it lets through leaves under another queue id."""
    log = Log()
    log.status(relay=relay)
    assert sums_of(log) == {}


def plain(log: Log) -> None:
    """Send with no TLS at all."""
    log.status()


def merely_trusted(log: Log) -> None:
    """Send over TLS that asked for no name."""
    log.tls("Trusted")
    log.status()


def verified_elsewhere(log: Log) -> None:
    """Send in the clear, in a process that had a verified session with another host."""
    log.tls(relay=SECOND)
    log.status()


def verified_for_another(log: Log) -> None:
    """Send in the clear, in a process that had a verified session for another message."""
    log.tls()
    log.status("20B773D", to="x@elsewhere.test")
    log.second += 30
    log.status()


def verified_long_ago(log: Log) -> None:
    """Send in the clear; an earlier process with the same number died before it could use its session."""
    log.tls()
    log.second += 200
    log.status()


def policy_not_met(log: Log) -> None:
    """Send with a level that 3.11 marks as not kept."""
    log.tls()
    log.status(tls="!secure")


def weaker_level(log: Log) -> None:
    """Send verified by a name that DNS gave."""
    log.tls()
    log.status(tls="verify")


def in_the_clear(log: Log) -> None:
    """Send with what 3.11 says of plaintext."""
    log.status(tls="may:none")


@pytest.mark.parametrize(
    "send",
    [
        plain,
        merely_trusted,
        verified_elsewhere,
        verified_for_another,
        verified_long_ago,
        policy_not_met,
        weaker_level,
        in_the_clear,
    ],
)
def test_mail_that_left_without_verified_tls_is_never_called_sent(send: object) -> None:
    """It has a counter of its own, whatever else the process did."""
    log = Log()
    send(log)  # type: ignore[operator]
    assert sums_of(log) == {"unverified": 1}


def test_the_level_of_a_later_postfix_is_enough() -> None:
    """With ``tls=secure`` and no summary, as at log level 0; it counts more than a summary beside it."""
    log = Log()
    log.status(tls="secure")
    assert sums_of(log) == {"sent": 1}
    log = Log()
    log.tls("Trusted", signed=False)
    log.status(tls="secure/requiretls")
    assert sums_of(log) == {"sent": 1, "not-asked": 1}


def test_a_reused_connection_is_used_by_each_message_that_says_so() -> None:
    """With ``smtp_tls_connection_reuse`` each delivery has its own summary."""
    log = Log()
    log.tls()
    log.status()
    log.line(f"Verified TLS connection reused to {RELAY}: TLSv1.3 with cipher X (256/256 bits)")
    log.status("20B773D")
    log.status("30B773D")
    assert sums_of(log) == {"sent": 2, "mutual": 1, "unverified": 1}


def test_details_of_tlsproxy_reach_the_failure() -> None:
    """With connection reuse another process says why."""
    log = Log()
    log.line(MISMATCH, program="tlsproxy", pid=99)
    log.tls("Untrusted")
    log.deferred(NOT_VERIFIED)
    assert sums_of(log) == {"failure name-mismatch": 1}


def test_processes_do_not_mix() -> None:
    """Lines of many processes interleave; each keeps its own session."""
    log = Log()
    log.tls(pid=1)
    log.line(MISMATCH, pid=2)
    log.tls("Untrusted", pid=2)
    log.status("10B773D", pid=1)
    log.deferred(NOT_VERIFIED, queue_id="20B773D", pid=2)  # type: ignore[arg-type]
    log.status("30B773D", pid=3)
    assert sums_of(log) == {"sent": 1, "mutual": 1, "failure name-mismatch": 1, "unverified": 1}


def test_another_instance_is_not_ours() -> None:
    """Its queue ids and process ids may be the same."""
    log = Log()
    log.tls()
    log.status()
    log.lines = [line.replace(b"postfix/", b"postfix-out/") for line in log.lines]
    assert events_of(log) == []


def test_a_session_from_before_the_first_line_is_neither() -> None:
    """Who starts to read in the middle of a delivery cannot know whether it was verified."""
    log = Log()
    log.status()
    (event,) = DeliveryTracker(listed, lambda _: FailureReason.DANE).feed(log.lines, NOW)
    assert isinstance(event, Delivery)
    assert (event.verified, event.counted) == (None, False)


def test_after_a_gap_older_lines_are_not_taken_again() -> None:
    """A file that cannot be recognised is read from its beginning, and part of it may have been read."""
    log = Log()
    log.tls()
    log.status()
    made = tracker()
    first = made.feed(log.lines, NOW)
    made.interrupted()
    log.removed()
    log.second = 600
    log.tls()
    log.status("20B773D")
    again = made.feed(log.lines, NOW)
    assert [event.queue_id for event in first + again] == ["10B773D", "20B773D"]


@pytest.mark.parametrize(
    "text",
    [
        "10B773D: to=<admin@woodgrovebank.test>, relay=x",
        "10B773D: something new",
        "Excellent TLS connection established to x",
    ],
)
def test_what_is_not_understood_is_counted(text: str) -> None:
    """And told to nobody."""
    log = Log()
    log.line(text)
    made = tracker()
    assert made.feed(log.lines, NOW) == []
    assert made.unknown_lines == 1


def test_what_is_known_to_say_nothing_is_not_unknown() -> None:
    """Warnings, statistics and replies about a recipient."""
    log = Log()
    for text in (
        "warning: no MX host for x has a valid address record",
        "10B773D: host x[1.2.3.4] said: 450 4.2.0 later (in reply to RCPT TO command)",
        "10B773D: enabling PIX workarounds: disable_esmtp for x[1.2.3.4]:25",
        "statistics: max simultaneous domains=0 addresses=1 connection=2",
        f"{RELAY}: subject_CN=x, issuer=y",
    ):
        log.line(text)
    made = tracker()
    made.feed(log.lines, NOW)
    assert made.unknown_lines == 0


FORGED = f"x>, relay={RELAY}, delay=1, delays=0/0/0/0, tls=secure, dsn=2.0.0, status=sent (ok)"


def test_a_recipient_cannot_write_a_status_line() -> None:
    """A quoted local part may hold anything, a status line for a listed domain too."""
    log = Log()
    log.status(to=f'"admin@woodgrovebank.test>, {FORGED}"@evil.test', relay="mx.evil.test[203.0.113.66]:25")
    log.status(to=f'"a\\" <b"@{WOODGROVE}')
    assert sums_of(log) == {"unverified": 1}


def test_a_reply_cannot_write_a_line() -> None:
    """What a server says stands within its line, and says nothing of TLS or of another message."""
    log = Log()
    summary = (
        f"2026-11-25T10:00:00+00:00 mail postfix/smtp[687]: Verified TLS connection established to {RELAY}: "
    )
    log.status("20B773D", to="x@evil.test", status=f"sent (250 {summary}TLSv1.3 with cipher X (1/1 bits))")
    log.status()
    assert sums_of(log) == {"unverified": 1}


def story() -> Log:
    """Return a log in which much happens at once."""
    log = Log()
    log.tls(pid=1)
    log.line(MISMATCH, pid=2)
    log.line(f"connect to {SECOND}: Connection refused", pid=3)
    log.tls("Untrusted", pid=2)
    log.status(to=f"a@{WOODGROVE}", pid=1)
    log.line(f"20B773D: {NOT_VERIFIED}", pid=2)
    log.status(to=f"b@{WOODGROVE}", pid=1)
    log.tls(relay=SECOND, pid=2)
    log.tls(pid=3)
    log.status("20B773D", relay=SECOND, pid=2)
    log.status("30B773D", to="x@y.fabrikam.test", pid=3)
    log.removed("20B773D")
    log.deferred(NO_STARTTLS, pid=4)  # type: ignore[arg-type]
    log.deferred(NO_STARTTLS, to=f"c@{WOODGROVE}", pid=4)  # type: ignore[arg-type]
    log.removed("30B773D")
    return log


@given(st.sets(st.integers(1, len(story().lines) - 1)))
def test_a_cut_anywhere_changes_nothing(cuts: set[int]) -> None:
    """State goes to JSON and into another tracker between any two lines, as at a restart."""
    lines = story().lines
    current, found = tracker(), []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(lines)], strict=True):
        resumed = DeliveryTracker(listed, lambda _: FailureReason.DANE, ("postfix",))
        resumed.resume(json.loads(json.dumps(current.document())))
        found += resumed.feed(lines[start:end], NOW)
        current = resumed
    assert found == tracker().feed(lines, NOW)
    assert added({}, found) == added({}, events_of(story()))


def mixed(relays: tuple[str, ...] = (RELAY, SECOND)) -> list[bytes]:
    """Return lines of two processes for three messages, listed and not, of every kind."""
    log = Log()
    for pid in (1, 2):
        for relay in relays:
            log.tls(relay=relay, pid=pid)
            log.tls("Untrusted", relay=relay, pid=pid)
            for queue_id in ("10B773D", "20B773D"):
                log.status(queue_id, to=f"a@{WOODGROVE}", relay=relay, pid=pid)
                log.status(queue_id, to="x@stranger.test", relay=relay, pid=pid)
                log.line(f"{queue_id}: {NOT_VERIFIED}", pid=pid)
        log.line(MISMATCH, pid=pid)
        log.line("statistics: max connection rate 1/60s", pid=pid)
    return log.lines


@given(st.lists(st.sampled_from(mixed()), max_size=40))
def test_what_waits_to_be_read_is_read_in_its_order(lines: list[bytes]) -> None:
    """Invariant: lines about nobody who is listed change nothing by being put off."""
    putting_off, at_once = tracker(), tracker()
    found = []
    for line in lines:
        found += at_once.feed([line], NOW)
        at_once.document()
    assert putting_off.feed(lines, NOW) == found
    assert putting_off.document() == at_once.document()
    assert putting_off.unknown_lines == at_once.unknown_lines


def test_a_message_that_ends_is_forgotten_by_its_own_line_alone() -> None:
    """Another text that ends so, and another Postfix's message of the same name, are none of it."""
    log = Log()
    log.tls()
    log.status()
    for text in ("10B773D: 20B773D: removed", "warning: 10B773D: removed"):
        log.line(text, program="qmgr")
    made = tracker()
    made.feed(log.lines, NOW)
    made.feed([line.replace(b"postfix/qmgr", b"postfix-out/qmgr") for line in ended().lines], NOW)
    assert list(made.document()["messages"]) == ["10B773D"]
    made.feed(ended().lines, NOW)
    assert not made.document()["messages"]


def ended() -> Log:
    """Return the end of the message."""
    log = Log()
    log.removed("10B773D")
    return log


@given(st.lists(st.sampled_from(story().lines)), st.binary(max_size=60))
def test_lines_in_any_order_break_nothing(lines: list[bytes], rubbish: bytes) -> None:
    """Whatever comes, no entry is named that is not listed, and the state goes through JSON."""
    made = tracker()
    found = made.feed(
        [*lines, rubbish, *(line + rubbish for line in lines), b"postfix/smtp[1]: " + rubbish], NOW
    )
    assert {event.entry for event in found} <= {Entry(WOODGROVE), Entry("*.fabrikam.test")}
    json.dumps(made.document())


def test_counts_by_entry() -> None:
    """Each sum belongs to the list entry, not to the recipient's domain."""
    sums = added({}, events_of(story()))
    assert {(key.counter, key.entry) for key in sums if key.counter is OutboundCounter.SENT} == {
        (OutboundCounter.SENT, WOODGROVE),
        (OutboundCounter.SENT, "*.fabrikam.test"),
    }


def test_a_third_recipient_is_served_in_the_session_in_which_two_were_refused() -> None:
    """One for good, one for now, and the third is taken over the same verified TLS."""
    log = Log()
    log.tls()
    log.status(to=f"a@{WOODGROVE}", status="bounced (host x[1.2.3.4] said: 550 5.1.1 no)", dsn="5.1.1")
    log.line("10B773D: host x[1.2.3.4] said: 450 4.2.0 greylisted (in reply to RCPT TO command)")
    log.status(to=f"c@{WOODGROVE}")
    assert sums_of(log) == {"sent": 1, "mutual": 1}


@pytest.mark.parametrize(
    ("relay", "to"),
    [
        ("Mail.WoodgroveBank.TEST[198.51.100.20]:25", f"a@{WOODGROVE}"),
        (RELAY, "a@WoodgroveBank.TEST"),
        ("MAIL.woodgrovebank.test.[198.51.100.20]:25", "a@WOODGROVEBANK.test."),
    ],
)
def test_names_are_compared_as_names(relay: str, to: str) -> None:
    """Capital letters in DNS or in the recipient's address, and a dot at the end, change nothing."""
    log = Log()
    log.line(MISMATCH)
    log.tls("Untrusted")
    log.deferred(NOT_VERIFIED, to, relay=relay)
    log.second = 400
    log.tls()
    log.status(to=to, relay=relay, delay="400", delays="400/0.01/0.03/0.01")
    assert sums_of(log) == {"failure name-mismatch": 1, "sent": 1, "mutual": 1}


def test_a_handshake_that_failed_is_not_the_former_hosts() -> None:
    """The first host was not verified, the second has no summary: each failure names its own host."""
    log = Log()
    log.line(MISMATCH)
    log.tls("Untrusted")
    log.line(f"10B773D: {NOT_VERIFIED}")
    log.line(f"SSL_connect error to {SECOND}: -1")
    log.line(f"10B773D: {NO_HANDSHAKE}")
    log.line("10B773D: Cannot start TLS: handshake failure")
    log.tls(relay="mx3.woodgrovebank.test[198.51.100.22]:25")
    log.status(relay="mx3.woodgrovebank.test[198.51.100.22]:25")
    assert [one.relay for one in failures_of(log)] == [RELAY, SECOND, "none"]


HOST = "mail.woodgrovebank.test[198.51.100.20]"


@pytest.mark.parametrize("stage", ["MAIL FROM", "RCPT TO", "DATA", "end of DATA"])
@pytest.mark.parametrize("status", ["deferred", "bounced"])
def test_a_partner_that_refuses_us_is_one_failed_session(stage: str, status: str) -> None:
    """However many recipients it says so to, in words that differ."""
    log = Log()
    log.tls()
    for name in "abc":
        said = f"454 4.7.5 <{name}@{WOODGROVE}>: certificate of contoso.test is not trusted"
        log.status(
            to=f"{name}@{WOODGROVE}",
            status=f"{status} (host {HOST} said: {said} (in reply to {stage} command))",
        )
    assert sums_of(log) == {"failure client-certificate": 1}
    (failed,) = failures_of(log)
    assert (failed.relay, failed.detail[:38]) == (RELAY, f"host {HOST} "[:38])


def test_a_first_host_refuses_us_and_the_second_too() -> None:
    """Two sessions failed; the first host's words stand in lines of their own, one for each recipient."""
    log = Log()
    log.tls()
    for name in "ab":
        log.line(f"10B773D: host {HOST} said: 550 5.7.5 <{name}> no (in reply to RCPT TO command)")
    log.tls(relay=SECOND)
    second = SECOND.removesuffix(":25")
    for name in "ab":
        log.status(
            to=f"{name}@{WOODGROVE}",
            relay=SECOND,
            status=f"deferred (host {second} said: 451 4.7.5 <{name}> no (in reply to RCPT TO command))",
        )
    assert sums_of(log) == {"failure client-certificate": 2}
    assert [one.relay for one in failures_of(log)] == [HOST, SECOND]


def test_one_recipient_is_refused_for_our_certificate_and_another_taken() -> None:
    """The session failed for one and is verified for the other."""
    log = Log()
    log.tls()
    log.status(
        to=f"a@{WOODGROVE}", status=f"bounced (host {HOST} said: 550 5.7.5 no (in reply to RCPT TO command))"
    )
    log.status(to=f"b@{WOODGROVE}")
    assert sums_of(log) == {"failure client-certificate": 1, "sent": 1, "mutual": 1}


def judged(log: Log, service: str = "postfix/domain-secure") -> tuple[bool | None, str | None, bool]:
    """Return whether the one delivery was verified as promised, why not, and whether it is proved mutual."""
    promise = Promise(make_partner(WOODGROVE), service)
    made = DeliveryTracker(listed, lambda _: FailureReason.DANE, ("postfix",), lambda _: promise)
    made.feed([b"2026-11-25T09:00:00+00:00 mail postfix/smtp[1]: statistics: x"], NOW)
    (event,) = made.feed(log.lines, NOW)
    assert isinstance(event, Delivery)
    return event.verified, event.unverified, event.is_mutual


@pytest.mark.parametrize(
    ("relay", "name", "program", "service", "expected"),
    [
        (RELAY, None, "domain-secure/smtp", "postfix/domain-secure", None),
        (
            "gw.isp.test[192.0.2.9]:25",
            "woodgrovebank.test",
            "domain-secure/smtp",
            "postfix/domain-secure",
            None,
        ),
        (
            "gw.isp.test[192.0.2.9]:25",
            "gw.isp.test",
            "domain-secure/smtp",
            "postfix/domain-secure",
            "other-name",
        ),
        ("gw.isp.test[192.0.2.9]:25", None, "domain-secure/smtp", "postfix/domain-secure", "other-host"),
        (RELAY, RELAY.partition("[")[0], "smtp", "postfix/domain-secure", "other-transport"),
        (RELAY, None, "smtp", "", None),
    ],
)
def test_verified_tls_is_not_all_that_is_promised(
    relay: str, name: str | None, program: str, service: str, expected: str | None
) -> None:
    """The transport must be ours, and what was verified the partner's."""
    for level in ("", "secure"):
        log = Log()
        if name:
            log.line(f"{relay}: matched peername: {name}", program=program)
        log.line(f"Verified TLS connection established to {relay}: {CIPHER}", program=program)
        log.status(relay=relay, program=program, tls=level)
        assert judged(log, service)[:2] == (expected is None, expected)


def test_what_was_matched_is_of_the_next_session_with_that_server() -> None:
    """Not of another server's, nor of a later session."""
    log = Log()
    log.line(f"{SECOND}: matched peername: gw.isp.test")
    log.tls()
    log.status()
    assert judged(log)[1] is None
    log.line(f"{RELAY}: matched peername: gw.isp.test")
    log.tls(relay=SECOND)
    log.tls()
    log.lines = log.lines[3:]
    log.status()
    assert judged(log)[1] is None


@pytest.mark.parametrize(
    ("trust", "why"), [("Untrusted", "not-verified"), ("Trusted", "not-verified"), ("", "no-tls")]
)
def test_why_mail_was_not_verified(trust: str, why: str) -> None:
    """In the clear, or over TLS with a server that was not verified."""
    log = Log()
    if trust:
        log.tls(trust)
    log.status()
    assert judged(log) == (False, why, False)
