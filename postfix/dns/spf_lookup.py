"""Whether a client may send for a domain, by the records that the domain publishes (SPF).

Owns: how many questions are worked on at a time, and for how long one may take.
Must not know: how DNS is asked (look-ups are passed in), what follows from a result.

pyspf evaluates the records; its own look-ups, which ask the resolver in another way and know no common time
limit, are replaced by ours.  It is imported by the first question.
Invariants: asking never waits; what was not found in time, or made the library stumble, is a temporary error
and never a pass; what a record says in words is not passed on; a record by which clients anywhere pass is
told apart, in whichever way it says so (``+all``, networks that add up to all, a name that always exists),
because others could have us write to whomever it is about.
Source: RFC 7208, section 4.6.4 for the limits, which the library keeps.
"""

import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any

from domain_secure.policy.reflector.spf import SpfQuestion, SpfResult
from domain_secure.postfix.work.paced_tasks import Pace, PacedTasks, Room

from .dns_lookup import Lookups, LookupStatus

_ROOM = Room(threads=4, waiting=32)
# Who writes again may have mended his record; DNS has it for as long as it says.
_PACE = Pace(after_success=0.0, after_failure=0.0, longest=0.0)
_MOST_RECORDS = 50  #: of one answer; a record that counts has fewer
_LONGEST_LABEL = 64
# Bits of an address, from the left, of which four in a row are turned over.  All IPv6 addresses that are
# given out have the first three in common.
_FIRST_BITS = {4: 0, 6: 3}


class SpfLookup:
    """An SpfSource on *lookup*; safe from many threads."""

    def __init__(self, lookup: Lookups, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tasks: PacedTasks[tuple[SpfQuestion, float], SpfResult] = PacedTasks(
            lambda asked: evaluated(asked[0], lookup, lambda: monotonic() >= asked[1]),
            lambda result: result is not SpfResult.TEMPERROR,
            _PACE,
            _ROOM,
            monotonic=monotonic,
        )

    def find(self, question: SpfQuestion, deadline: float) -> Future[SpfResult]:
        """Return a future of what the records say."""
        future: Future[SpfResult] = Future()
        task = self._tasks.ask((question, deadline))
        if task is None:
            future.set_result(SpfResult.TEMPERROR)
            return future
        task.add_done_callback(
            lambda done: (
                future.set_exception(error)
                if (error := done.exception())
                else future.set_result(done.result())
            )
        )
        return future


def evaluated(question: SpfQuestion, lookup: Lookups, is_over: Callable[[], bool]) -> SpfResult:
    """Return what the records of the reverse-path's domain say of the client.

    *is_over* tells whether time is up.  Raises ImportError where the library is not there, and nothing else.
    """
    library = _library()
    kept: dict[tuple[str, str], list[Any]] = {}

    def result_for(client_address: str) -> SpfResult:
        path = question.reverse_path
        query = library.query(client_address, str(path), path.domain)
        query.dns = _Answers(library, lookup, is_over, kept)
        # Nobody reads explanations here, and they cost a look-up.
        query.get_explanation = lambda _: None
        return SpfResult(query.check()[0])

    try:
        result = result_for(question.client_address)
        if result is SpfResult.PASS:
            others = {result_for(one) for one in _elsewhere(question.client_address)}
            if SpfResult.PASS in others:
                return SpfResult.EVERYBODY
            if SpfResult.TEMPERROR in others:
                return SpfResult.TEMPERROR
    except Exception:  # noqa: BLE001 - records are strangers', and so is the library to us
        return SpfResult.TEMPERROR
    return result


def _elsewhere(client_address: str) -> list[str]:
    """Return addresses far from a client's: no network that is somebody's holds it and one of these."""
    client = ip_address(client_address)
    client = getattr(client, "ipv4_mapped", None) or client
    first = _FIRST_BITS[client.version]
    lowest = client.max_prefixlen - 1
    return [str(type(client)(int(client) ^ 1 << lowest - bit)) for bit in range(first, first + 4)]


def _library() -> Any:
    with warnings.catch_warnings():
        # Its docstrings have backslashes that newer Pythons warn of.
        warnings.simplefilter("ignore")
        import spf  # noqa: PLC0415 - see above
    return spf


class _Answers:
    """Records as the library wants them, for one evaluation; *kept* are those that were found."""

    def __init__(
        self,
        library: Any,
        lookup: Lookups,
        is_over: Callable[[], bool],
        kept: dict[tuple[str, str], list[Any]],
    ) -> None:
        self._library = library
        self._lookup = lookup
        self._is_over = is_over
        self._kept = kept
        self._void = 0

    def __call__(
        self, name: object, record_type: str, cnames: object = None, *, ignore_void: bool = False
    ) -> list[Any]:
        """Return the records of a name; aliases were followed by the resolver."""
        del cnames
        key = str(name).rstrip(".").lower(), record_type
        if not all(0 < len(label) < _LONGEST_LABEL for label in key[0].split(".")):
            return []
        if key not in self._kept:
            self._kept[key] = self._found(*key)
        if not self._kept[key] and not ignore_void:
            self._void += 1
            if self._void > self._library.MAX_VOID_LOOKUPS:
                raise self._library.PermError("too many look-ups without an answer")
        return list(self._kept[key])

    def _found(self, name: str, record_type: str) -> list[Any]:
        if self._is_over():
            raise self._library.TempError("time is up")
        answer = self._lookup(name, record_type)
        if answer.status is LookupStatus.FAILED:
            raise self._library.TempError(answer.detail)
        read = _READ[record_type]
        return [read(record) for record in answer.records[:_MOST_RECORDS]]


_READ: dict[str, Callable[[Any], Any]] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": lambda record: (record.preference, record.exchange.to_text(omit_final_dot=True)),
    "PTR": lambda record: record.target.to_text(omit_final_dot=True),
    "TXT": lambda record: record.strings,
}
