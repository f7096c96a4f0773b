"""What sessions with different certificates prove."""

import pytest

from domain_secure.policy.sending.mutual_proof import Mutual, Session, Shown, conclude

TAKEN = Session(asked=True, refusal=None, last_step="MAIL FROM")
REFUSED = Session(asked=True, refusal="MAIL FROM was answered with 550", last_step="MAIL FROM")
UNASKED = Session(asked=False, refusal=None, last_step="QUIT")
NOT_TOLD = Session(asked=None, refusal=None, last_step="MAIL FROM")
NO_SESSION = Session(asked=None, refusal="no connection", last_step="STARTTLS")


def held(nothing: Session, ours: Session | None, other: Session, own: Session) -> dict[Shown, Session]:
    """Return four sessions, or three."""
    found = {Shown.NOTHING: nothing, Shown.OTHER_NAME: other, Shown.SELF_SIGNED: own}
    return found | ({Shown.OURS: ours} if ours else {})


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        (held(REFUSED, TAKEN, REFUSED, REFUSED), Mutual.PROVED),
        (held(TAKEN, TAKEN, REFUSED, REFUSED), Mutual.NOT_REFUSED),
        (held(REFUSED, TAKEN, REFUSED, TAKEN), Mutual.NOT_REFUSED),
        (held(REFUSED, REFUSED, REFUSED, REFUSED), Mutual.OURS_REFUSED),
        (held(UNASKED, UNASKED, UNASKED, UNASKED), Mutual.NOT_ASKED),
        (held(REFUSED, None, REFUSED, REFUSED), Mutual.OURS_NOT_SHOWN),
        (held(NO_SESSION, NO_SESSION, NO_SESSION, NO_SESSION), Mutual.UNKNOWN),
        (held(REFUSED, NO_SESSION, REFUSED, REFUSED), Mutual.OURS_REFUSED),
        (held(NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD), Mutual.UNKNOWN),
        (held(NO_SESSION, NOT_TOLD, NO_SESSION, NO_SESSION), Mutual.PROVED),
    ],
)
def test_conclusions(sessions: dict[Shown, Session], expected: Mutual) -> None:
    """Only refusals of all others prove anything."""
    assert conclude(sessions) is expected
