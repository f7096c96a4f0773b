"""``./dev static``: look at the product without any load, and say which promises are kept."""

import sys

from . import fleet_secrets, licences, package, secrets
from promises import Part, run_tool

PARTS = {
    fleet_secrets.PART: Part(fleet_secrets.measure, fleet_secrets.why_not),
    licences.PART: Part(licences.measure),
    package.PART: Part(package.measure),
    secrets.PART: Part(secrets.measure, secrets.why_not),
}


def main() -> int:
    """Run the parts that are named, or all."""
    return run_tool("static", "Licences, secrets, modes of files, what a package is made of.", PARTS)


if __name__ == "__main__":
    sys.exit(main())
