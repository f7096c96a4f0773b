"""``./dev fault``: break what is around the product under load, and count every message at both ends."""

import sys
from collections.abc import Sequence

from . import booted, clock, disks, network, postfix, processes
from promises import run_tool

PARTS = processes.PARTS | booted.PARTS | clock.PARTS | disks.PARTS | network.PARTS | postfix.PARTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Put the faults in and print; return 1 where a promise breaks."""
    return run_tool("fault", "Break what is around the product under load.", PARTS, arguments)


if __name__ == "__main__":
    sys.exit(main())
