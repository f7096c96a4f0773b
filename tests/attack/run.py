"""``./dev attack``: forged mail, sessions mixed up, and hostile octets at every door."""

import sys
from collections.abc import Sequence

from . import mix_ups, mix_ups_model, readers, strangers
from .fuzzing.fuzzing import FUZZING
from promises import run_tool

PARTS = readers.PARTS | strangers.PARTS | mix_ups_model.PARTS | mix_ups.PARTS | {"fuzzing": FUZZING}


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack and print; return 1 where a promise breaks."""
    return run_tool("attack", "Attack the product, and count what became of it.", PARTS, arguments)


if __name__ == "__main__":
    sys.exit(main())
