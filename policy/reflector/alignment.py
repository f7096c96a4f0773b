"""Whether a letter is from whom it says: session, reverse-path or signature speaks for the author's domain.

Owns: when each of the three does.  Must not know: DNS, how signatures are checked.
Invariant: nothing that the client alone says is enough; what nobody knows is not taken for a no.
Sources: RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 section 3.1 for the word.  Stricter than there: by SPF the
whole reverse-path has to be the author's address; a signature has to cover what makes the letter one that was
written to us just now, so that nobody can have a letter answered that its author wrote to somebody else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.terms.domain import Domain, Entry, is_public_suffix
from domain_secure.policy.terms.mailbox import Mailbox

from .letter import Letter
from .spf import SpfResult

_MUST_COVER = frozenset({"from", "date", "message-id"})


@unique
class Means(StrEnum):
    """What speaks for the author's domain."""

    CERTIFICATE = "certificate"
    SPF = "spf"
    DKIM = "dkim"


@dataclass(frozen=True, slots=True)
class Alignment:
    """What was found."""

    means: Means | None  #: None: nothing speaks for the author
    is_known: bool  #: False: a look-up failed that might have said more
    detail: str  #: one clause for the author


def organizational_domain(domain: Domain) -> Domain:
    """Return the domain under a public suffix that *domain* is, or lies under; itself where it is one."""
    while (parent := domain.partition(".")[2]) and not is_public_suffix(Domain(parent)):
        domain = Domain(parent)
    return domain


def signer_claim(author: Domain) -> Claim:
    """Return the claim that a signature of the author's domain, or one above it, speaks for."""
    return Claim(Entry(f"*.{organizational_domain(author)}"), author, "from")


def by_certificate(author: Domain, decision: Decision) -> bool:
    """Tell whether the session proved to be the author's domain, by the decision about the message."""
    return decision.verdict is Verdict.PASS and any(
        one.claim.domain == author and one.verdict is Verdict.PASS for one in decision.findings
    )


def has_authors_path(letter: Letter, author: Mailbox) -> bool:
    """Tell whether the reverse-path is the author's address, so that SPF says something about him."""
    return letter.reverse_path.removeprefix("<").removesuffix(">").lower() == author.folded


def aligned(
    letter: Letter, address: str, spf: SpfResult | None, signatures: Iterable[MessageSignature] | None
) -> Alignment:
    """Return what SPF and DKIM say.

    *address* is the reflector's.  *spf* is None where the reverse-path is not the author's;
    *signatures* where the message was not seen as it was signed.
    """
    if spf is SpfResult.PASS:
        return Alignment(Means.SPF, is_known=True, detail="SPF: the client may send for the author's domain")
    found = tuple(signatures or ())
    details: list[str] = []
    for signature in found:
        fault = _fault(signature, letter, address)
        if fault is None:
            return Alignment(Means.DKIM, is_known=True, detail=f"DKIM: signed by {signature}")
        details.append(fault)
    is_known = spf is not SpfResult.TEMPERROR and not any(
        one.status is SignatureStatus.UNKNOWN for one in found
    )
    path = f"SPF: {spf}" if spf is not None else "SPF: the reverse-path is not the author's address"
    signed = f"DKIM: {details[0] if details else 'no signature'}"
    return Alignment(None, is_known, f"{path}; {signed}")


def _fault(signature: MessageSignature, letter: Letter, address: str) -> str | None:
    """Return why a signature does not speak for the author, in one clause, or None."""
    if signature.status is not SignatureStatus.VALID:
        return signature.detail or str(signature.status)
    if signature.uncovered:
        return "there are author fields that the signature does not cover"
    missing = _MUST_COVER - signature.covered
    if missing:
        return f"the signature does not cover {', '.join(sorted(missing))}"
    if not letter.addressed_in(address) & signature.covered:
        return "the signature does not cover the field that names the reflector"
    return None
