"""What whoever sends a message writes: author fields, marks, signatures, a letter to the reflector."""

import re
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.milter.reflector.gathering import Gathering
from domain_secure.policy.claims.address import read_address_list, without_comments
from domain_secure.policy.claims.budget import MAXIMUM_AUTHOR_OCTETS, Allowance, TooMuchError
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.claims.claims import envelope_claims, header_claims, hides_authors
from domain_secure.policy.decision.marks import is_forged_mark
from domain_secure.policy.dkim.message_signature import KeyAnswer, SignatureStatus
from domain_secure.policy.dkim.signed_message import SignedMessage
from domain_secure.policy.reflector.letter import objection_to
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList

from attack.fuzzing.target import Fault, Take, Target

_LISTED = DomainList.of("woodgrovebank.test", "*.fabrikam.test", "bücher.test")
_CLAIM = Claim(Entry("woodgrovebank.test"), Domain("woodgrovebank.test"), "from")
_NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
_BEFORE_FIELD = re.compile(rb"\n(?![ \t])")
_KEY = b"\x1e"  #: in front of the record of a key


@contextmanager
def _authors(folder: Path) -> Iterator[Take]:
    del folder

    def take(octets: bytes) -> None:
        for name in ("From", "resent-from "):
            with suppress(TooMuchError):
                header_claims(name, octets, _LISTED, Allowance())
                hides_authors(name, octets)
        text = octets.decode("utf-8", "surrogateescape")
        envelope_claims((text, f"<{text}>"), _LISTED)
        read_address_list(text)
        without_comments(text)
        for name in ("Authentication-Results", "X-Domain-Secure"):
            is_forged_mark(name, octets)

    yield take


class _Keys:
    """One record, whatever is asked."""

    def __init__(self, record: bytes) -> None:
        self._record = record

    def find(self, name: str) -> Future[KeyAnswer]:
        """Return it at once."""
        del name
        future: Future[KeyAnswer] = Future()
        future.set_result(KeyAnswer((self._record,)))
        return future


@contextmanager
def _signatures(folder: Path) -> Iterator[Take]:
    del folder

    def take(octets: bytes) -> None:
        message, _, record = octets.partition(_KEY)
        signed = SignedMessage()
        fields, body = _parts(message)
        for name, value in fields:
            signed.add_field(name, value)
        signed.begin_body([_CLAIM])
        signed.add_body(body[:7])
        signed.add_body(body[7:])
        for one in signed.signatures(_Keys(record), 0.0, _NOW):
            if one.status is SignatureStatus.VALID and "from" not in one.covered:
                raise Fault(f"a signature counts that does not cover From: {one}")

    yield take


@contextmanager
def _letters(folder: Path) -> Iterator[Take]:
    del folder

    def take(octets: bytes) -> None:
        path, _, message = octets.partition(b"\n")
        letter = Gathering()
        letter.note_recipient(b"<check@contoso.test>")
        fields, body = _parts(message)
        for name, value in fields:
            letter.note_field(name, value)
        letter.begin_body()
        letter.note_body(body)
        noted = letter.letter(path.decode("utf-8", "surrogateescape"), 1)
        objection_to(noted, "check@contoso.test", _NOW)
        _ = noted.author, noted.identifier
        letter.signed.signatures(_Keys(body), 0.0, _NOW)

    yield take


def _parts(message: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return header fields and body as a milter is told them, folded lines with their fields."""
    head, _, body = message.partition(b"\n\n")
    fields = (field.partition(b":") for field in _BEFORE_FIELD.split(head))
    return [(name, value) for name, _, value in fields], body


TARGETS = (
    # Each input is read eight times over.
    Target("authors", _authors, MAXIMUM_AUTHOR_OCTETS, 4.0, (b",", b"\n", b" ")),
    Target("signatures", _signatures, 512 * 1024, 1.0, (b"\n", b";", b":")),
    Target("letters", _letters, 256 * 1024, 1.0, (b"\n", b",")),
)
