"""What was agreed on in a session, as a name."""

import pytest

from domain_secure.milter.daemon.milter_packets import Negotiated

REQUEST = b"\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff"
AGREED = b"O\x00\x00\x00\x06\x00\x00\x00\x11\x00\x0f\x00\x00"
ANSWER = b"\x00\x00\x00\x14" + AGREED + b"macros\0"


def test_what_was_agreed_is_a_name() -> None:
    """The name gives it back; another list of macros is another agreement."""
    agreed = Negotiated.from_packets(REQUEST, ANSWER)
    assert agreed == Negotiated.from_packets(REQUEST, ANSWER)
    assert agreed != Negotiated.from_packets(REQUEST, ANSWER[:-2] + b"x\0")
    assert len(agreed.name) < 256  # sd_notify(3), FDNAME
    assert Negotiated.of(agreed.name) == agreed
    assert agreed.steps == 0x0F0000


@pytest.mark.parametrize("name", ["session-", "session-00-00", "milter", "asking", ""])
def test_other_names_say_nothing(name: str) -> None:
    """Whatever else the manager kept is no session."""
    assert Negotiated.of(name) is None
