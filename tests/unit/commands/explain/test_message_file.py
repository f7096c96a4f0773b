"""A message in a file, as the daemon would see it."""

from hypothesis import given
from hypothesis import strategies as st

from domain_secure.commands.explain.message_file import MessageFile
from domain_secure.policy.terms.lists import DomainList

LISTED = DomainList.of("woodgrovebank.test")


def test_fields_and_body() -> None:
    """Folded fields stay folded, line ends become those of SMTP, and the empty line is nobody's."""
    message = MessageFile.parse(b"From: a@woodgrovebank.test\nSubject:b\n c\n\nOne\r\n\nTwo\n")
    assert message.fields == ((b"From", b" a@woodgrovebank.test"), (b"Subject", b"b\r\n c"))
    assert message.body == b"One\r\n\r\nTwo\r\n"
    assert [claim.source for claim in message.claims(LISTED)] == ["from"]


def test_header_ends_where_no_field_begins() -> None:
    """As in Postfix: what follows is text, and claims nothing."""
    message = MessageFile.parse(b"Subject: x\nno field\nFrom: a@woodgrovebank.test\n")
    assert message.fields == ((b"Subject", b" x"),)
    assert not message.claims(LISTED)


@given(st.binary(max_size=200))
def test_anything_is_a_message(content: bytes) -> None:
    """Whatever the file is, reading it ends."""
    message = MessageFile.parse(content)
    message.claims(LISTED)
    message.signed(frozenset())
