"""The log catalogue: each line to the letter, because scripts search for them."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain_secure.commands.bypass.keeper import ended_event, not_ended_event
from domain_secure.commands.promotion.when_clean import not_promoted_event, promoted_event
from domain_secure.milter.changes import events as change_events
from domain_secure.milter.daemon import events as daemon_events
from domain_secure.milter.fetching import events as fetching_events
from domain_secure.milter.knowledge import events as knowledge_events
from domain_secure.milter.record import events as record_events
from domain_secure.milter.reflector import events as reflector_events
from domain_secure.milter.revocation import events as fetch_events
from domain_secure.milter.session import events as session_events
from domain_secure.policy.book import events as book_events
from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.decision.reply import reply_to
from domain_secure.policy.promotion.waiting import Waiting
from domain_secure.policy.record import protocol_events
from domain_secure.policy.reflector.reason import Reason
from domain_secure.policy.revocation import events as revocation_events
from domain_secure.policy.sending.delivery_counts import LogStanding
from domain_secure.policy.sending.promised_route import Unverified
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event, internal_error
from domain_secure.policy.terms.pin import Pin
from domain_secure.postfix.log import events as log_events
from domain_secure.postfix.probe import events as probe_events

from unit.policy.builders import NOW, claim, configuration, known, session
from unit.policy.history_items import FAILED, record
from unit.policy.sending.test_delivery import SENT

PASSED = decide([claim()], Evidence(session(), known("mail.woodgrovebank.test")), configuration(), NOW)
REFUSED = decide([claim(source="from")], Evidence(session(), known("evil.test")), configuration(), NOW)
DIGEST = "ab" * 32
BYPASS = Bypass(
    Entry("woodgrovebank.test"),
    (Direction.SEND,),
    datetime(2026, 11, 26, 20, tzinfo=UTC),
    datetime(2026, 11, 27, tzinfo=UTC),
    "anna",
    "their certificate has ended",
)

GOLDEN = [
    (
        protocol_events.decided(
            PASSED, PASSED.findings[0], queue_id="Q1", client="[127.0.0.3]:40001", reply=None
        ),
        (
            "decision verdict=pass domain=woodgrovebank.test claimed=woodgrovebank.test claimed_in=envelope "
            "method=pkix effect=accept mode=enforce queue_id=Q1 client=[127.0.0.3]:40001 tls=TLSv1.3 "
            f"certificate=sha256:{DIGEST} "
            'detail="certificate for mail.woodgrovebank.test, valid until 2027-01-23" reply=-'
        ),
    ),
    (
        protocol_events.decided(
            REFUSED, REFUSED.findings[0], queue_id="Q2", client="[::1]:2", reply=str(reply_to(REFUSED, "Q2"))
        ),
        (
            "decision verdict=name-mismatch domain=woodgrovebank.test claimed=woodgrovebank.test "
            "claimed_in=from method=- effect=reject mode=enforce queue_id=Q2 client=[::1]:2 tls=TLSv1.3 "
            f"certificate=sha256:{DIGEST} "
            'detail="certificate is for evil.test; mail from this domain needs one for woodgrovebank.test" '
            'reply="550 5.7.5 woodgrovebank.test: certificate is for evil.test; mail from this domain needs '
            'one for woodgrovebank.test (name-mismatch) [ref Q2]"'
        ),
    ),
    (
        reflector_events.reflector_letter(
            Reason.UNALIGNED,
            queue_id="Q1",
            client="[192.0.2.7]:41034",
            domain="evil.test",
            means=None,
            detail="SPF: fail; DKIM: no signature",
        ),
        (
            "reflector-letter outcome=unaligned queue_id=Q1 client=[192.0.2.7]:41034 domain=evil.test "
            'means=- detail="SPF: fail; DKIM: no signature"'
        ),
    ),
    (
        reflector_events.reflector_answer(queue_id="Q1", domain="evil.test", sent=False, detail="no answer"),
        'reflector-answer outcome=failed queue_id=Q1 domain=evil.test detail="no answer"',
    ),
    (
        protocol_events.attempted(REFUSED.findings[0], queue_id="Q2")[0],
        (
            "attempt queue_id=Q2 domain=woodgrovebank.test method=pkix verdict=name-mismatch "
            'detail="certificate is for evil.test; mail from this domain needs one for woodgrovebank.test"'
        ),
    ),
    (
        protocol_events.evidence_seen(record("evil.test", queue_id="Q2")),
        (
            "evidence queue_id=Q2 client=[192.0.2.7]:41034 tls=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 "
            f"certificate=sha256:{DIGEST} public_key=spki-sha256:{'cd' * 32} path=trusted "
            'path_detail="the detail" revocation=unknown revocation_detail=- milliseconds=2.1'
        ),
    ),
    (
        protocol_events.certificate_shown(known("a.test", "b.test").certificate, queue_id="Q2", number=1),
        (
            "certificate queue_id=Q2 number=1 subject=CN=subject issuer=CN=issuer names=a.test,b.test "
            "not_before=2026-10-25T12:00:00+00:00 not_after=2027-01-23T12:00:00+00:00 "
            f"certificate=sha256:{DIGEST} public_key=spki-sha256:{'cd' * 32}"
        ),
    ),
    (
        protocol_events.delivered(
            replace(SENT, tls=None, verified=False, unverified=Unverified.BYPASS, reply="250 Ok")
        ),
        (
            "delivery status=sent domain=woodgrovebank.test recipient_domain=woodgrovebank.test "
            "proof=unverified queue_id=4F2C1A0B relay=mail.woodgrovebank.test[198.51.100.20]:25 tls=- "
            'cipher=- dsn=2.0.0 reply="250 Ok" bypass=yes'
        ),
    ),
    (
        protocol_events.delivered(SENT),
        (
            "delivery status=sent domain=woodgrovebank.test recipient_domain=woodgrovebank.test proof=mutual "
            "queue_id=4F2C1A0B relay=mail.woodgrovebank.test[198.51.100.20]:25 tls=TLSv1.3 "
            'cipher=TLS_AES_256_GCM_SHA384 dsn=2.0.0 reply="250 2.0.0 Ok: queued as 1"'
        ),
    ),
    (
        protocol_events.session_failed(FAILED),
        (
            "session-failure reason=name-mismatch domain=woodgrovebank.test security=yes queue_id=4F2C1A0B "
            'relay=mail.woodgrovebank.test[198.51.100.20]:25 detail="Server certificate not verified"'
        ),
    ),
    (
        protocol_events.postfix_lines(FAILED)[0],
        (
            "postfix queue_id=4F2C1A0B domain=woodgrovebank.test "
            'line="4F2C1A0B: to=<\\u2026@woodgrovebank.test>, status=deferred"'
        ),
    ),
    (record_events.history_set_aside("/h", "damaged"), "history-set-aside file=/h detail=damaged"),
    (record_events.history_failed("disk full"), 'history-failed detail="disk full"'),
    (record_events.history_resumed(), "history-resumed"),
    (record_events.log_levels_rejected("not ours"), 'log-levels-rejected detail="not ours"'),
    (record_events.log_levels_changed("none"), "log-levels-changed temporary=none"),
    (
        change_events.asked(
            act="bypass", subject="a.test", value="4h", reason="no time", who="ann", client="127.0.0.1"
        ),
        'change-asked act=bypass subject=a.test value=4h reason="no time" who=ann client=127.0.0.1',
    ),
    (
        change_events.done(act="promote", subject="a.test", value="", who="ann", client="127.0.0.1"),
        "change-done act=promote subject=a.test value=- who=ann client=127.0.0.1",
    ),
    (
        change_events.refused(why="too old", who="token", client="127.0.0.1"),
        'change-refused detail="too old" who=token client=127.0.0.1',
    ),
    (record_events.services_unknown("no postconf"), 'log-services-unknown detail="no postconf"'),
    (
        session_events.forged_marks_refused(queue_id="Q3", client="[127.0.0.3]:1"),
        "forged-marks-refused queue_id=Q3 client=[127.0.0.3]:1",
    ),
    (
        session_events.too_much_refused(queue_id="Q3", client="[127.0.0.3]:1"),
        "too-much-refused queue_id=Q3 client=[127.0.0.3]:1",
    ),
    (
        session_events.unreadable_author_refused(queue_id="Q3", client="[127.0.0.3]:1"),
        "unreadable-author-refused queue_id=Q3 client=[127.0.0.3]:1",
    ),
    (
        session_events.forged_marks_removed(queue_id="Q3", client="[127.0.0.3]:1", count=2),
        "forged-marks-removed queue_id=Q3 client=[127.0.0.3]:1 count=2",
    ),
    (
        session_events.malformed_delegation("line without '='"),
        "malformed-delegation-request detail=\"line without '='\"",
    ),
    (
        daemon_events.malformed_packet("packet of 0 octets"),
        'malformed-milter-packet detail="packet of 0 octets"',
    ),
    (
        internal_error("decision", ValueError("a\nb")),
        'internal-error where=decision type=ValueError detail="a\\nb"',
    ),
    (
        book_events.certificate_set_aside(f"sha256:{DIGEST}", "not DER"),
        f'certificate-set-aside certificate=sha256:{DIGEST} detail="not DER"',
    ),
    (
        book_events.evidence_source_failed("book", OSError("gone")),
        "certificate-source-failed source=book detail=gone",
    ),
    (
        book_events.pending_not_noted(f"sha256:{DIGEST}", "disk full"),
        f'pending-not-noted certificate=sha256:{DIGEST} detail="disk full"',
    ),
    (daemon_events.sessions_full(384), "sessions-full limit=384"),
    (session_events.descriptors_exhausted("milter"), "descriptors-exhausted door=milter"),
    (session_events.descriptors_exhausted("policy"), "descriptors-exhausted door=policy"),
    (daemon_events.part_unhealthy("book", "damaged"), "part-unhealthy part=book detail=damaged"),
    (daemon_events.part_healthy("book"), "part-healthy part=book"),
    (
        daemon_events.socket_bound_again("unix:/var/spool/postfix/domain-secure/milter"),
        "socket-bound-again socket=unix:/var/spool/postfix/domain-secure/milter",
    ),
    (
        daemon_events.tables_taken_away("/s/maps/transport is missing"),
        (
            'tables-taken-away detail="/s/maps/transport is missing" '
            'fix="put the state folder back where the daemon cannot make it again"'
        ),
    ),
    (
        daemon_events.tables_put_back("/s/maps/transport is missing"),
        (
            'tables-put-back detail="/s/maps/transport is missing" '
            'fix="without domain-secure-generate.path run domain-secure generate as root"'
        ),
    ),
    (
        book_events.book_set_aside("/s/b", "not a database"),
        'book-set-aside file=/s/b detail="not a database"',
    ),
    (book_events.book_put_back(3, 2), "book-put-back imported=3 pending=2"),
    (record_events.lines_left_out("maps-failed", 59), "lines-left-out of=maps-failed number=59"),
    (
        knowledge_events.list_vanished("receive", gone=18, former=20, detail="the detail"),
        (
            'list-vanished list=receive gone=18 of=20 detail="the detail" '
            'in_force="the last good configuration"'
        ),
    ),
    (
        knowledge_events.clock_ahead(
            datetime(2027, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)
        ),
        "clock-ahead clock=2027-11-24T12:00:00+00:00 known=2026-11-24T12:00:00+00:00",
    ),
    (
        knowledge_events.clock_believed(
            datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)
        ),
        "clock-believed clock=2026-11-24T12:00:00+00:00 known=2026-11-24T12:00:00+00:00",
    ),
    (
        knowledge_events.pins_changed("a.test", [Pin.public_key(DIGEST)], []),
        f"pins-changed partner=a.test begun=spki-sha256:{DIGEST} ended=-",
    ),
    (
        knowledge_events.bypass_in_force(BYPASS),
        (
            "bypass-in-force domain=woodgrovebank.test direction=send until=2026-11-27T00:00:00+00:00 "
            'by=anna reason="their certificate has ended"'
        ),
    ),
    (
        knowledge_events.bypass_over(BYPASS),
        "bypass-over domain=woodgrovebank.test direction=send",
    ),
    (ended_event(BYPASS), "bypass-ended domain=woodgrovebank.test direction=send"),
    (
        promoted_event(Waiting(Entry("woodgrovebank.test"), 14, 5, "anna", "2026-11-26T20:00:00+00:00")),
        "promoted domain=woodgrovebank.test days=14 by=anna asked=2026-11-26T20:00:00+00:00",
    ),
    (not_promoted_event("a.test", "the problem"), 'not-promoted domain=a.test detail="the problem"'),
    (not_ended_event("the problem"), 'bypass-not-ended detail="the problem"'),
    (knowledge_events.bypasses_unknown("the problem"), 'bypasses-unknown detail="the problem"'),
    (knowledge_events.in_force_unknown("the problem"), 'in-force-unknown detail="the problem"'),
    (knowledge_events.in_force_not_kept("No space left"), 'in-force-not-kept detail="No space left"'),
    (
        knowledge_events.configuration_loaded("/etc/d.toml", receive=2, send=1, mode=Mode.OBSERVE),
        "configuration-loaded path=/etc/d.toml receive_domains=2 send_domains=1 mode=observe",
    ),
    (
        knowledge_events.configuration_rejected("wrong type: /etc/d.toml:3"),
        'configuration-rejected detail="wrong type: /etc/d.toml:3" in_force="the last good configuration"',
    ),
    (
        probe_events.probed(
            target="mail.a.test[192.0.2.1]:25", certificate=f"sha256:{DIGEST}", tls="TLSv1.3", detail=None
        ),
        f"probed target=mail.a.test[192.0.2.1]:25 certificate=sha256:{DIGEST} tls=TLSv1.3 detail=-",
    ),
    (
        probe_events.probe_not_kept("mail.a.test", "disk full"),
        'probe-not-kept target=mail.a.test detail="disk full"',
    ),
    (
        revocation_events.revocation_set_aside("/crl", "not DER"),
        'revocation-set-aside file=/crl detail="not DER"',
    ),
    (
        fetch_events.revocation_fetched("http://crl.test/a.crl", until="2026-12-01"),
        "revocation-fetched url=http://crl.test/a.crl until=2026-12-01",
    ),
    (
        fetch_events.revocation_not_fetched("http://crl.test/a.crl", detail="time out", again="2026-12-01"),
        'revocation-not-fetched url=http://crl.test/a.crl detail="time out" again=2026-12-01',
    ),
    (
        fetch_events.revocation_not_fetched(
            "http://crl.test/a.crl", detail="large", again="2026-12-01", fix="ask for parts"
        ),
        'revocation-not-fetched url=http://crl.test/a.crl detail=large again=2026-12-01 fix="ask for parts"',
    ),
    (
        fetching_events.issuer_fetched("http://ca.test/sub.cer", issuer="CN=Sub"),
        "issuer-fetched url=http://ca.test/sub.cer issuer=CN=Sub",
    ),
    (
        fetching_events.issuer_not_fetched("http://ca.test/sub.cer", detail="status 404"),
        'issuer-not-fetched url=http://ca.test/sub.cer detail="status 404"',
    ),
    (
        knowledge_events.issuers_not_kept(f"sha256:{DIGEST}", "disk full"),
        f'issuers-not-kept certificate=sha256:{DIGEST} detail="disk full"',
    ),
    (daemon_events.revocation_refreshed(locations=3, failed=1), "revocation-refreshed locations=3 failed=1"),
    (daemon_events.refresh_request_failed("disk full"), 'refresh-request-failed detail="disk full"'),
    (fetch_events.revocation_not_kept("disk full"), 'revocation-not-kept detail="disk full"'),
    (knowledge_events.partners_unfamiliar("damaged"), "partners-unfamiliar detail=damaged"),
    (
        record_events.counted_anew("the history is damaged"),
        'counted-anew detail="the history is damaged"',
    ),
    (
        knowledge_events.certificate_dates_unknown("damaged"),
        "certificate-dates-unknown detail=damaged",
    ),
    (daemon_events.restart_needed(("state", "milter_socket")), "restart-needed settings=state,milter_socket"),
    (daemon_events.maps_published(changed="transport"), "maps-published changed=transport"),
    (daemon_events.maps_failed("disk full"), 'maps-failed detail="disk full"'),
    (daemon_events.not_in_force("the routes"), 'not-in-force detail="the routes"'),
    (
        daemon_events.started(version="1.0", milter="unix:/m", policy="unix:/p", metrics="127.0.0.1:9797"),
        "started version=1.0 milter=unix:/m policy=unix:/p metrics=127.0.0.1:9797",
    ),
    (daemon_events.stopping("signal"), "stopping why=signal"),
    (daemon_events.sessions_left(1, 2), "sessions-left in_message=1 between_messages=2"),
    (daemon_events.socket_unused("unix:/m"), "socket-unused socket=unix:/m"),
    (
        daemon_events.not_answering("milter", "no answer within 15 s"),
        'not-answering part=milter detail="no answer within 15 s"',
    ),
    (daemon_events.answering_again("milter"), "answering-again part=milter"),
    (
        log_events.log_followed("/var/log/mail.log", "found"),
        "log-followed log=/var/log/mail.log because=found",
    ),
    (log_events.log_not_followed("denied"), "log-not-followed detail=denied"),
    (
        log_events.log_tells_nothing("journal", LogStanding.SILENT, "mail moves"),
        'log-silent log=journal detail="mail moves"',
    ),
    (
        log_events.log_tells_nothing("/l", LogStanding.NOT_UNDERSTOOD, "lines"),
        "log-not-understood log=/l detail=lines",
    ),
    (log_events.log_lines_lost("it was cut"), 'log-lines-lost detail="it was cut"'),
    (log_events.log_lines_foreign(3), "log-lines-foreign count=3"),
    (
        log_events.sent_unverified(
            replace(
                SENT,
                verified=False,
                unverified=Unverified.OTHER_NAME,
                lines=("Q: status=sent (ok)",),
            )
        ),
        (
            "sent-unverified domain=woodgrovebank.test recipient_domain=woodgrovebank.test queue_id=4F2C1A0B "
            "relay=mail.woodgrovebank.test[198.51.100.20]:25 "
            'because=other-name tls="Verified TLSv1.3" line="Q: status=sent (ok)"'
        ),
    ),
]


@pytest.mark.parametrize(("event", "line"), GOLDEN, ids=[event.word for event, _ in GOLDEN])
def test_line(event: Event, line: str) -> None:
    """A changed line is an incompatible change."""
    assert str(event) == line


def test_refusals_stand_out() -> None:
    """What lets a message in is information, what holds it back a warning."""
    assert GOLDEN[0][0].level == logging.INFO
    assert GOLDEN[1][0].level == logging.WARNING


def test_a_stranger_cannot_start_a_line() -> None:
    """Whatever a value holds, a line stays one line of printable ASCII."""
    line = str(session_events.malformed_delegation('x" verdict=pass\r\n\x1b[2J\u2028é'))
    assert line.isascii()
    assert line.isprintable()
    assert line == 'malformed-delegation-request detail="x\\" verdict=pass\\r\\n\\u001b[2J\\u2028\\u00e9"'
