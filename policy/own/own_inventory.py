"""Our own certificates as a daemon looks at them: which there are, and when each ends.

Must not know: how one is requested or taken in (``own_certificates``), which loads much more.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.expiry import ends_first

from .key_folder import KeyFolder
from .own_entries import Inventory, read_inventory


def inventory_of(state: Path) -> Inventory:
    """Return everything that is in the store below *state*; raises Problem where that cannot be used."""
    with KeyFolder(state).reading() as folder:
        return read_inventory(folder)


def expiries(inventory: Inventory, in_use: Mapping[str, str]) -> Iterator[tuple[str, str, Certificate]]:
    """Yield role, name, and what ends first of its chain, of each certificate of ours.

    *in_use* maps SHA-256 thumbprints to roles; what is not in use has the role ``unused``.
    """
    for own in inventory.certificates:
        name = next(iter(own.names), own.sha256)
        yield in_use.get(own.sha256, "unused"), name, ends_first(own.chain)
