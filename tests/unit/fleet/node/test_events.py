"""The log lines about the fleet, to the letter, because scripts search for them."""

import pytest

from domain_secure.fleet.node import events
from domain_secure.policy.terms.event import Event

from unit.policy.revisions import revision

GOLDEN = [
    (
        events.revision_fetched(revision(7, who="ada\n")),
        'fleet-revision revision=7 who="ada\\n" node=edge1 what="receive add a.test"',
    ),
    (
        events.revision_refused("the store went backwards"),
        'fleet-revision-refused detail="the store went backwards"',
    ),
    (
        events.without_past(revision(7), signer="nobody", others="edge2"),
        "fleet-without-past revision=7 at=2026-11-25T12:00:00+00:00 signed_by=nobody others=edge2",
    ),
    (events.name_taken("edge1", machines=2), "fleet-name-taken node=edge1 machines=2"),
    (events.left_fleet(), "fleet-left restart=needed"),
    (events.report_refused("full"), "fleet-report-refused detail=full"),
    (events.store_lost("gone", revision=None), "fleet-store-lost detail=gone enforced_revision=-"),
    (events.store_found(seconds=12.4), "fleet-store-found after=12s"),
]


@pytest.mark.parametrize(("event", "line"), GOLDEN, ids=[line.split()[0] for _, line in GOLDEN])
def test_lines(event: Event, line: str) -> None:
    """Each event is written as its golden line; what a person wrote is quoted."""
    assert str(event) == line
