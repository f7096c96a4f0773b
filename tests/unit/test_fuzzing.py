"""The short form of ``./dev attack fuzzing``: the corpus, and what is made of it."""

import pytest

from attack.fuzzing import fuzzing
from attack.fuzzing.corpus import FINDING, kept
from attack.fuzzing.examination import Examination, hang_noticed
from attack.fuzzing.registry import TARGETS
from attack.fuzzing.target import Fault, Target


def test_nothing_that_is_sent_or_written_to_us_does_harm() -> None:
    """No crash, no hang and no growth, for any target."""
    promises = fuzzing.measure(quick=True)
    assert {one.what.partition(":")[0] for one in promises} >= set(TARGETS)
    assert [one for one in promises if not one.held] == []


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_has_inputs_and_words(target: str) -> None:
    """Without them a search begins with nothing, and what was found once could come back unseen."""
    assert kept(target)
    assert TARGETS[target].words


def test_findings_are_replayed_first() -> None:
    """What showed a fault once is the first to be tried."""
    names = list(kept("state"))
    assert names[0].startswith(FINDING)


def test_what_does_harm_is_seen() -> None:
    """An error, a fault that was caught, and an input that takes too long: each is noted with its input."""

    def take(octets: bytes) -> None:
        if octets == b"error":
            raise LookupError(octets)
        if octets == b"fault":
            raise Fault("it is wrong")
        if octets == b"slow":
            sum(range(3_000_000))

    target = Target("harm", lambda _: pytest.fail("it is open"), 1024, seconds=0.005)
    with hang_noticed():
        examination = Examination(target, take)
        examination.replay([b"", b"error", b"fault", b"slow"])
    found = {fault.octets: fault.kind for fault in examination.outcome.faults.values()}
    assert set(found) == {b"error", b"fault", b"slow"}
    assert "LookupError" in found[b"error"]


def test_growth_and_steepness_are_seen() -> None:
    """Something that is kept of every input, and time that grows with the square of the octets."""
    held: list[bytes] = []

    def take(octets: bytes) -> None:
        held.append(b"x" * 1_000_000)
        sum(1 for one in range(len(octets)) for _ in range(one))

    target = Target("harm", lambda _: pytest.fail("it is open"), 4096, seconds=100.0)
    with hang_noticed():
        examination = Examination(target, take)
        examination.lengthen(fuzzing.Mutator(1, [b"ab\n"], (), 4096), [b"ab\n"], 1, 5.0)
        examination.repeat([b"a"], 60, 5.0)
    assert examination.outcome.steepest > 3
    assert examination.outcome.grown > 1024 * 1024
