"""The log catalogue: every line the daemon writes, one function each (``protocol_events``: the rest).

A line is a word for the event, then ``key=value`` pairs in a fixed order; scripts search for them, so a
changed line is an incompatible change.  Values that a stranger chose are quoted and escaped here.
"""

import json
import logging
import re
from dataclasses import dataclass
from typing import Self

from .delivery import Delivery
from .redaction import without_local_parts

_BARE = re.compile(r"[\w.:/@\[\]*+<>=,%-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Event:
    """One line: its level (as in ``logging``), its word, and its pairs."""

    level: int
    word: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, level: int, word: str, /, **pairs: object) -> Self:
        """Return the event; what is None is written as a dash."""
        return cls(
            level, word, tuple((key, "-" if value is None else str(value)) for key, value in pairs.items())
        )

    def __str__(self) -> str:
        """Return the line; values outside a safe alphabet are JSON strings in ASCII."""
        return " ".join((self.word, *(f"{key}={_value(value)}" for key, value in self.pairs)))


def _value(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text)


_event = Event.of


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


def self_proof(standing: str, detail: str) -> Event:
    """Return the line for a test of our own port 25: ``proved``, ``failed`` or ``unknown``."""
    level = {"proved": logging.INFO, "failed": logging.ERROR}.get(standing, logging.WARNING)
    return _event(level, "self-proof", standing=standing, detail=detail)


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
        line=without_local_parts(delivery.lines[-1]) if delivery.lines else None,
    )
