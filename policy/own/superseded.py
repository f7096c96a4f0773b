"""Which of our certificates have had their day: what is forgotten after a renewal, with its key.

Owns: that rule.  Must not know: files, Postfix.
Invariant: what is in use, what may be needed to go back, and what nobody has yet put to use are never named.
"""

from collections.abc import Collection
from datetime import datetime

from .own_certificate import OwnCertificate
from .own_entries import Inventory


def superseded(
    inventory: Inventory, in_use: Collection[str], kept: Collection[str], now: datetime
) -> tuple[OwnCertificate, ...]:
    """Return the certificates that may be forgotten; *in_use* and *kept*, by SHA-256, are not.

    These are kept besides: each that was imported behind every one in use, for somebody may still enable it;
    each that names a host that none in use names; the predecessor, which is the last imported of the others
    that is still valid; and each whose key was exported, while it is valid, for it may be in use elsewhere.
    """
    present = [own for own in inventory.certificates if own.sha256 in in_use]
    if not present:
        return ()
    since = min(own.imported for own in present)
    named = {name.lower() for own in present for name in own.names}
    older = [own for own in inventory.certificates if own not in present and own.imported < since]
    former = [own for own in older if named.issuperset(map(str.lower, own.names))]
    valid = [own for own in former if own.certificate.not_after > now]
    spared = {own.sha256 for own in (*valid[:1], *(own for own in valid if own.exported is not None))}
    return tuple(own for own in former if own.sha256 not in spared | set(kept))
