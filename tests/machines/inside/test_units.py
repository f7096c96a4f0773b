"""The units on a booted machine: what they forbid, what they survive, what nobody notices of a restart."""

import json
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from booted_machine import (
    CONFIGURATION,
    MATERIAL,
    OTHER,
    OURS,
    PARTNER,
    SETTINGS,
    SOCKET_UNIT,
    STATE,
    UNIT,
    USER,
    Issuer,
    Machine,
    run,
    submit,
    wait_for,
)
from cryptography import x509
from restart_stream import report, restarts

EXPOSURE_LIMIT = 1.5
WATCHDOG_SECONDS = 10.0
CHECK, GIVE_UP = "domain-secure-check.service", "domain-secure-give-up.service"
REFRESH, REFRESH_TIMER = "domain-secure-refresh.service", "domain-secure-refresh.timer"
GENERATE, GENERATE_PATH = "domain-secure-generate.service", "domain-secure-generate.path"
INSTANCE = "postfix-out"
RUNTIME = Path("/run/systemd/system")
SENT = f'domain_secure_messages_sent_total{{domain="{PARTNER}"}}'

_TRACER = """
import ctypes, signal, sys
seize, interrupt = 0x4206, 0x4207  # ptrace(2)
library = ctypes.CDLL(None)
print([library.ptrace(each, int(sys.argv[1]), None, None) for each in (seize, interrupt)], flush=True)
signal.pause()
"""
_EPOLL_WAIT = {"x86_64": 232, "aarch64": 22}[os.uname().machine]


@pytest.fixture(params=[True, False], ids=["socket unit", "descriptor store"])
def held(request: pytest.FixtureRequest, machine: Machine) -> Machine:
    """Return the machine with the sockets held by their unit, or by the descriptor store alone."""
    run("systemctl", "stop", UNIT, SOCKET_UNIT)
    run("systemctl", "start", *([SOCKET_UNIT] if request.param else []), UNIT)
    machine.wait_until_it_answers()
    assert machine.property("NFileDescriptorStore") == ("0" if request.param else "2")
    return machine


@contextmanager
def drop_in(unit: str, text: str) -> Iterator[None]:
    """Change a unit until the machine is switched off, or this ends."""
    path = RUNTIME / f"{unit}.d" / "scenario.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        path.unlink()
        run("systemctl", "daemon-reload")


def main_process(machine: Machine) -> int:
    """Return the daemon's process."""
    return int(machine.property("MainPID"))


@contextmanager
def hung(thread: int) -> Iterator[None]:
    """Let one thread of a process stand still, and no other."""
    # Whoever traces has to end before what it traces can; so that is a process of its own.
    with subprocess.Popen([sys.executable, "-c", _TRACER, str(thread)], stdout=subprocess.PIPE) as tracer:
        try:
            assert tracer.stdout is not None
            assert tracer.stdout.readline() == b"[0, 0]\n", "the thread cannot be traced"
            yield
        finally:
            tracer.kill()


def waiting_for(domain: str) -> list[str]:
    """Return the queue ids of deferred messages to a domain."""
    messages = map(json.loads, run("postqueue", "-j").stdout.splitlines())
    return [
        str(message["queue_id"])
        for message in messages
        if message["queue_name"] == "deferred"
        and all(recipient["address"].endswith(f"@{domain}") for recipient in message["recipients"])
    ]


def threads_in(process: int, call: int) -> list[int]:
    """Return the threads of a process that wait in one system call."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(task.name) for task in tasks if (task / "syscall").read_text().startswith(f"{call} ")]


def shown_at_our_door() -> x509.Certificate:
    """Return the certificate that port 25 shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.starttls(context=context)
        assert client.sock is not None
        return x509.load_der_x509_certificate(client.sock.getpeercert(binary_form=True))  # type: ignore[attr-defined]


def overdue() -> int:
    """Return how many messages would be given up now."""
    return len(json.loads(run("domain-secure", "give-up", "--dry-run", "--json").stdout)["returned"])


def test_mail_goes_both_ways_within_the_restrictions(machine: Machine) -> None:
    """Tables, journal and proof of our certificate: every program that the daemon starts works."""
    inbound, outbound = str(uuid4()), str(uuid4())
    assert machine.send(PARTNER, certified=True, mark=inbound) == 250
    assert f"X-Domain-Secure: pass ({PARTNER};" in machine.delivered(inbound)
    assert machine.send(PARTNER, certified=False) == 550
    before = machine.metric(SENT)
    machine.send_out(outbound)
    wait_for(lambda: any(outbound in text for _, text in machine.server.messages), "our message to arrive")
    assert [name for name, text in machine.server.messages if outbound in text] == [f"mail.{OURS}"]
    wait_for(lambda: machine.metric(SENT) == before + 1, "it to be counted, by Postfix's log in the journal")
    assert machine.metric("domain_secure_maps_last_generation_successful") == 1
    wait_for(lambda: machine.metric("domain_secure_selfproof") == 1, "our own port 25 to be proved")


