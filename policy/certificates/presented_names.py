"""The names that a certificate presents, for comparison with one host and for people.

Owns: which names count, and how many of them are told.
Source: RFC 9525 section 6.3.
"""

from collections.abc import Sequence

from domain_secure.policy.terms.domain import parse_domain
from domain_secure.policy.terms.names import dns_name_matches

from .certificate import Certificate

_NAMED = 5  #: names in one sentence


def names_of(certificate: Certificate) -> tuple[str, ...]:
    """Return the host names of a certificate, or its common name where it has none."""
    return certificate.dns_names or ((certificate.common_name,) if certificate.common_name else ())


def names_host(presented: str, host: str) -> bool:
    """Tell whether a name in a certificate is *host*'s own, or a wildcard for its one label.

    Other than a partner's ``names``, a name stands for itself alone here (RFC 9525 section 6.3).
    """
    name = presented.lower().removesuffix(".")
    if name.startswith("*."):
        return dns_name_matches(presented, parse_domain(host)) and host.partition(".")[2] == name[2:]
    return name == host


def some(names: Sequence[str]) -> str:
    """Return names as one text, the first few of many."""
    named = ", ".join(names[:_NAMED])
    return f"{named} and {len(names) - _NAMED} more" if len(names) > _NAMED else named or "no host"
