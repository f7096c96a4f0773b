"""How much what a node reports is worth, where it names a revision that the store does not have."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain_secure.fleet.node.ahead import FARTHEST, Ahead, NodesAhead, newest_known
from domain_secure.fleet.node.reports import NO_MAPS, Node, NodeState, Report
from domain_secure.policy.revisions.revision import Envelope

from unit.policy.revisions import revision


def node(name: str, milter: int, known: int | None = None) -> Node:
    """Return a node that enforces a revision."""
    report = Report("1", datetime.now(UTC), milter, "", NO_MAPS, None, "ok", None, (), known=known)
    return Node(name, NodeState.LIVE, report)


@pytest.mark.parametrize(
    ("ahead", "proven", "live", "believed"),
    [(1, 0, 3, False), (1, 0, 2, False), (2, 0, 3, True), (1, 0, 1, True), (1, 1, 9, True), (0, 0, 3, False)],
)
def test_what_is_believed(ahead: int, proven: int, live: int, believed: bool) -> None:
    """A signature, or more than half of the nodes; one alone says what it likes."""
    nodes = tuple(Ahead(f"edge{number}", 9, None, number < proven) for number in range(ahead))
    assert NodesAhead(nodes, live).is_believed is believed


def test_numbers_beyond_all_reason_are_not_believed() -> None:
    """They would push the next revision's number out of what can be read."""
    nodes = {one.name: one for one in (node("a", 7, 9), node("b", 2**52), node("c", 3, FARTHEST + 6))}
    assert newest_known(nodes, 5) == (9, ["b", "c"])
    assert newest_known({}, 5) == (5, [])


def test_what_is_said_of_one() -> None:
    """With what was changed, where the node shows it."""
    shown = Envelope(revision(7, what="send add a.test\n")).signed(Ed25519PrivateKey.generate())
    assert str(Ahead("edge1", 7, shown, True)) == (
        "edge1 enforces revision 7 of 2026-11-25 12:00 UTC (send add a.test\\n)"
    )
    assert str(Ahead("edge1", 7, None, False)) == "edge1 enforces revision 7"
