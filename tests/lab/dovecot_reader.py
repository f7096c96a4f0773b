"""Dovecot as a reader of messages: whom its IMAP envelope names, which mail programs show in lists.

Owns: how doveadm(1) is asked about a folder of messages, and how an envelope is read (RFC 3501, 7.4.2).
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

_CONFIGURATION = """\
log_path = /dev/stderr
ssl = no
base_dir = {folder}/run
mail_location = maildir:{folder}/mail
mail_uid = 65534
mail_gid = 65534
first_valid_uid = 0
first_valid_gid = 0
"""
_USER = 65534  #: nobody
_FROM, _SENDER = 2, 3  #: places in an envelope
_HOST = 3  #: place in an address
_BEGINNING = b"imap.envelope: "

Address = tuple[str | None, ...]  #: name, source route, local part, host


def is_present() -> bool:
    """Tell whether a doveadm is there that understands this configuration."""
    if shutil.which("doveadm") is None:
        return False
    said = subprocess.run(("doveadm", "--version"), capture_output=True, check=False, text=True).stdout
    told = subprocess.run(("dovecot", "--version"), capture_output=True, check=False, text=True).stdout
    return (told or said).startswith("2.3.") and os.geteuid() == 0


def shown_hosts(messages: Sequence[bytes]) -> list[frozenset[str]]:
    """Return, for each message, the hosts of whom Dovecot shows as its authors and its sender."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dovecot.conf").write_text(_CONFIGURATION.format(folder=folder))
        folder.chmod(0o755)
        for part in ("cur", "new", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)
        for number, message in enumerate(messages):
            (folder / "mail" / "cur" / f"{number:08}.M{number}.lab:2,S").write_bytes(message)
        subprocess.run(("chown", "-R", f"{_USER}:{_USER}", folder), check=True)
        printed = subprocess.run(
            ("doveadm", "-c", folder / "dovecot.conf", "-f", "pager", "fetch", "uid imap.envelope", "all"),
            capture_output=True,
            check=True,
            env={"PATH": "/usr/bin:/bin", "USER": "nobody", "HOME": name},
        ).stdout
    found = [_hosts(envelope) for envelope in _envelopes(printed)]
    assert len(found) == len(messages), printed[-2000:]
    return found


def _hosts(envelope: list[object]) -> frozenset[str]:
    addresses = [address for place in (_FROM, _SENDER) for address in _list(envelope[place])]
    hosts = [host for address in addresses if isinstance(host := _list(address)[_HOST], bytes)]
    return frozenset(host.decode("utf-8", "replace") for host in hosts)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _envelopes(printed: bytes) -> Iterator[list[object]]:
    position = 0
    while (start := printed.find(_BEGINNING, position)) >= 0:
        # The outermost parentheses are left out.
        values: list[object] = []
        position = start + len(_BEGINNING)
        while len(values) < 10:
            value, position = _value(printed, position)
            values.append(value)
        yield values


def _value(printed: bytes, position: int) -> tuple[object, int]:
    """Return the value at *position*: octets, None or a list; and where it ends."""
    while printed[position : position + 1] == b" ":
        position += 1
    first = printed[position : position + 1]
    if first == b"(":
        position, values = position + 1, []
        while printed[position : position + 1] != b")":
            value, position = _value(printed, position)
            values.append(value)
        return values, position + 1
    if first == b'"':
        end = printed.index(b'"', position + 1)  # what needs a backslash is sent as a literal
        while printed[end - 1 : end] == b"\\":
            end = printed.index(b'"', end + 1)
        return printed[position + 1 : end], end + 1
    if first == b"{":
        end = printed.index(b"}", position)
        start = end + len(b"}\r\n")
        length = int(printed[position + 1 : end].rstrip(b"+"))
        return printed[start : start + length], start + length
    assert printed[position : position + 3] == b"NIL", printed[position - 200 : position + 80]
    return None, position + 3
