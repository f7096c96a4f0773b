"""Why faults cannot be looked at here."""

import os

from lab import laboratory
from lab.namespaces import missing_programs


def why_not(*programs: str) -> str | None:
    """Return what is missing of the laboratory and of further *programs*, or None."""
    if os.geteuid() != 0:
        return "needs root, for namespaces of its own"
    missing = missing_programs([*laboratory.PROGRAMS, *programs])
    return f"not installed: {', '.join(missing)}" if missing else None
