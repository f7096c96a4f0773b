"""Where our own smtpd listens."""

from pathlib import Path

import pytest
from scratch_postfix import make_scratch

from domain_secure.postfix.instance.own_listener import own_listener


@pytest.mark.parametrize(
    ("interfaces", "address"),
    [
        ("all", "127.0.0.1"),
        ("loopback-only", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
    ],
)
def test_interfaces(tmp_path: Path, interfaces: str, address: str) -> None:
    """The loopback interface where that is one, else the first."""
    scratch = make_scratch(tmp_path)
    scratch.set(f"inet_interfaces = {interfaces}")
    assert own_listener(scratch.instance) == (address, 25)


def test_address_in_master_cf(tmp_path: Path) -> None:
    """Beats main.cf; a service of another port is none."""
    scratch = make_scratch(tmp_path)
    master = tmp_path / "postfix" / "master.cf"
    master.write_text(master.read_text().replace("smtp      inet", "192.0.2.9:25 inet"))
    assert own_listener(scratch.instance) == ("192.0.2.9", 25)
    master.write_text(master.read_text().replace("192.0.2.9:25 inet", "192.0.2.9:587 inet"))
    assert own_listener(scratch.instance) is None
