"""Mail both ways, with every program the daemon starts running under its unit."""

import json
import re
import shlex
import shutil
import socket
import tomllib
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from uuid import uuid4

import pytest

from mail_hosts import (
    CONFIGURATION,
    EDGE_ADDRESS,
    OURS,
    PARTNER,
    STRANGER_ADDRESS,
    UNIT,
    UNPROVED,
    Edge,
    Partner,
    cursor,
    journal,
    metrics,
    run,
    state,
    submit,
    wait_for,
)

MAIL_LOG = Path("/var/log/mail.log")
#: Where the daemon asks, who waits for it, and who reloads Postfix then.
WANTED = Path("/var/lib/domain-secure/reload-wanted")
ASKED, GENERATE = "domain-secure-generate.path", "domain-secure-generate.service"
_NO_POLICY_FOUND, _SUCCESS, _FAILURE = 9, 0, 1  #: libtlsrpt's tlsrpt.h
SENT = f'domain_secure_messages_sent_total{{domain="{PARTNER}"}}'


@pytest.fixture
def mark() -> str:
    """A subject that no other message has."""
    return str(uuid4())


@pytest.fixture(scope="module")
def log_in_a_file() -> Iterator[None]:
    """Postfix logs to a file by its own postlogd, which the daemon may read after what `check` says."""
    run("postconf", "-e", f"maillog_file = {MAIL_LOG}")
    run("systemctl", "restart", "postfix", UNIT)
    findings = json.loads(run("domain-secure", "check", "--json", check=False).stdout)["findings"]
    for fix in [finding["fix"] for finding in findings if finding["word"] == "log-unreadable"]:
        # Before Postfix 3.9 it says what to do now, and what after each rotation.
        now = fix.removeprefix("run ").partition(" now")[0].partition(": ")[0]
        for command in now.split(" && "):
            run(*shlex.split(command))
    run("systemctl", "restart", UNIT)
    # What check says may be to log into a folder of its own.
    log = Path(run("postconf", "-h", "maillog_file").stdout.strip())
    wait_for(lambda: f"log-followed log={log}" in journal(UNIT), "the daemon to follow the file")
    yield
    run("postconf", "-e", "maillog_file = ")
    run("postconf", "-X", "maillog_file_permissions")
    MAIL_LOG.unlink()
    if log != MAIL_LOG:
        shutil.rmtree(log.parent)
    run("systemctl", "restart", "postfix", UNIT)


def test_the_partner_is_let_in_and_marked(edge: Edge, partner: Partner, mark: str) -> None:
    """A message over TLS with the partner's certificate bears our mark."""
    partner.send(mark)
    assert edge.wait_for(mark)["X-Domain-Secure"].startswith(f"pass ({PARTNER};")


def test_a_stranger_in_the_partners_name_is_refused() -> None:
    """Without the certificate it is refused for good; in a name of nobody's list it is delivered."""
    assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, f"admin@{PARTNER}") == 550
    assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, "user@nowhere.example") == 250


def test_our_mail_leaves_verified_and_shows_our_certificate(edge: Edge, partner: Partner, mark: str) -> None:
    """The partner saw our certificate and trusts it; our Postfix verified theirs."""
    edge.send(mark)
    message = partner.wait_for(mark)
    received = re.sub(r"\s+", " ", " ".join(message.get_all("Received", [])))
    assert f'Client CN "mail.{OURS}"' in received
    assert "(verified OK)" in received
    log = run("journalctl", "--no-pager", "--facility=mail", "--output=cat").stdout
    assert re.search(rf"Verified TLS connection established to mail\.{re.escape(PARTNER)}\[", log)
    _wait_until_counted(message)


def test_deliveries_are_counted_from_the_journal(edge: Edge, partner: Partner, mark: str) -> None:
    """The daemon's own journalctl reads what Postfix logs: one message more, and each once."""
    before = metrics().get(SENT, 0)
    edge.send(mark)
    _wait_until_counted(partner.wait_for(mark))
    assert metrics()[SENT] == before + 1


def test_deliveries_are_counted_from_a_file(
    edge: Edge, partner: Partner, log_in_a_file: None, mark: str
) -> None:
    """The daemon may read the file that Postfix writes: one message more, and each once."""
    assert log_in_a_file is None
    # The daemon has just been started.
    before = wait_for(lambda: metrics().get(SENT), "what was counted before")
    edge.send(mark)
    _wait_until_counted(partner.wait_for(mark))
    assert metrics()[SENT] == before + 1


def test_a_domain_added_to_the_send_list_is_held_to_verified_tls(
    edge: Edge, partner: Partner, mark: str
) -> None:
    """`send add` ends when it is in force: the very next message to who cannot be verified waits."""
    edge.send(mark, UNPROVED)
    partner.wait_for(mark)
    assert _last_line("send", "add", UNPROVED).startswith("in force")
    edge.send(f"{mark}-held", UNPROVED)
    assert "ertificate" in wait_for(lambda: edge.waits(UNPROVED), "the message to wait")
    assert f"{mark}-held" not in partner.inbox()
    assert _last_line("send", "remove", UNPROVED).startswith("in force")
    run("postqueue", "-f")
    partner.wait_for(f"{mark}-held")


