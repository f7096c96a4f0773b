"""The service unit: systemd understands it, and it is hardened."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "domain-secure.service"
# systemd-analyze calls 0 to 2 "OK" and anything above "MEDIUM" to "UNSAFE".
EXPOSURE_LIMIT = 2.0

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_unit_is_understood(tmp_path: Path) -> None:
    """``systemd-analyze verify`` has nothing to say once the command exists."""
    program = tmp_path / "domain-secure"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/domain-secure", str(program)))
    done = analyze("verify", "--man=no", str(unit))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_timer_is_understood(tmp_path: Path) -> None:
    """``systemd-analyze verify`` has nothing to say of the timer and what it starts."""
    program = tmp_path / "domain-secure"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for kind in ("service", "timer"):
        source = UNIT.with_name(f"domain-secure-give-up.{kind}")
        text = source.read_text().replace("/usr/local/bin/domain-secure", str(program))
        (tmp_path / source.name).write_text(text)
    done = analyze("verify", "--man=no", str(tmp_path / "domain-secure-give-up.timer"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_unit_is_hardened() -> None:
    """``systemd-analyze security`` rates the exposure as OK."""
    done = analyze("security", "--offline=true", "--no-pager", str(UNIT))
    rating = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert rating, done.stdout + done.stderr
    assert float(rating[1]) <= EXPOSURE_LIMIT
