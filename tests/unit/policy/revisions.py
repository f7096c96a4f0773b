"""Revisions for tests."""

from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.revisions.revision import Envelope, Revision, Text

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def revision(number: int = 1, **changes: Any) -> Revision:
    """Return a revision of one small text."""
    values: dict[str, Any] = {
        "number": number,
        "fleet": "f",
        "parent": None,
        "settles": False,
        "at": NOW,
        "who": "ada",
        "node": "edge1",
        "what": "receive add a.test",
        "texts": {"policy": Text("0" * 64, "1" * 64, 3)},
    }
    return Revision(**values | changes)


def line(*numbers: int, above: Envelope | None = None, **changes: Any) -> list[Envelope]:
    """Return revisions that follow on each other, the first one on *above*."""
    made: list[Envelope] = []
    for number in numbers:
        parent = made[-1] if made else above
        digest = parent.revision.digest if parent else None
        made.append(Envelope(revision(number, parent=digest, **changes)))
    return made