def test_a_send_list_edited_by_hand_is_in_force_soon(edge: Edge, partner: Partner, mark: str) -> None:
    """The daemon writes the tables and asks; root's unit lets Postfix forget the former route, once."""
    assert state(ASKED) == "active"
    edge.send(mark, UNPROVED)
    partner.wait_for(mark)
    end, former = cursor(), CONFIGURATION.read_text()
    text = re.sub(r"(?ms)^(\[send\]\n.*?^domains = \[)", rf'\1"{UNPROVED}", ', former, count=1)
    assert UNPROVED in tomllib.loads(text)["send"]["domains"]
    CONFIGURATION.write_text(text)
    wait_for(lambda: _reloads(end) == 1, "root's unit to reload Postfix")
    assert "NOT YET IN FORCE" not in run("domain-secure", "status").stdout
    findings = json.loads(run("domain-secure", "check", "--json", check=False).stdout)["findings"]
    # That its server shows another's certificate is why it is on the list here.
    assert {one["word"] for one in findings if one["severity"] == "error"} <= {"partner-server-refused"}
    edge.send(f"{mark}-held", UNPROVED)
    assert "ertificate" in wait_for(lambda: edge.waits(UNPROVED), "the message to wait")
    assert f"{mark}-held" not in partner.inbox()
    CONFIGURATION.write_text(former)
    wait_for(lambda: _reloads(end) == 2, "Postfix to be reloaded once more")
    run("postqueue", "-f")
    partner.wait_for(f"{mark}-held")
    assert not WANTED.exists()
    assert state(ASKED) == "active"


@pytest.fixture
def reports() -> Iterator[socket.socket]:
    """Where Postfix's SMTP client tells of each session what a report of RFC 8460 needs (TLSRPT_README)."""
    if not run("postconf", "-d", "smtp_tlsrpt_enable").stdout:
        pytest.skip("this Postfix knows nothing of TLSRPT")
    path = Path(run("postconf", "-h", "queue_directory").stdout.strip()) / "reports"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(60)
        path.chmod(0o666)
        run("postconf", "-e", "smtp_tlsrpt_enable = yes", f"smtp_tlsrpt_socket_name = {path.name}")
        run("systemctl", "reload", "postfix")
        yield listener
    run("postconf", "-X", "smtp_tlsrpt_enable", "smtp_tlsrpt_socket_name")
    run("systemctl", "reload", "postfix")
    path.unlink()


def test_reports_of_tls_tell_of_mail_that_is_held(
    edge: Edge, partner: Partner, reports: socket.socket, mark: str
) -> None:
    """Verified mail is a success, held mail a failure, both under "no policy found": ours is not theirs."""
    edge.send(mark)
    partner.wait_for(mark)
    assert _told(reports, PARTNER) == (_NO_POLICY_FOUND, _SUCCESS)
    run("domain-secure", "send", "add", UNPROVED)
    edge.send(f"{mark}-held", UNPROVED)
    assert _told(reports, UNPROVED) == (_NO_POLICY_FOUND, _FAILURE)
    run("domain-secure", "send", "remove", UNPROVED)
    run("postqueue", "-f")
    partner.wait_for(f"{mark}-held")


def test_requiretls_only_adds_to_the_policy(edge: Edge, partner: Partner, mark: str) -> None:
    """A message that asks for it is verified as any; where the partner has it not, it goes back."""
    if not run("postconf", "-d", "requiretls_enable").stdout:
        pytest.skip("this Postfix knows nothing of REQUIRETLS")
    edge.submit_requiring_tls(mark)
    partner.wait_for(mark)
    failures = f'domain_secure_outbound_session_failures_total{{domain="{PARTNER}",reason="requiretls"}}'
    before = metrics().get(failures, 0)
    partner.set("requiretls_enable = no")
    edge.submit_requiring_tls(f"{mark}-returned")
    wait_for(lambda: metrics().get(failures, 0) == before + 1, "the failure to be counted")
    wait_for(
        lambda: "5.7.30" in str(edge.inbox().get("Undelivered Mail Returned to Sender")),
        "the message to go back",
    )
    assert f"{mark}-returned" not in partner.inbox()
    partner.set("requiretls_enable = yes")


def test_the_timers_jobs_run() -> None:
    """Each job that a timer starts ends well, and each timer waits for its next time."""
    timers = run("systemctl", "list-unit-files", "--no-legend", "domain-secure*.timer").stdout.splitlines()
    assert timers
    for timer in (line.split()[0] for line in timers if "@" not in line):
        run("systemctl", "start", timer.replace(".timer", ".service"))
        assert run("systemctl", "is-enabled", timer).stdout.strip() == "enabled"
        assert run("systemctl", "show", "--value", "--property=ActiveState", timer).stdout.strip() == "active"


def test_check_finds_no_error() -> None:
    """After all this, nothing is wrong."""
    print(run("domain-secure", "check").stdout)


def _wait_until_counted(message: Message) -> None:
    """Wait until the daemon tells of the delivery, as it does after it was counted."""
    # Postfix makes the name of a message of the time and the queue id.
    queue_id = str(message["Message-ID"]).partition("@")[0].rpartition(".")[2]
    pattern = rf"delivery status=sent .*queue_id={queue_id} "
    wait_for(lambda: re.search(pattern, journal(UNIT)), "the message to be counted")


def _told(reports: socket.socket, domain: str) -> tuple[int, int]:
    """Return policy and outcome of the next session, which is with *domain*."""
    document = json.loads(reports.recv(65536))
    (policy,) = document["policies"]
    assert (document["d"], policy["policy-domain"]) == (domain, domain)
    return policy["policy-type"], policy["f"]


def _last_line(*command: str) -> str:
    return run("domain-secure", *command).stdout.splitlines()[-1]


def _reloads(end: str) -> int:
    """Return how often root's unit has reloaded Postfix since *end*, a cursor."""
    return journal(GENERATE, after=end).count("Postfix was reloaded and goes by the tables")
