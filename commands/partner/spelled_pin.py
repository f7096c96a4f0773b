"""A pin as a person writes it: the digest in any spelling, bare where the book knows what it is of."""

from collections.abc import Iterable
from contextlib import closing

from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.spelled_digest import pin_of, read_digest

_FIX = "copy the digest from `domain-secure pending` or from the partner"


def spelled_pins(configuration: Configuration, texts: Iterable[str]) -> list[Pin]:
    """Return the pins that *texts* mean; raises Problem.

    A digest that does not say what it is of must be one that was seen, or is pinned for some partner.
    """
    pinned = frozenset(
        pin
        for partner in configuration.partners.values()
        for pin in (*partner.pins, *(timed.pin for timed in partner.timed_pins))
    )
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        return [_spelled_pin(text, book, pinned) for text in texts]


def _spelled_pin(text: str, book: CertificateBook, pinned: frozenset[Pin]) -> Pin:
    try:
        spelled = read_digest(text)
        if spelled.kind is not None:
            return pin_of(text)
    except ValueError as error:
        raise Problem(str(error), repr(text), _FIX) from error
    seen = [pin for one in book.all() for pin in (one.chain[0].certificate_pin, one.chain[0].public_key_pin)]
    for waiting in book.pending():
        seen += [waiting.fingerprint, *([waiting.public_key] if waiting.public_key else [])]
    pins = {pin for pin in (*seen, *pinned) if pin.digest == spelled.digest}
    if len(pins) == 1:
        return pins.pop()
    raise Problem(
        "whether this is of a certificate or of a public key is not known",
        repr(text),
        f"write sha256:{spelled.digest} or spki-sha256:{spelled.digest}",
    )
