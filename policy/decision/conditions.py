"""What a partner's messages need besides an authenticated session: one function each.

Owns: what each condition asks, and the words for why it is not met.
Must not know: methods, what a failure does to the message.
"""

from collections.abc import Sequence

from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Condition
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus, is_aligned

from .methods import Attempt
from .verdict import Verdict

_NOT_SEEN = "the receiving side has not seen the signatures of this message; please retry"


def attempt_on(condition: Condition, claim: Claim, signatures: Sequence[MessageSignature] | None) -> Attempt:
    """Return whether *claim* meets the *condition*; *signatures* are None where nobody looked at them."""
    match condition:
        case Condition.DKIM:
            return Attempt(Condition.DKIM, *_by_dkim(claim, signatures))


def _by_dkim(claim: Claim, signatures: Sequence[MessageSignature] | None) -> tuple[Verdict, str]:
    """Return what the signatures of the claimed domain say; one that holds is enough.

    It must cover each field that makes the claim: what it does not cover, anybody may have added.
    """
    if signatures is None:
        return Verdict.NO_EVIDENCE, _NOT_SEEN
    aligned = [one for one in signatures if is_aligned(one.domain, claim.domain, claim.entry)]
    sources = set(claim.source.split(","))
    unknown, wrong = "", ""
    for one in aligned:
        uncovered = sorted(one.uncovered & sources)
        match one.status:
            case SignatureStatus.VALID if not uncovered:
                return Verdict.PASS, f"signed with DKIM by {one}"
            case SignatureStatus.VALID:
                wrong = wrong or f"the DKIM signature {one} does not cover {' and '.join(uncovered)}"
            case SignatureStatus.UNKNOWN:
                unknown = unknown or f"the DKIM signature {one} could not be checked ({one.detail})"
            case SignatureStatus.INVALID if not one.selector:
                wrong = wrong or f"no DKIM signature of {claim.domain} counts: {one.detail}"
            case SignatureStatus.INVALID:
                wrong = wrong or f"the DKIM signature {one} does not count: {one.detail}"
    if unknown:
        return Verdict.NO_EVIDENCE, f"{unknown}; please retry"
    return Verdict.NO_SIGNATURE, wrong or (
        f"no DKIM signature of {claim.domain} was found; mail from this domain needs one as well"
    )
