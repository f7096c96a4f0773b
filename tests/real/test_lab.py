"""The laboratory itself, without the product: what the other tests stand on."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab.laboratory import CONTOSO, EVIL, NOBODY, WOODGROVE, Lab
from lab.messages import compose, header_lines
from lab.waiting import wait_for

pytestmark = pytest.mark.real


def test_mail_flows_over_tls_with_the_certificates_of_both_sides(lab: Lab) -> None:
    """Contoso's Postfix delivers to Woodgrove's, which sees and believes Contoso's certificate."""
    message = compose(f"alice@{CONTOSO}", f"bob@{WOODGROVE}")
    reply = lab.submit(lab.contoso, message, sender=f"alice@{CONTOSO}", recipient=f"bob@{WOODGROVE}")
    assert reply.code == 250
    delivered = lab.woodgrove.wait_for_delivery(message.mark)
    received = header_lines(delivered, "Received")[0]
    assert "TLSv1.3" in received
    assert f'(Client CN "{CONTOSO}", Issuer "Laboratory Authority" (verified OK))' in received
    lab.woodgrove.wait_for_log(rf"Trusted TLS connection established from mail\.{CONTOSO}\[192\.0\.2\.10\]")
    wait_for(lambda: not lab.contoso.queue(), "an empty queue")


def test_a_message_that_cannot_be_delivered_stays_in_the_queue(lab: Lab) -> None:
    """Contoso keeps mail for a domain whose server does not answer."""
    lab.dns.add("closed.test. MX 10 mail.fabrikam.test.")
    message = compose(f"alice@{CONTOSO}", "bob@closed.test")
    lab.submit(lab.contoso, message, sender=f"alice@{CONTOSO}", recipient="bob@closed.test")
    lab.contoso.wait_for_log(r"to=<bob@closed\.test>.*status=deferred \(connect to .*Connection refused\)")
    assert len(lab.contoso.wait_for_deferred(1)) == 1


def test_a_client_shows_the_certificate_it_is_told_to(lab: Lab) -> None:
    """A client of the test, from an address of its choice, is seen with its certificate."""
    message = compose(f"mallory@{EVIL}", f"bob@{WOODGROVE}")
    reply = lab.send(
        lab.woodgrove,
        message,
        source=NOBODY,
        sender=f"mallory@{EVIL}",
        recipient=f"bob@{WOODGROVE}",
        tls=lab.client_context(lab.identities[EVIL]),
    )
    assert (reply.code, reply.status) == (250, "2.0.0")
    received = header_lines(lab.woodgrove.wait_for_delivery(message.mark), "Received")[0]
    assert f'Client CN "{EVIL}"' in received
    assert f"[{NOBODY}]" in received


def test_dns_answers_change_at_once(lab: Lab) -> None:
    """A record that a test adds, replaces or removes is answered so at the next question."""
    lab.dns.add("www.change.test. A 192.0.2.77")
    assert _address(lab, "www.change.test") == "192.0.2.77"
    lab.dns.replace("www.change.test.", "www.change.test. A 192.0.2.78")
    assert _address(lab, "www.change.test") == "192.0.2.78"
    lab.dns.remove("www.change.test.")
    assert _address(lab, "www.change.test") is None


def test_one_session_carries_several_messages_by_data_and_bdat(lab: Lab) -> None:
    """The client of the tests speaks CHUNKING and sends message after message; dots survive."""
    recipient = f"bob@{CONTOSO}"
    first, second = (compose(f"x@{EVIL}", recipient, body=".\r\n..\r\n.end") for _ in range(2))
    with lab.connect(lab.contoso, NOBODY) as dialogue:
        assert dialogue.message(f"x@{EVIL}", recipient, first.content).code == 250
        dialogue.mail(f"x@{EVIL}")
        dialogue.rcpt(recipient)
        assert dialogue.bdat(second.content, chunk=100).code == 250
    for message in (first, second):
        assert lab.contoso.wait_for_delivery(message.mark).endswith(b"\n.\n..\n.end\n")


def test_postfix_is_as_debian_makes_it(lab: Lab) -> None:
    """Contoso's smtpd runs chrooted on the default paths, and keeps doing so after a reload."""
    lab.contoso.reload()
    master = lab.contoso.outside("/etc/postfix/master.cf").read_text()
    assert master == Path("/usr/share/postfix/master.cf.dist").read_text()
    assert lab.contoso.parameter("queue_directory") == "/var/spool/postfix"
    assert lab.namespaces.run("postfix", "status", check=False).returncode == 0


def test_two_laboratories_do_not_meet(lab: Lab, own_lab: Lab) -> None:
    """Two laboratories at the same time have the same addresses and see nothing of each other."""
    message = compose(f"x@{EVIL}", f"bob@{CONTOSO}")
    own_lab.send(own_lab.contoso, message, source=NOBODY, sender=f"x@{EVIL}", recipient=f"bob@{CONTOSO}")
    own_lab.contoso.wait_for_delivery(message.mark)
    assert message.mark not in lab.contoso.log()


_MOUNTED = ("/run", "/etc", "/var/lib/postfix", "/var/log", "/var/spool", "/dev/log")
_HOLD_A_LABORATORY = """
import time
from lab.laboratory import Lab
lab = Lab()
print(lab.namespaces.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["the test process", "the first process inside"])
def test_nothing_stays_behind_after_a_kill(victim: str) -> None:
    """After kill -9 no process, mount, namespace, file or host name of the laboratory is left."""
    before = _traces()
    tests = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _HOLD_A_LABORATORY],
        env={**os.environ, "PYTHONPATH": str(tests)},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        first_process = int(holder.stdout.readline())
        network = Path(f"/proc/{first_process}/ns/net").readlink()
        assert len(_processes_in(network)) > 10
        os.kill(holder.pid if victim == "the test process" else first_process, signal.SIGKILL)
        wait_for(lambda: not _processes_in(network), "the end of all processes of the laboratory")
        holder.kill()
    assert _traces() == before


def _address(lab: Lab, name: str) -> str | None:
    found = lab.namespaces.run("getent", "ahostsv4", name, check=False).stdout.split()
    return found[0] if found else None


def _processes_in(network: Path) -> list[str]:
    """Return the ids of all processes in a network namespace; the holder itself is in ours."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/net").readlink() == network:
                found.append(process.name)
        except OSError:
            continue  # it ended while we looked
    return found


def _traces() -> dict[str, object]:
    """Return what a laboratory might have left on the host."""
    return {
        "mounts": _mounts(),
        "host name": os.uname().nodename,
        "named namespaces": _names("/run/netns") + _names("/etc/netns"),
        "laboratory": Path("/run/lab").exists(),
        "resolver": Path("/etc/resolv.conf").read_bytes(),
        "postfix": [(path.name, path.stat().st_mtime_ns) for path in sorted(Path("/etc/postfix").iterdir())],
        "queue": _names("/var/spool/postfix"),
        "temporary files": [name for name in _names(tempfile.gettempdir()) if name.startswith("lab")],
    }


def _mounts() -> list[str]:
    """Return what is mounted where a laboratory mounts something; elsewhere other tests do at this time."""
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted(place for place in places if place in _MOUNTED or place.startswith("/run/lab"))


def _names(folder: str) -> list[str]:
    path = Path(folder)
    return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
