"""Sources of certificates that answer at once, later, wrongly, or not at all."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from domain_secure.policy.book.certificate_source import CertificateQuery, first_answer
from domain_secure.policy.certificates.certificate import Chain, parse
from domain_secure.policy.terms.domain import Entry

from lab.certificates import self_signed
from lab.waiting import DEADLINE

CHAIN = (parse(self_signed("mail.woodgrovebank.test").der),)
OTHER = (parse(self_signed("evil.test").der),)
QUERY = CertificateQuery(CHAIN[0].certificate_pin, (Entry("woodgrovebank.test"),), "192.0.2.1")


class AtOnce:
    """A source whose answer is ready."""

    def __init__(self, answer: Chain | None) -> None:
        self.answer = answer
        self.asked: list[CertificateQuery] = []

    def find(self, query: CertificateQuery) -> Future[Chain | None]:
        """Answer."""
        self.asked.append(query)
        future: Future[Chain | None] = Future()
        future.set_result(self.answer)
        return future


class Later:
    """A source that works in a thread of its own."""

    def __init__(self, work: Callable[[], Chain | None]) -> None:
        self.work = work
        self.pool = ThreadPoolExecutor(1)

    def find(self, query: CertificateQuery) -> Future[Chain | None]:
        """Begin to work."""
        del query
        return self.pool.submit(self.work)


class Broken:
    """A source that fails before it has begun."""

    def find(self, query: CertificateQuery) -> Future[Chain | None]:
        """Fail."""
        raise OSError(f"no route to {query.client_address}")


def fail() -> None:
    """Fail while working."""
    raise ConnectionResetError("peer went away")


def test_first_source_that_knows_ends_the_search() -> None:
    """A later source is not even asked: no probe where the book knows."""
    later = AtOnce(CHAIN)
    assert first_answer((AtOnce(None), AtOnce(CHAIN), later), QUERY, 5) == CHAIN
    assert not later.asked


def test_the_query_reaches_the_source() -> None:
    """Fingerprint, claimed entries and client address are passed on as they are."""
    source = AtOnce(None)
    assert first_answer((source,), QUERY, 5) is None
    assert source.asked == [QUERY]


def test_answer_that_comes_later_is_waited_for() -> None:
    """The message waits for as long as it may, and no longer than needed."""
    asked = threading.Event()

    def work() -> Chain:
        assert asked.wait(DEADLINE)
        return CHAIN

    class Next(AtOnce):
        def find(self, query: CertificateQuery) -> Future[Chain | None]:
            asked.set()
            return super().find(query)

    started = time.monotonic()
    assert first_answer((Later(work), Next(None)), QUERY, 10 * DEADLINE) == CHAIN
    assert time.monotonic() - started < 2 * DEADLINE


def test_source_that_never_answers_costs_the_timeout() -> None:
    """Nobody waits for its end, and what it finds afterwards is not lost: its work goes on."""
    release, finished = threading.Event(), threading.Event()

    def work() -> Chain:
        release.wait(DEADLINE)
        finished.set()
        return CHAIN

    assert first_answer((Later(work),), QUERY, 0.05) is None
    release.set()
    assert finished.wait(DEADLINE)


@pytest.mark.parametrize("timeout", [0, -1])
def test_no_time_to_wait(timeout: float) -> None:
    """Without any time only what is ready counts."""
    unanswered = Later(lambda: CHAIN)
    unanswered.pool.shutdown()
    never: Future[Chain | None] = Future()

    class Never:
        def find(self, query: CertificateQuery) -> Future[Chain | None]:
            del query
            return never

    assert first_answer((Never(),), QUERY, timeout) is None
    assert first_answer((Never(), AtOnce(CHAIN)), QUERY, timeout) == CHAIN


def test_failing_sources_are_logged_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of one source does not take the others' answers away."""
    with caplog.at_level(logging.ERROR, "domain_secure"):
        assert first_answer((Broken(), Later(fail), Later(lambda: CHAIN)), QUERY, 5) == CHAIN
        assert first_answer((Broken(), Later(fail)), QUERY, 5) is None
    logged = {str(record.msg) for record in caplog.records}
    assert 'certificate-source-failed source=Broken detail="no route to 192.0.2.1"' in logged
    assert 'certificate-source-failed source=Later detail="peer went away"' in logged


def test_cancelled_work_is_no_answer() -> None:
    """A source that gives up counts as one that does not know."""
    cancelled: Future[Chain | None] = Future()
    cancelled.cancel()

    class Cancelled:
        def find(self, query: CertificateQuery) -> Future[Chain | None]:
            del query
            return cancelled

    assert first_answer((Cancelled(), AtOnce(CHAIN)), QUERY, 5) == CHAIN


@pytest.mark.parametrize("answer", [OTHER, (), (*OTHER, *CHAIN)])
def test_another_certificate_is_no_answer(answer: Chain) -> None:
    """An answer must begin with the very certificate that was asked for."""
    assert first_answer((AtOnce(answer), Later(lambda: answer)), QUERY, 5) is None
