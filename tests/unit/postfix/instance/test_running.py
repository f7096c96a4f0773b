"""Which service a process of Postfix serves."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain_secure.postfix.instance.running import service_of


@contextmanager
def process(program: str, *arguments: str) -> Iterator[int]:
    """Run something under that name, with arguments as master(8) gives them; yields its process id."""
    command = [program, "-c", "import sys; print(flush=True); sys.stdin.read()", *arguments]
    with subprocess.Popen(
        command, executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running.pid
        running.communicate()


@pytest.mark.parametrize(
    ("arguments", "service"),
    [
        (("-t", "unix", "-u", "-c"), "smtp/unix"),
        (("-n", "domain-secure", "-t", "unix", "-u", "-c", "-o", "syslog_name=x"), "domain-secure/unix"),
        (("-n", "127.0.0.1:10025", "-t", "inet", "-u"), "127.0.0.1:10025/inet"),
        (("-t", "unix", "-o", "a=b", "-n", "domain-secure"), "smtp/unix"),
    ],
)
def test_the_service_is_what_master_says(arguments: tuple[str, ...], service: str) -> None:
    """By -n, else by the program's name; what stands behind the first setting is nothing to it."""
    with process("/usr/lib/postfix/sbin/smtp", *arguments) as pid:
        assert service_of(pid) == service


def test_who_has_ended_serves_nothing() -> None:
    """A process that is gone is in no service."""
    with process("smtp", "-t", "unix") as pid:
        pass
    assert service_of(pid) is None
