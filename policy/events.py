"""The log catalogue: every line the daemon writes, one function each.

A line is a word for the event, then ``key=value`` pairs in a fixed order; scripts search for them, so a
changed line is an incompatible change.  Values that a stranger chose are quoted and escaped here.
"""

import json
import logging
import re
from dataclasses import dataclass

from .certificate import Certificate
from .certificate_document import certificate_document
from .configuration import Mode
from .decision import Decision, Finding
from .decision_record import DecisionRecord
from .delivery import Delivery
from .verdict import Effect

_BARE = re.compile(r"[\w.:/@\[\]*+<>=,%-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Event:
    """One line: its level (as in ``logging``), its word, and its pairs."""

    level: int
    word: str
    pairs: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Return the line; values outside a safe alphabet are JSON strings in ASCII."""
        return " ".join((self.word, *(f"{key}={_value(value)}" for key, value in self.pairs)))


def _value(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text)


def _event(level: int, word: str, /, **pairs: object) -> Event:
    return Event(
        level, word, tuple((key, "-" if value is None else str(value)) for key, value in pairs.items())
    )


def decided(decision: Decision, finding: Finding, *, queue_id: str, client: str, reply: str | None) -> Event:
    """Return the canonical line about one claimed domain of one message."""
    session = decision.session
    level = logging.INFO if decision.effect in {Effect.NONE, Effect.ACCEPT} else logging.WARNING
    return _event(
        level,
        "decision",
        verdict=finding.verdict.word,
        domain=finding.claim.entry,
        claimed=finding.claim.domain,
        claimed_in=finding.claim.source,
        method=finding.method,
        effect=decision.effect,
        mode="observe" if finding.partner.mode is Mode.OBSERVE else "enforce",
        queue_id=queue_id,
        client=client,
        tls=session.tls_version if session else None,
        certificate=session.certificate_pin if session else None,
        detail=finding.detail,
        reply=reply,
    )


_SHOWN_CERTIFICATES = 4


def reasoning(record: DecisionRecord) -> tuple[Event, ...]:
    """Return the lines of the verbose protocol log: the evidence, each certificate, each method tried."""
    known = record.decision.evidence.known_certificate if record.decision.evidence else None
    chain = (known.certificate, *known.intermediates) if known else ()
    certificates = [
        certificate_shown(one, queue_id=record.queue_id, number=number)
        for number, one in enumerate(chain[:_SHOWN_CERTIFICATES], 1)
    ]
    attempts = [
        event
        for finding in record.decision.findings
        for event in attempted(finding, queue_id=record.queue_id)
    ]
    return (evidence_seen(record), *certificates, *attempts)


def evidence_seen(record: DecisionRecord) -> Event:
    """Return the line for what a decision rests on, and how long it took."""
    evidence = record.decision.evidence
    session = evidence.session if evidence else record.session
    known = evidence.known_certificate if evidence else None
    return _event(
        logging.INFO,
        "evidence",
        queue_id=record.queue_id,
        client=record.client,
        tls=session.tls_version if session else None,
        cipher=session.cipher if session else None,
        certificate=session.certificate_pin if session else None,
        public_key=session.public_key_pin if session else None,
        path=known.path.outcome if known else None,
        path_detail=known.path.detail if known else None,
        revocation=known.revocation if known else None,
        revocation_detail=(known.revocation_detail or None) if known else None,
        milliseconds=f"{record.seconds * 1000:.1f}",
    )


def certificate_shown(certificate: Certificate, *, queue_id: str, number: int) -> Event:
    """Return the line for one certificate of a chain, the peer's own being number 1."""
    shown = certificate_document(certificate)
    return _event(
        logging.INFO,
        "certificate",
        queue_id=queue_id,
        number=number,
        subject=shown["subject"],
        issuer=shown["issuer"],
        names=",".join(shown["names"]) or None,
        not_before=shown["not_before"],
        not_after=shown["not_after"],
        certificate=shown["certificate"],
        public_key=shown["public_key"],
    )


def attempted(finding: Finding, *, queue_id: str) -> tuple[Event, ...]:
    """Return a line for each method tried, for the verbose protocol log."""
    return tuple(
        _event(
            logging.INFO,
            "attempt",
            queue_id=queue_id,
            domain=finding.claim.entry,
            method=attempt.method,
            verdict=attempt.verdict.word,
            detail=attempt.detail,
        )
        for attempt in finding.attempts
    )


def history_set_aside(file: str, detail: str) -> Event:
    """Return the line for a history that cannot be used and made way for a new one."""
    return _event(logging.ERROR, "history-set-aside", file=file, detail=detail)


def history_failed(problem: str) -> Event:
    """Return the line for records that are not kept, at the first of them."""
    return _event(logging.ERROR, "history-failed", detail=problem)


def history_resumed() -> Event:
    """Return the line for records that are kept again."""
    return _event(logging.INFO, "history-resumed")


def log_levels_rejected(problem: str) -> Event:
    """Return the line for temporary log levels that cannot be read; the former ones stay."""
    return _event(logging.ERROR, "log-levels-rejected", detail=problem)


def log_levels_changed(levels: str) -> Event:
    """Return the line for a protocol log that says more or less from now on."""
    return _event(logging.INFO, "log-levels-changed", temporary=levels)


def forged_marks_removed(*, queue_id: str, client: str, count: int) -> Event:
    """Return the line for marks that somebody else had put into a message."""
    return _event(logging.INFO, "forged-marks-removed", queue_id=queue_id, client=client, count=count)


def forged_marks_refused(*, queue_id: str, client: str) -> Event:
    """Return the line for a message with more forged marks than are worth removing."""
    return _event(logging.WARNING, "forged-marks-refused", queue_id=queue_id, client=client)


def malformed_delegation(detail: str) -> Event:
    """Return the line for a peer on the policy socket that does not speak the protocol."""
    return _event(logging.WARNING, "malformed-delegation-request", detail=detail)


def internal_error(where: str, error: BaseException) -> Event:
    """Return the line for a fault of our own; the traceback goes beside it."""
    return _event(logging.ERROR, "internal-error", where=where, type=type(error).__name__, detail=str(error))


def evidence_source_failed(source: str, error: BaseException) -> Event:
    """Return the line for a certificate source that failed; the message is judged without it."""
    return _event(logging.ERROR, "certificate-source-failed", source=source, detail=str(error))


def certificate_set_aside(fingerprint: str, detail: str) -> Event:
    """Return the line for an entry of the certificate book that cannot be read; the others stay in use."""
    return _event(logging.ERROR, "certificate-set-aside", certificate=fingerprint, detail=detail)


def probed(*, target: str, certificate: str | None, tls: str | None, detail: str | None) -> Event:
    """Return the line for one look at a mail server's certificate; *detail* says what went wrong."""
    return _event(logging.INFO, "probed", target=target, certificate=certificate, tls=tls, detail=detail)


def probe_not_kept(target: str, problem: str) -> Event:
    """Return the line for a probed certificate that the book does not hold."""
    return _event(logging.ERROR, "probe-not-kept", target=target, detail=problem)


def revocation_set_aside(file: str, detail: str) -> Event:
    """Return the line for a kept revocation list or OCSP answer that cannot be read; it is fetched anew."""
    return _event(logging.WARNING, "revocation-set-aside", file=file, detail=detail)


def revocation_fetched(url: str, *, until: str) -> Event:
    """Return the line for a revocation list or an OCSP answer that says more than the one before."""
    return _event(logging.INFO, "revocation-fetched", url=url, until=until)


def revocation_not_fetched(url: str, *, detail: str, again: str) -> Event:
    """Return the line for a distribution point or a responder of no use; it is asked again later."""
    return _event(logging.WARNING, "revocation-not-fetched", url=url, detail=detail, again=again)


def revocation_not_kept(problem: str) -> Event:
    """Return the line for a revocation list or OCSP answer that is used and will not survive a restart."""
    return _event(logging.ERROR, "revocation-not-kept", detail=problem)


def certificate_dates_unknown(problem: str) -> Event:
    """Return the line for certificates whose ends could not be read for the metrics."""
    return _event(logging.ERROR, "certificate-dates-unknown", detail=problem)


def pending_not_noted(fingerprint: str, problem: str) -> Event:
    """Return the line for an unknown certificate that ``domain-secure pending`` will not show."""
    return _event(logging.ERROR, "pending-not-noted", certificate=fingerprint, detail=problem)


def configuration_loaded(path: str, *, receive: int, send: int, mode: str) -> Event:
    """Return the line for a configuration that is in force from now on."""
    return _event(
        logging.INFO, "configuration-loaded", path=path, receive_domains=receive, send_domains=send, mode=mode
    )


def configuration_rejected(problem: str) -> Event:
    """Return the line for a reload that failed; the former configuration stays in force."""
    return _event(
        logging.ERROR, "configuration-rejected", detail=problem, in_force="the last good configuration"
    )


def restart_needed(keys: tuple[str, ...]) -> Event:
    """Return the line for changed settings that only a restart applies."""
    return _event(logging.WARNING, "restart-needed", settings=",".join(keys))


def maps_published(*, changed: str) -> Event:
    """Return the line for Postfix tables that were written."""
    return _event(logging.INFO, "maps-published", changed=changed)


def maps_failed(problem: str) -> Event:
    """Return the line for Postfix tables that could not be written; the former ones stay."""
    return _event(logging.ERROR, "maps-failed", detail=problem)


def started(*, version: str, milter: str, policy: str, metrics: str) -> Event:
    """Return the line for a daemon that answers."""
    return _event(logging.INFO, "started", version=version, milter=milter, policy=policy, metrics=metrics)


def stopping(why: str) -> Event:
    """Return the line for a daemon that ends."""
    return _event(logging.INFO, "stopping", why=why)


def log_followed(where: str, why: str) -> Event:
    """Return the line for Postfix's log that is read from now on, and why that one."""
    return _event(logging.INFO, "log-followed", log=where, because=why)


def log_not_followed(problem: str) -> Event:
    """Return the line for Postfix's log that cannot be read; it is tried again from the same place."""
    return _event(logging.ERROR, "log-not-followed", detail=problem)


def log_lines_lost(detail: str) -> Event:
    """Return the line for a gap in Postfix's log: deliveries in it are in no counter."""
    return _event(logging.WARNING, "log-lines-lost", detail=detail)


def sent_unverified(delivery: Delivery) -> Event:
    """Return the line for mail that left for a listed domain without verified TLS, past the policy."""
    tls = delivery.tls
    return _event(
        logging.WARNING,
        "sent-unverified",
        domain=delivery.entry,
        recipient_domain=delivery.domain,
        queue_id=delivery.queue_id,
        relay=delivery.relay,
        tls=f"{tls.trust} {tls.protocol}" if tls else None,
        line=delivery.lines[-1] if delivery.lines else None,
    )
