"""One claim: a listed domain that a message says it is from (DESIGN section 2).

Owns: the value.  How claims are found is ``claims``'s part.
"""

from dataclasses import dataclass

from domain_secure.policy.terms.domain import Domain, Entry


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A listed domain that a message says it is from."""

    entry: Entry  #: the entry of the receive list that covers it
    domain: Domain  #: what the message says
    source: str  #: ``envelope``, ``from``, ``sender``, ``resent-from``; several with commas
