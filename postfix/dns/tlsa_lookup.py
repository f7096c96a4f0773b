"""The TLSA records of a partner's MX hosts, from DNS, as far as DNSSEC vouches for them.

Owns: the order of the look-ups, and for how long an answer is kept.
Must not know: how DNS is asked (look-ups are passed in), what records are compared with.
Invariant: a record is taken only where MX, address and TLSA answers were all authenticated.  An answer that
is not authenticated says that there are no records; one that failed says that nobody knows.
Sources: RFC 7672 sections 2.1 and 2.2, 2.2.2 for an MX host that is an alias; Postfix's tls_dane.c
(tls_dane_resolve), which does the same.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.postfix.work.paced_tasks import Pace, PacedTasks, Room
from domain_secure.postfix.work.task_group import TaskGroup

from .dns_lookup import MOST_SECONDS, Lookup, Lookups, LookupStatus
from .mail_exchangers import exchange_names, mail_domains

_ROOM = Room(threads=8, waiting=256)
_KEPT = 4096
# That there are no records may be the word of a resolver that lies, or does not validate for a moment, and
# defers the partner's mail: for how long to believe it is for that resolver, which is on this machine.
_WITHOUT_RECORDS_SECONDS = 1
# An answer in which something failed is not kept; the next message asks again, but not at once; not
# later than this either, so that mail flows as soon as DNS is back.
_PACE = Pace(after_success=0.0, after_failure=1.0, longest=1.0)


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """An answer about one domain, and for how many seconds it holds."""

    answer: TlsaAnswer
    seconds: int


def look_up(domain: Domain, lookup: Lookups) -> TimedAnswer:
    """Return the records of the mail servers of *domain*, as *lookup* knows them."""
    mx = lookup(domain, "MX")
    if mx.status is LookupStatus.FAILED:
        return TimedAnswer(TlsaAnswer(failures=(mx.detail,)), 0)
    answers = [host_records(host, lookup) for host in exchange_names(domain, mx)] if mx.authenticated else []
    joined = TlsaAnswer(
        frozenset(record for one in answers for record in one.answer.records),
        tuple(failure for one in answers for failure in one.answer.failures),
    )
    return TimedAnswer(joined, min([mx.seconds, *(one.seconds for one in answers)]))


def host_records(host: Domain, lookup: Lookups, port: int = 25) -> TimedAnswer:
    """Return the records of one mail server; that its name may be believed is for the caller to know.

    Where *host* is an alias, those of its target count if all names on the way are signed; those of the alias
    itself if it alone is, or if the target has none.  A look-up that fails is not followed by another.
    """
    failures: list[str] = []
    answer = TimedAnswer(TlsaAnswer(), MOST_SECONDS)
    for base in _bases(host, lookup, failures):
        found = lookup(f"_{port}._tcp.{base}", "TLSA")
        if found.status is LookupStatus.FAILED:
            return TimedAnswer(TlsaAnswer(failures=(found.detail,)), found.seconds)
        answer = TimedAnswer(TlsaAnswer(), found.seconds)
        if found.authenticated and found.records:
            usable = (TlsaRecord.of(one.usage, one.selector, one.mtype, one.cert) for one in found.records)
            records = frozenset(one for one in usable if one is not None)
            return TimedAnswer(TlsaAnswer(records, base=base), found.seconds)
    if failures:
        return TimedAnswer(TlsaAnswer(failures=tuple(failures)), MOST_SECONDS)
    return answer


def _bases(host: Domain, lookup: Lookups, failures: list[str]) -> tuple[Domain, ...]:
    """Return the names under which a host's records may stand, the first that has some counts.

    Servers of zones that are not signed are known to fail when they are asked for TLSA: whether one is, its
    addresses tell (RFC 7672 section 2.1.1).
    """
    failed = ""
    for record_type in ("A", "AAAA"):
        found = lookup(host, record_type)
        if found.status is LookupStatus.FOUND:
            return _signed_names(host, found, lookup, failures)
        if found.status is LookupStatus.FAILED:
            failed = found.detail
    if failed:
        failures.append(failed)
    return ()


def _signed_names(
    host: Domain, addresses: Lookup, lookup: Lookups, failures: list[str]
) -> tuple[Domain, ...]:
    try:
        target = parse_domain(addresses.canonical or host)
    except InvalidDomainError:
        target = host
    if addresses.authenticated:
        return tuple(dict.fromkeys((target, host)))
    if target == host:
        return ()
    alias = lookup(host, "CNAME")
    if alias.status is LookupStatus.FAILED:
        failures.append(alias.detail)
    return (host,) if alias.authenticated and alias.status is LookupStatus.FOUND else ()


class TlsaLookup:
    """A TlsaSource on *lookup*; keeps answers for as long as DNS lets it; safe from many threads."""

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        lookup: Lookups,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configuration = configuration
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: OrderedDict[Domain, tuple[float, TlsaAnswer]] = OrderedDict()
        self._tasks: PacedTasks[Domain, TimedAnswer] = PacedTasks(
            lambda domain: look_up(domain, lookup),
            lambda found: not found.answer.failures,
            _PACE,
            _ROOM,
            monotonic=monotonic,
        )

    def find(self, entry: Entry) -> Future[TlsaAnswer]:
        """Return a future of what DNS says for the domains of a list entry."""
        domains = mail_domains(entry, self._configuration().partner(entry))
        answers: list[TlsaAnswer] = []
        future: Future[TlsaAnswer] = Future()
        group = TaskGroup(lambda: future.set_result(_joined(answers, len(domains))))
        for domain in domains:
            if (kept := self._fresh(domain)) is not None:
                answers.append(kept)
            else:
                group.follow(self._tasks.ask(domain), self._keeper(domain, answers))
        group.close()
        return future

    def _keeper(self, domain: Domain, answers: list[TlsaAnswer]) -> Callable[[TimedAnswer], None]:
        def keep(found: TimedAnswer) -> None:
            if not found.answer.failures:
                longest = MOST_SECONDS if found.answer.records else _WITHOUT_RECORDS_SECONDS
                until = self._monotonic() + min(found.seconds, longest)
                with self._lock:
                    self._kept[domain] = (until, found.answer)
                    self._kept.move_to_end(domain)
                    if len(self._kept) > _KEPT:
                        self._kept.popitem(last=False)
            answers.append(found.answer)

        return keep

    def _fresh(self, domain: Domain) -> TlsaAnswer | None:
        with self._lock:
            kept = self._kept.get(domain)
        return kept[1] if kept is not None and self._monotonic() < kept[0] else None


def _joined(answers: list[TlsaAnswer], wanted: int) -> TlsaAnswer:
    records = frozenset(record for answer in answers for record in answer.records)
    failures = tuple(dict.fromkeys(failure for answer in answers for failure in answer.failures))
    if len(answers) < wanted and not failures:
        failures = ("a look-up failed a moment ago",)
    return TlsaAnswer(records, failures)
