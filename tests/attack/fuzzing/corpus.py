"""The inputs that are kept: small ones that between them reach what is known to be reachable.

Owns: where they are, and their bounds.  An input whose name begins with ``finding-`` once showed a fault.
"""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "data" / "corpus"
MOST_OCTETS = 500_000  #: of all that are kept
FINDING = "finding-"


def kept(target: str) -> dict[str, bytes]:
    """Return the kept inputs of a target by their names, findings first."""
    names = sorted(file.name for file in (FOLDER / target).iterdir())
    names.sort(key=lambda name: not name.startswith(FINDING))
    return {name: (FOLDER / target / name).read_bytes() for name in names}
