"""The machine was powered off and booted: everything works without anybody's help."""

from uuid import uuid4

from mail_hosts import EDGE_ADDRESS, OURS, PARTNER, STRANGER_ADDRESS, UNIT, Edge, Partner, run, state, submit


def test_the_daemon_and_its_timers_came_up() -> None:
    """The daemon is active, every timer is, and no unit of ours has failed."""
    assert state(UNIT) == "active"
    assert "domain-secure" not in run("systemctl", "list-units", "--failed", "--plain").stdout
    assert "domain-secure" in run("systemctl", "list-timers", "--no-pager").stdout


def test_mail_goes_both_ways(edge: Edge, partner: Partner) -> None:
    """The partner's mail is marked, ours arrives with our certificate shown, a stranger is refused."""
    inbound, outbound = str(uuid4()), str(uuid4())
    partner.send(inbound)
    edge.send(outbound)
    assert edge.wait_for(inbound)["X-Domain-Secure"].startswith(f"pass ({PARTNER};")
    assert f"mail.{OURS}" in str(partner.wait_for(outbound))
    assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, f"admin@{PARTNER}") == 550


def test_check_finds_no_error() -> None:
    """Nothing is wrong."""
    print(run("domain-secure", "check").stdout)
