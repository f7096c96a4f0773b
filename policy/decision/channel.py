"""Whether a session can carry a proof at all: TLS, good enough, with a client certificate.

Owns: the words for a session that cannot.
"""

from domain_secure.policy.configuration.configuration import Partner
from domain_secure.policy.terms.tls import is_weak_cipher

from .evidence import Session
from .verdict import Verdict

NO_EVIDENCE = "the receiving side could not see the TLS state of this session; please retry"


def judge_channel(session: Session | None, partner: Partner) -> tuple[Verdict, str] | None:
    """Return why the session cannot carry a proof at all, or None."""
    if session is None:
        return Verdict.NO_EVIDENCE, NO_EVIDENCE
    if session.tls_version is None:
        return Verdict.NO_TLS, "mail from this domain must arrive over TLS with a client certificate"
    if session.tls_version < partner.minimum_tls:
        return (
            Verdict.WEAK_TLS,
            f"{session.tls_version} was negotiated; at least {partner.minimum_tls} is needed for this domain",
        )
    if session.cipher is None or is_weak_cipher(session.cipher):
        return (
            Verdict.WEAK_TLS,
            f"cipher {session.cipher or 'unknown'} was negotiated; it does not protect this domain's mail",
        )
    if session.certificate_pin is None:
        names = " or ".join(partner.client_names)
        return (
            Verdict.NO_CERTIFICATE,
            f"no client certificate was presented; mail from this domain needs one for {names}",
        )
    return None