def test_new_tables_are_made_within_the_restrictions(machine: Machine) -> None:
    """postmap runs as the daemon's user, and an authority's file goes into Postfix's queue directory."""
    authority = CONFIGURATION.with_name("authority.pem")
    addition = f'[partner."{OTHER}"]\nsend_ca_file = "{authority}"\n'
    lists = SETTINGS.replace(
        f'[send]\ndomains = ["{PARTNER}"]', f'[send]\ndomains = ["{PARTNER}", "{OTHER}"]'
    )
    end = machine.cursor()
    machine.configure(lists + addition)
    wait_for(lambda: "maps-published" in machine.journal(after=end), "the tables to be made")
    assert OTHER in (STATE / "maps" / "tls_policy").read_text()
    assert "maps-failed" not in machine.journal(after=end)


def test_exposure(machine: Machine) -> None:
    """systemd itself rates what is in force."""
    del machine
    shown = run("systemd-analyze", "security", "--no-pager", UNIT).stdout
    rating = re.search(r"Overall exposure level for \S+: ([\d.]+)", shown)
    assert rating, shown
    assert float(rating[1]) <= EXPOSURE_LIMIT


@pytest.mark.parametrize("messages", [1, 1_000_000], ids=["a session each", "sessions without end"])
def test_nobody_notices_a_restart(held: Machine, messages: int) -> None:
    """Under a stream of mail nothing but 250 is answered, however long the sessions last."""
    stream = restarts(held, 3, messages, kill=False)
    report(stream)
    assert {code for _, code, _ in stream.answers} == {250}
    assert all(took < 20 for _, _, took in stream.answers)


def test_a_message_in_progress_comes_to_its_end(held: Machine) -> None:
    """The daemon waits for it; what comes meanwhile waits for the next one."""
    before = main_process(held)
    with held.session(certified=True) as client:
        assert client.mail(f"user@{PARTNER}")[0] == 250
        assert client.rcpt(f"{USER}@{OURS}")[0] == 250
        assert client.docmd("DATA")[0] == 354
        restart = threading.Thread(target=run, args=("systemctl", "restart", UNIT))
        restart.start()
        wait_for(lambda: held.state(UNIT) == "deactivating", "the end to begin")
        others: list[int] = []
        other = threading.Thread(target=lambda: others.append(held.send(OTHER, certified=False)))
        other.start()
        client.send(f"From: <user@{PARTNER}>\r\n\r\nbody\r\n.\r\n".encode())
        assert client.getreply()[0] == 250
        restart.join()
        other.join()
        assert others == [250]
        assert submit(client, PARTNER) == 250, "the session goes on"
    assert main_process(held) != before


def test_an_idle_session_goes_on_after_two_restarts(held: Machine) -> None:
    """It is passed on twice, and costs neither of the restarts any time."""
    with held.session(certified=True) as client:
        assert submit(client, PARTNER) == 250
        for _ in range(2):
            began = time.monotonic()
            run("systemctl", "restart", UNIT)
            assert time.monotonic() - began < 15
        assert submit(client, PARTNER) == 250
    assert int(held.property("NFileDescriptorStore")) <= 2


def test_a_session_goes_on_whatever_is_asked_of_new_ones(held: Machine) -> None:
    """By now whole messages are to be seen, and it began without; nobody is deferred for that."""
    with held.session(certified=True) as client:
        assert submit(client, PARTNER) == 250
        held.configure(f'{SETTINGS}[partner."{OTHER}"]\nrequire = ["dkim"]\n')
        run("systemctl", "restart", UNIT)
        assert submit(client, PARTNER) == 250


def test_killed_it_is_back_and_who_waited_is_served(held: Machine) -> None:
    """The sockets outlive the process."""
    run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
    assert held.send(PARTNER, certified=True) == 250


def test_one_hung_thread_ends_in_a_restart(machine: Machine) -> None:
    """All threads are alive, one answers no more: the service manager hears nothing and starts us again."""
    with drop_in(UNIT, f"[Service]\nWatchdogSec={WATCHDOG_SECONDS:g}\n"):
        run("systemctl", "restart", UNIT)
        process, end = main_process(machine), machine.cursor()
        # Of all threads only the policy listener's and the one that accepts sessions wait there.
        wait_for(lambda: len(threads_in(process, _EPOLL_WAIT)) == 2, "both to wait")
        with hung(threads_in(process, _EPOLL_WAIT)[-1]):
            wait_for(lambda: "Watchdog timeout" in machine.journal(after=end), "the manager to notice")
        wait_for(lambda: main_process(machine) not in {0, process}, "a new process")
        assert "not-answering part=" in machine.journal(after=end)
        machine.wait_until_it_answers()
    run("systemctl", "restart", UNIT)


