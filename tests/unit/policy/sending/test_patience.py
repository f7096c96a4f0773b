"""Which messages are given up."""

from datetime import UTC, datetime, timedelta

import pytest

from domain_secure.policy.sending.patience import QueuedMessage, Waiting, overdue
from domain_secure.policy.terms.lists import DomainList

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIMIT = timedelta(hours=4)
LISTED = DomainList.of("woodgrovebank.test", "*.fabrikam.test")
HELD = "Server certificate not verified"


def message(
    *recipients: tuple[str, str | None], queue: str = "deferred", age: timedelta = timedelta(hours=5)
) -> QueuedMessage:
    """Return a message that waits for these."""
    waiting = tuple(Waiting(address, reason) for address, reason in recipients)
    return QueuedMessage(queue, "4F2C1A0B", NOW - age, "user@contoso.test", waiting)


@pytest.mark.parametrize(
    ("waiting", "entries"),
    [
        (message(("a@woodgrovebank.test", HELD)), ("woodgrovebank.test",)),
        (
            message(("a@WoodgroveBank.test", HELD), ("b@x.fabrikam.test", HELD)),
            ("woodgrovebank.test", "*.fabrikam.test"),
        ),
        (message(('"a@b"@woodgrovebank.test', HELD)), ("woodgrovebank.test",)),
        (message(("a@woodgrovebank.test", HELD), ("b@elsewhere.test", HELD)), None),
        (message(("a@fabrikam.test", HELD)), None),
        (message(("a@woodgrovebank.test", None)), None),
        (message(("a@woodgrovebank.test", HELD), ("b@woodgrovebank.test", None)), None),
        (message(("a@woodgrovebank.test", HELD), queue="hold"), None),
        (message(("a@woodgrovebank.test", HELD), queue="active"), None),
        (message(("a@woodgrovebank.test", HELD), age=LIMIT), None),
        (message(("local", HELD)), None),
        (message(("a@[192.0.2.1]", HELD)), None),
        (message(), None),
    ],
)
def test_only_what_waits_for_listed_domains_alone(
    waiting: QueuedMessage, entries: tuple[str, ...] | None
) -> None:
    """Mixed mail, held mail, untried mail and young mail stay."""
    found = [(one.entries, one.reason) for one in overdue([waiting], LISTED, LIMIT, NOW)]
    assert found == ([] if entries is None else [(entries, HELD)])
