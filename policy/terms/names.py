"""Match what a certificate says against what a partner is called.

Must not decide: whether the certificate is trusted; a name in a certificate nobody vouches for is only text.
Source: RFC 9525 section 6.3 (DNS domain names), and DESIGN section 2 for "or lies under it".
"""

import re
from collections.abc import Iterable

from .domain import Domain, is_public_suffix, lies_under

_PRESENTED = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
)


def dns_name_matches(presented: str, name: Domain) -> bool:
    """Tell whether the dNSName *presented* equals *name* or lies under it.

    A wildcard counts only as the whole left-most label, and never directly over a public suffix.
    A name that is no host name (an embedded NUL, a partial wildcard, an IP address) matches nothing.
    """
    folded = presented.lower().removesuffix(".")
    # Lower-casing turns U+212A into "k": only a name that was ASCII before is a host name.
    if not presented.isascii() or not _PRESENTED.fullmatch(folded):
        return False
    if folded.rpartition(".")[2].isdigit():
        return False  # an IP address: no top-level domain is a number (RFC 3696 section 2)
    if not folded.startswith("*."):
        return folded == name or lies_under(folded, name)
    parent = Domain(folded[2:])
    if is_public_suffix(parent):
        return False
    covers_name_itself = "." in name and name.split(".", 1)[1] == parent
    return parent == name or lies_under(parent, name) or covers_name_itself


def any_name_matches(presented: Iterable[str], names: Iterable[Domain]) -> str | None:
    """Return the first presented name that matches one of *names*, or None."""
    accepted = tuple(names)
    for candidate in presented:
        if any(dns_name_matches(candidate, name) for name in accepted):
            return candidate
    return None