def test_a_stopped_process_is_started_again(machine: Machine) -> None:
    """Nothing of ours runs then, and nothing needs to."""
    with drop_in(UNIT, f"[Service]\nWatchdogSec={WATCHDOG_SECONDS:g}\n"):
        run("systemctl", "restart", UNIT)
        process = main_process(machine)
        os.kill(process, signal.SIGSTOP)
        wait_for(lambda: main_process(machine) not in {0, process}, "a new process", 60)
        machine.wait_until_it_answers()
    run("systemctl", "restart", UNIT)


def test_what_failed_often_comes_back_by_itself(held: Machine) -> None:
    """Postfix is answered at once meanwhile; the cause gone, nobody needs to do anything."""
    held.configure("nonsense = 1\n" + SETTINGS)
    run("systemctl", "restart", UNIT, check=False)
    began = time.monotonic()
    assert held.send(OTHER, certified=False) in range(400, 500)
    assert time.monotonic() - began < 20, "Postfix was let go, and did not wait for its own limit of 30 s"
    wait_for(lambda: int(held.property("NRestarts")) >= 5, "five failures", 120)
    held.configure(SETTINGS)
    wait_for(lambda: held.state(UNIT) == "active", "the daemon to come back")
    held.wait_until_it_answers()


def test_check_fails_where_it_finds_an_error(machine: Machine) -> None:
    """Whoever watches failed units hears of it; the findings are in the journal."""
    wait_for(lambda: machine.metric("domain_secure_selfproof") == 1, "our own port 25 to be proved")
    machine.settle()
    run("systemctl", "start", CHECK)
    end = machine.cursor()
    run("systemctl", "stop", UNIT, SOCKET_UNIT)
    assert run("systemctl", "start", CHECK, check=False).returncode != 0
    assert machine.state(CHECK) == "failed"
    assert "[daemon-silent]" in machine.journal(CHECK, after=end)
    run("domain-secure", "detach")
    try:
        # Nobody is asked about mail by now, and the lists are still there.
        run("systemctl", "start", CHECK)
    finally:
        machine.attach()


def test_timers_can_be_enabled(machine: Machine) -> None:
    """Each names the next time."""
    del machine
    timers = [unit.replace(".service", ".timer") for unit in (CHECK, GIVE_UP)]
    run("systemctl", "enable", "--now", *timers)
    listed = run("systemctl", "list-timers", "--no-pager").stdout
    run("systemctl", "disable", "--now", *timers)
    assert all(timer in listed for timer in timers)


def test_renewals_are_taken_in_by_the_timer(machine: Machine) -> None:
    """Within the restrictions: taken in, proved and shown; one for another name is refused, and said."""
    place, former = Path("/srv/live.pem"), MATERIAL / f"mail.{OURS}.pem"
    place.write_bytes(former.read_bytes())
    run("domain-secure", "cert", "import", place, "--watch", "--enable")
    soon = "[Timer]\nOnBootSec=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n"
    try:
        Issuer().issue(f"mail.{OURS}", place)
        end = machine.cursor()
        with drop_in(REFRESH_TIMER, soon):
            run("systemctl", "start", REFRESH_TIMER)
            wait_for(lambda: f"enabled: {place}" in machine.journal(REFRESH, after=end), "the renewal")
            run("systemctl", "stop", REFRESH_TIMER)
        wait_for(lambda: machine.state(REFRESH) == "inactive", "the unit to end")
        assert machine.property("Result", REFRESH) == "success"
        assert "not proved" not in machine.journal(REFRESH, after=end)
        assert shown_at_our_door() == x509.load_pem_x509_certificate(place.read_bytes())
        Issuer().issue(f"mail.{OTHER}", place)
        assert run("systemctl", "start", REFRESH, check=False).returncode != 0
        assert f"refused: {place}: names:" in machine.journal(REFRESH, after=end)
        assert "[renewal-refused]" in run("domain-secure", "check", check=False).stdout
    finally:
        run("domain-secure", "cert", "refresh", "--forget", place)
        run("domain-secure", "cert", "import", former, "--enable", "--force")
        run("systemctl", "reset-failed", REFRESH, check=False)


