"""The oracle of ``./dev fault`` sees what is lost, wrong or refused for good."""

import pytest

from fault.ledger import Judgement, Kind, Ledger
from lab.laboratory import CONTOSO, WOODGROVE
from lab.messages import compose
from lab.story import FORGED_MARKS

MARK = f"X-Domain-Secure: pass ({WOODGROVE}; pkix; TLSv1.3) by mail.{CONTOSO}; ref=4F2C"
RESULT = f"Authentication-Results: mail.{CONTOSO}; x-domain-secure=pass header.d={WOODGROVE}"
GOOD = (MARK, RESULT)


def judged(kind: Kind, told: tuple[int | None, ...], *copies: tuple[str, ...]) -> Judgement:
    """Return the judgement on one message, and on what of it arrived with these header fields."""
    ledger = Ledger()
    message = compose("admin@a.test", "user@b.test")
    sent = ledger.open(kind, message.mark)
    for code in told:
        ledger.told(sent, code, 0.0)
    return ledger.judge(
        b"".join(f"{line}\r\n".encode() for line in copy) + message.content for copy in copies
    )


@pytest.mark.parametrize(
    ("kind", "told", "copies"),
    [
        (Kind.PARTNER, (250,), (GOOD,)),
        (Kind.PARTNER, (451, None, 250), (GOOD, GOOD)),
        (Kind.STRANGER, (421, 250), ((),)),
        (Kind.FORGER, (451, 530), ()),
        (Kind.FORGER, (451,), ()),
    ],
)
def test_what_is_right(kind: Kind, told: tuple[int | None, ...], copies: tuple[tuple[str, ...], ...]) -> None:
    """Put off and sent again, twice after a connection that broke, a forger refused or left waiting."""
    assert judged(kind, told, *copies).is_good


@pytest.mark.parametrize(
    ("kind", "told", "copies", "list_name"),
    [
        (Kind.PARTNER, (250,), (), "lost"),
        (Kind.PARTNER, (451,), (), "lost"),
        (Kind.STRANGER, (None, 250), (), "lost"),
        (Kind.PARTNER, (250,), ((),), "wrong"),
        (Kind.PARTNER, (250,), ((MARK,),), "wrong"),
        (Kind.PARTNER, (250,), ((*GOOD, *FORGED_MARKS),), "wrong"),
        (Kind.PARTNER, (250,), (FORGED_MARKS,), "wrong"),
        (Kind.STRANGER, (250,), (GOOD,), "wrong"),
        (Kind.STRANGER, (250,), ((RESULT,),), "wrong"),
        (Kind.STRANGER, (250,), (FORGED_MARKS,), "wrong"),
        (Kind.FORGER, (250,), (), "wrong"),
        (Kind.FORGER, (None, 530), ((),), "wrong"),
        (Kind.PARTNER, (550,), (), "refused"),
        (Kind.STRANGER, (451, 550), (), "refused"),
    ],
)
def test_what_is_not(
    kind: Kind, told: tuple[int | None, ...], copies: tuple[tuple[str, ...], ...], list_name: str
) -> None:
    """Each is on the list where it belongs, and the example names whose it was."""
    judgement = judged(kind, told, *copies)
    assert getattr(judgement, list_name)
    assert not judgement.is_good
    assert kind.value in judgement.examples


def test_the_first_right_answer_is_to_what_was_sent_afterwards() -> None:
    """An answer that was under way when the fault ended says nothing of the recovery."""
    ledger = Ledger()
    sent = ledger.open(Kind.PARTNER, "a")
    ledger.told(sent, 250, 1.0)
    assert ledger.first_good(Kind.PARTNER, 0.5) is not None
    assert ledger.first_good(Kind.PARTNER, 1.5) is None
    assert ledger.first_good(Kind.STRANGER, 0.5) is None
