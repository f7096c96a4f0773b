"""Every package that an installation consists of has a licence that is known and goes with ours."""

from datetime import UTC, datetime

from .bill_of_materials import components, document
from promises import Promise

PART = "licences"


def measure(quick: bool) -> list[Promise]:
    """Look at the licence of each package that the lock file of this Python pins."""
    del quick
    parts = components()
    others = [f"{part.name}: {part.licence}" for part in parts if not part.is_compatible]
    made = [document(parts, datetime.fromtimestamp(0, UTC)) for _ in range(2)]
    without = [part.name for part in parts if not part.digests]
    return [
        Promise(
            PART,
            f"licences of {len(parts)} packages that are known and go with the product's",
            "all",
            "all" if not others else "; ".join(others),
            not others,
        ),
        Promise(PART, "packages without the digests of their files", "0", str(len(without)), not without),
        Promise(
            PART,
            "the bill of materials names every package, twice alike",
            "yes",
            f"{len(made[0]['components'])} of {len(parts)}",
            made[0] == made[1] and len(made[0]["components"]) == len(parts),
        ),
    ]
