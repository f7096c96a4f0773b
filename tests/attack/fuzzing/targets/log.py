"""What Postfix, or whoever passes its log on, writes down of what strangers said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.deliveries.delivery_tracker import DeliveryTracker
from domain_secure.postfix.instance.queue import parse as parse_queued
from domain_secure.postfix.log_lines.log_form import is_by, line_of, names_postfix, records, usual_forms

from attack.fuzzing.target import Fault, Take, Target

_LISTED = DomainList.of("woodgrovebank.test", "*.fabrikam.test")
_NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_MOST_DOCUMENT = 4 * 1024 * 1024  #: octets, of what is kept over a restart


def _listed(domain: str) -> tuple[Domain, Entry] | None:
    try:
        parsed = parse_domain(domain)
    except InvalidDomainError:
        return None
    entry = _LISTED.match(parsed)
    return (parsed, entry) if entry else None


def _tracker() -> DeliveryTracker:
    return DeliveryTracker(_listed, lambda _: FailureReason.DANE, ("postfix",))


@contextmanager
def _log(folder: Path) -> Iterator[Take]:
    del folder

    def take(octets: bytes) -> None:
        lines = octets.split(b"\n")
        usual, _ = usual_forms(lines, every=True)
        tracker = _tracker()
        tracker.feed(usual[: len(usual) // 2], _NOW)
        kept = json.dumps(tracker.document())
        if len(kept) > _MOST_DOCUMENT + len(octets):
            raise Fault(f"{len(octets)} octets of log make {len(kept)} octets to keep")
        again = _tracker()
        again.resume(json.loads(kept))
        rest = usual[len(usual) // 2 :]
        if tracker.feed(rest, _NOW) != again.feed(rest, _NOW):
            raise Fault("a log that is cut and resumed gives other events")
        _journal(lines)

    yield take


def _journal(lines: list[bytes]) -> None:
    for fields in records(lines):
        if fields is not None and names_postfix(fields) and is_by(fields, (0,)):
            line_of(fields)
    for line in lines[:50]:
        try:
            parse_queued(line.decode("utf-8", "replace"))
        except Problem:
            continue


TARGETS = (Target("log", _log, 256 * 1024, 3.0, (b"\n", b" ", b"/", b",")),)
