"""Each document with commands is followed to the letter on one booted machine, of the stable suite."""

import pytest

from machines.edge_machine import HOME, booted, run_scenarios
from machines.product_package import ROOT

pytestmark = pytest.mark.machine

SUITE = "trixie"
#: What the documents speak of besides Postfix; none of it runs before its document starts it.
_PROGRAMS = ("amavisd-new", "haproxy", "prometheus", "rspamd", "curl")
_SERVICES = "systemctl disable -q amavis haproxy prometheus rspamd"


def test_documents_are_followed_to_the_letter(request: pytest.FixtureRequest) -> None:
    """What a reader types ends as the document says, shows what stands there, and does what it is for."""
    if SUITE not in (request.config.getoption("on") or [SUITE]):
        pytest.skip(f"documents are followed on {SUITE}")
    with booted(SUITE, "documents", _PROGRAMS, _SERVICES) as machine:
        for path in (ROOT / "docs").glob("*.md"):
            machine.copy_in(path, HOME / "docs" / path.name)
        run_scenarios(machine, "test_documents")
