"""A machine that cannot be made is named as left out; where it was asked for by name, that is no success."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from machines.debian_root import UnavailableError, copied, enter
from machines.product_package import ROOT, SOURCE, build_root, copy_checkout

pytestmark = pytest.mark.machine

_NO_SOURCES = 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n'


@pytest.mark.parametrize(("chosen", "status"), [((), 0), (("--on", "bookworm"), 1)], ids=["all", "one"])
def test_a_suite_that_cannot_be_made_is_named(tmp_path: Path, chosen: tuple[str, ...], status: int) -> None:
    """Among all suites it is left out by name; asked for by name, the run fails besides."""
    apt = tmp_path / "apt.conf"
    apt.write_text(_NO_SOURCES)
    environment = {**os.environ, "APT_CONFIG": str(apt), "XDG_CACHE_HOME": str(tmp_path)}
    tests = Path(__file__).with_name("test_machines.py")
    command = [Path(sys.executable).with_name("pytest"), "-p", "no:cacheprovider", *chosen, "-k", "readme"]
    done = subprocess.run(
        [*command, tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "tests on a booted machine: bookworm: the host's apt knows no mirror" in done.stdout
    assert done.returncode == status


@pytest.mark.long
def test_what_a_package_is_made_of_may_be_out_of_reach(suite: str) -> None:
    """Then the suite is left out, in one clear line; what is fetched and not what is wanted is a fault."""
    try:
        root = build_root(suite)
    except UnavailableError as reason:
        pytest.skip(f"left out: {suite}: {reason}")
    with copied(root) as copy:
        copy_checkout(copy)
        nobody = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": "", "PIP_RETRIES": "1"}
        with pytest.raises(
            UnavailableError, match=r"^dev deb: what the package is made of cannot be fetched: "
        ):
            enter(copy, SOURCE / "dev", "deb", **nobody)
        for path in (copy / SOURCE.relative_to("/")).glob("requirements/build-*.txt"):
            path.write_text(re.sub(r"(?<=sha256:)[0-9a-f]{8}", "00000000", path.read_text()))
        with pytest.raises(
            AssertionError, match="dev deb: pip, for what requirements/ names: THESE PACKAGES DO NOT"
        ):
            enter(copy, SOURCE / "dev", "deb")
