"""What keeps partners from believing a chain that we show, whoever the authority is that they trust.

Owns: a certificate that nobody but itself vouches for, one that comes without its intermediate certificates,
and signatures that nobody accepts any more.
Must not know: Postfix, files, what partners trust.
Sources: RFC 5246 section 7.4.2 and RFC 8446 section 4.4.2: a server sends its chain, up to the root.
"""

from collections.abc import Iterator

from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.certificate_signature import may_have_signed
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.certificates.weaknesses import signature_weakness

from .renewal_check import Change, Objection

_NEWER_AUTHORITY = (
    "import it with that authority's certificate that is signed with SHA-256, which the authority publishes, "
    "in place of this one; where there is none, have one issued by another authority"
)


def chain_faults(chain: Chain, anchors: TrustAnchors | None) -> Iterator[Objection]:
    """Yield what speaks against *chain*, ours first, each issuer behind what it issued.

    Whether it is complete is told by *anchors*, the authorities that this machine knows; None: not asked.
    """
    leaf, last = chain[0], structure(chain[-1].der)
    is_alone = len(chain) == 1
    if is_alone and last.subject == last.issuer:
        yield Objection(
            Change.SELF_SIGNED,
            "it is self-signed: partners refuse it unless they have pinned it, by hand or by a TLSA record",
        )
        return
    for certificate in chain:
        parts = structure(certificate.der)
        # Nobody relies on the signature of a root.
        if parts.subject != parts.issuer and (weakness := signature_weakness(certificate)) is not None:
            whose = "its" if certificate is leaf else f"the authority {certificate.subject}: its"
            told = f"{whose} {weakness}, and partners refuse it"
            yield Objection(
                Change.SIGNATURE, told, other_fix=None if certificate is leaf else _NEWER_AUTHORITY
            )
    if is_alone and anchors is not None:
        known = anchors.named(last.issuer)
        # What is no longer signed with can often not be checked either; then the name must do.
        is_known = known if signature_weakness(leaf) else [one for one in known if may_have_signed(one, leaf)]
        if not is_known:
            yield Objection(
                Change.CHAIN,
                f"its issuer ({leaf.issuer}) does not come with it and is no authority that this machine "
                "knows: partners do not find the way to one that they trust",
            )
