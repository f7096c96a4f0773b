"""A mailbox as a machine may write to it: the plain form, which no two programs read in two ways.

Source: RFC 5321 section 4.1.2 (Mailbox), narrowed to a dot-string and a domain, in ASCII; section 4.5.3.1.
"""

import re
from dataclasses import dataclass

from .domain import Domain, InvalidDomainError, parse_domain

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MAILBOX = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LONGEST_LOCAL_PART, _LONGEST = 64, 254


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address; the domain is in normal form."""

    local_part: str  #: as it was written
    domain: Domain

    @classmethod
    def parse(cls, text: str) -> "Mailbox":
        """Return the mailbox; raises ValueError for one that is quoted, routed, a literal, not ASCII."""
        match = _MAILBOX.fullmatch(text)
        if match is None or len(match["local"]) > _LONGEST_LOCAL_PART or len(text) > _LONGEST:
            raise ValueError(f"{text[:_LONGEST]!r} is not a plain address")
        try:
            domain = parse_domain(match["domain"])
        except InvalidDomainError as error:
            raise ValueError(str(error)) from error
        if domain.rpartition(".")[2].isdigit():
            raise ValueError(f"{text!r} has a number in the place of a domain")
        return cls(match["local"], domain)

    def __str__(self) -> str:
        """Return it as in RFC 5321, without brackets."""
        return f"{self.local_part}@{self.domain}"

    @property
    def folded(self) -> str:
        """Return it in lower case: for comparisons in which two spellings must not pass for two people."""
        return str(self).lower()
