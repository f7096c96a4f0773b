"""Who ends a bypass after a start of the machine."""

from pathlib import Path

import pytest

from domain_secure.commands.bypass.keeper_process import keeper_unit, watched_state

UNITS = Path(__file__).parents[4] / "systemd"


@pytest.mark.parametrize(
    ("configuration", "unit", "template"),
    [
        ("domain-secure", "domain-secure-bypass.service", "domain-secure-bypass.path"),
        ("postfix-out", "domain-secure-bypass@postfix-out.service", "domain-secure-bypass@.path"),
    ],
)
def test_where_the_path_unit_looks(configuration: str, unit: str, template: str) -> None:
    """What is said to survive a start of the machine is what the unit really watches."""
    assert keeper_unit(Path(f"/etc/domain-secure/{configuration}.toml")) == unit
    text = (UNITS / template).read_text().replace("%i", configuration)
    assert f"PathExists={watched_state(unit)}/bypass/in-force.json\n" in text


def test_no_unit_elsewhere() -> None:
    """A configuration that no unit serves has none for its bypasses either."""
    assert keeper_unit(Path("/tmp/domain-secure.toml")) is None