def test_what_stands_in_place_of_the_request_to_reload(machine: Machine) -> None:
    """A folder goes, and the unit waits for the next request; what cannot go is not looked at for ever."""
    mark = STATE / "reload-wanted"
    run("systemctl", "start", GENERATE_PATH)
    (mark / "one" / "two").mkdir(parents=True)
    wait_for(lambda: not mark.exists(), "the folder to go")
    wait_for(lambda: machine.property("SubState", GENERATE_PATH) == "waiting", "the next request")
    assert machine.property("Result", GENERATE) == "success"
    mark.mkdir()
    run("mount", "-t", "tmpfs", "tmpfs", mark)
    try:
        wait_for(lambda: machine.state(GENERATE_PATH) == "failed", "it to be given up")
    finally:
        run("umount", mark)
        mark.rmdir()
        run("systemctl", "reset-failed", GENERATE_PATH, GENERATE)
        run("systemctl", "start", GENERATE_PATH)


def test_mail_is_given_up_within_the_restrictions(machine: Machine) -> None:
    """With ``inet_interfaces`` an address: what has waited too long goes back to its sender."""
    machine.configure(SETTINGS.replace("[trust]", '[outbound]\ngive_up = "1s"\n[trust]'))
    machine.server.close()
    try:
        machine.send_out(str(uuid4()))
        wait_for(lambda: waiting_for(PARTNER), "the message to be deferred")
        wait_for(lambda: overdue() == len(waiting_for(PARTNER)), "it to be overdue")
        run("systemctl", "start", GIVE_UP)
        wait_for(lambda: not waiting_for(PARTNER), "the message to be returned")
    finally:
        machine.server.open()


def test_a_second_instance(machine: Machine) -> None:
    """Another Postfix with its own queue directory, file and state; its sockets lie where its smtpd looks."""
    if not Path(f"/etc/{INSTANCE}").exists():
        run("postmulti", "-e", "init")
        run("postmulti", "-I", INSTANCE, "-e", "create")
    configuration = CONFIGURATION.with_name(f"{INSTANCE}.toml")
    configuration.write_text(
        f'{SETTINGS}[postfix]\nconfig_directory = "/etc/{INSTANCE}"\n'
        f'[paths]\nstate = "/var/lib/domain-secure-{INSTANCE}"\n'
        '[metrics]\nlisten = "127.0.0.1:9798"\n[selfproof]\nenabled = false\n'
    )
    service, sockets = (f"domain-secure@{INSTANCE}.{kind}" for kind in ("service", "socket"))
    run("systemctl", "start", sockets, service)
    try:
        folder = Path("/var/spool") / INSTANCE / "domain-secure"
        assert {path.name for path in folder.iterdir()} == {"milter", "policy"}
        assert f"started version={machine.version()} milter=unix:{folder}/milter" in machine.journal(service)
        assert run(
            "domain-secure", "--config", configuration, "status", "--json", check=False
        ).returncode in {0, 1}
        assert machine.send(PARTNER, certified=True) == 250, "the first one is none the worse"
    finally:
        run("systemctl", "stop", sockets, service)
        configuration.unlink()


def test_a_queue_directory_elsewhere(machine: Machine) -> None:
    """The units find it by themselves, at the first start."""
    run("domain-secure", "detach")
    run("systemctl", "stop", "postfix", UNIT, SOCKET_UNIT)
    Path("/srv/queue").mkdir(exist_ok=True)
    run("postconf", "-e", "queue_directory = /srv/queue")
    try:
        run("systemctl", "start", UNIT)
        machine.attach()
        run("systemctl", "start", "postfix")
        machine.wait_until_it_answers()
        run("systemctl", "stop", UNIT)
        run("systemctl", "start", SOCKET_UNIT, UNIT)
        assert {path.name for path in Path("/srv/queue/domain-secure").iterdir()} == {"milter", "policy"}
        assert machine.send(PARTNER, certified=True) == 250
    finally:
        run("systemctl", "stop", "postfix", UNIT, SOCKET_UNIT)
        run("domain-secure", "detach")
        assert list(Path("/etc/systemd/system").glob("domain-secure.*.d")) == []
        run("postconf", "-e", "queue_directory = /var/spool/postfix")
        run("systemctl", "start", UNIT)
        machine.attach()
        run("systemctl", "start", "postfix")


def test_smtplib_sees_no_hangup(machine: Machine) -> None:
    """The daemon stopped for good, Postfix says so at once."""
    run("systemctl", "stop", SOCKET_UNIT, UNIT)
    began = time.monotonic()
    try:
        assert machine.send(OTHER, certified=False) in range(400, 500)
    except smtplib.SMTPServerDisconnected:
        pytest.fail("Postfix hung up")
    assert time.monotonic() - began < 15
