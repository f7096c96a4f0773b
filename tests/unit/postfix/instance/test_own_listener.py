"""Where our own smtpd listens."""

from pathlib import Path

import pytest
from scratch_postfix import make_scratch

from domain_secure.postfix.instance.own_listener import OwnListener, own_listener


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
    assert own_listener(scratch.instance) == OwnListener(address, 25, "smtp/inet")


def test_address_in_master_cf(tmp_path: Path) -> None:
    """Beats main.cf; a service of another port is none."""
    scratch = make_scratch(tmp_path)
    master = tmp_path / "postfix" / "master.cf"
    master.write_text(master.read_text().replace("smtp      inet", "192.0.2.9:25 inet"))
    assert own_listener(scratch.instance) == OwnListener("192.0.2.9", 25, "192.0.2.9:25/inet")
    master.write_text(master.read_text().replace("192.0.2.9:25 inet", "192.0.2.9:587 inet"))
    assert own_listener(scratch.instance) is None


@pytest.mark.parametrize("program", ["smtpd", "postscreen"])
def test_behind_a_proxy(tmp_path: Path, program: str) -> None:
    """The setting counts of the program that listens, in main.cf or for the service; others are named."""
    scratch = make_scratch(tmp_path)
    master = tmp_path / "postfix" / "master.cf"
    text = "smtp inet n - n - 1 {}\n[::1]:smtp inet n - n - - smtpd\n"
    master.write_text(text.format(program))
    scratch.set(f"{'postscreen' if program == 'smtpd' else 'smtpd'}_upstream_proxy_protocol = haproxy")
    found = own_listener(scratch.instance)
    assert found is not None
    assert not found.is_behind_proxy
    assert found.others == ("[::1]:smtp/inet",)
    master.write_text(text.format(f"{program} -o {program}_upstream_proxy_protocol=haproxy"))
    found = own_listener(scratch.instance)
    assert found is not None
    assert found.is_behind_proxy
    assert str(found) == "smtp/inet at 127.0.0.1:25"
