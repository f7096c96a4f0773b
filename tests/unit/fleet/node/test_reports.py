"""What nodes say of themselves: read or refused, and what follows from it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.fleet.node.reports import NO_MAPS, Node, NodeState, Report, bounded_counters, summed
from domain_secure.policy.revisions.revision import Envelope

from unit.policy.revisions import NOW, revision

REPORT = Report("0.1.0", NOW, 5, "d5", 5, None, "ok", 80, ("mode",), {"a.test": {"mode": "observe"}}, {})
DIGESTS = {5: "d5", 6: "d6"}


def test_written_and_read_again() -> None:
    """A report survives the way through the store."""
    for report in (REPORT, replace(REPORT, maps=NO_MAPS, milter=None, counters={"t": {"a.test": 3}})):
        assert Report.parse(report.octets()) == report


def test_a_report_of_an_earlier_release() -> None:
    """It does not say whether Postfix has forgotten former routes, and is read all the same."""
    document = json.loads(REPORT.octets())
    del document["not_in_force"]
    assert Report.parse(json.dumps(document).encode()) == REPORT


def test_a_long_fault_does_not_make_a_report_unreadable() -> None:
    """It is cut, and the rest of the report stays."""
    read = Report.parse(replace(REPORT, problem="x" * 50_000, proof=Envelope(revision(5))).octets())
    assert read.problem is not None
    assert set(read.problem) == {"x"}
    assert read.proof == Envelope(revision(5))


def test_several_machines_of_one_name() -> None:
    """Each is counted, and the node is named with all of them."""
    one, other = replace(REPORT, machine="mx1"), replace(REPORT, counters={"t": {"a.test": 1}})
    node = Node("edge1", NodeState.LIVE, one, others=(other,))
    assert node.doubled == "2 machines call themselves edge1 (an older release, mx1)"
    assert Node("edge1", NodeState.LIVE, one).doubled is None
    assert summed({"edge1": node}) == {"t": {"a.test": 1}}


def test_why_it_is_not_in_force_is_told() -> None:
    """The tables hold the revision, and what is missing is Postfix itself."""
    assert replace(REPORT, not_in_force="qmgr[7] has run").missing(5) == "qmgr[7] has run"


@given(
    st.sampled_from([*json.loads(REPORT.octets())]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
)
def test_garbage_in_a_field(field: str, value: Any) -> None:
    """Whatever a stolen edge writes of itself is a report or an error, and nothing else."""
    try:
        read = Report.parse(json.dumps(json.loads(REPORT.octets()) | {field: value}).encode())
    except ValueError:
        return
    assert Report.parse(read.octets()) == read


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    """Octets that are no report are an error."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        Report.parse(octets)


@pytest.mark.parametrize(
    ("report", "enforces"),
    [
        (REPORT, True),
        (replace(REPORT, milter=6, digest="d6", maps=6), True),
        (replace(REPORT, milter=4, digest="d4"), False),
        (replace(REPORT, milter=None), False),
        (replace(REPORT, maps=4), False),
        (replace(REPORT, maps=None), False),
        (replace(REPORT, maps=NO_MAPS), True),
        (replace(REPORT, digest="another"), False),
        (replace(REPORT, not_in_force="qmgr[7] has run since before"), False),
    ],
)
def test_enforces(report: Report, enforces: bool) -> None:
    """A revision is enforced where it is in the milter and in the tables, and is that very one."""
    assert report.enforces(5, DIGESTS) is enforces
    if not enforces:
        assert report.missing(5)


def test_counters() -> None:
    """Counters are bounded without losing any, and summed up over live nodes."""
    many = {f"d{number}.test": number + 1 for number in range(700)}
    bounded = bounded_counters({"t": many})["t"]
    assert len(bounded) == 101
    assert sum(bounded.values()) == sum(many.values())
    nodes = {
        name: Node(name, NodeState.LIVE, replace(REPORT, counters={"t": {"a.test": count}}))
        for name, count in (("e1", 2), ("e2", 3))
    }
    assert summed(nodes | {"e3": Node("e3", NodeState.SILENT)}) == {"t": {"a.test": 5}}
