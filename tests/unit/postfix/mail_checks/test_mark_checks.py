"""What a milter behind ours asks Postfix for, told by the negotiation."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain_secure.postfix.instance.endpoints import Address
from domain_secure.postfix.mail_checks.listener_checks import changes_fields

ADDS, CHANGES = 0x01, 0x10  #: SMFIF_ADDHDRS, SMFIF_CHGHDRS


def negotiated(actions: int) -> bytes:
    """Return what a milter answers that asks for these actions."""
    body = b"O" + struct.pack("!III", 6, actions, 0)
    return struct.pack("!I", len(body)) + body


@contextmanager
def milter(path: Path, answer: bytes) -> Iterator[Address]:
    """Answer one client on a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(64)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address(path)
        thread.join()


@pytest.mark.parametrize(
    ("actions", "changes"), [(0, False), (ADDS, False), (CHANGES, True), (ADDS | CHANGES, True)]
)
def test_whether_it_may_change_fields(tmp_path: Path, actions: int, changes: bool) -> None:
    """One bit says it."""
    with milter(tmp_path / "socket", negotiated(actions)) as address:
        assert changes_fields(address) is changes


@pytest.mark.parametrize("answer", [b"", b"220 mail.contoso.test ESMTP Postfix\r\n", negotiated(0)[:9]])
def test_what_is_no_milter_is_not_taken_for_one(tmp_path: Path, answer: bytes) -> None:
    """Another server's greeting, and an answer that ends too soon."""
    with (
        milter(tmp_path / "socket", answer) as address,
        pytest.raises((ValueError, ConnectionError)),
    ):
        changes_fields(address)


def test_nobody_there(tmp_path: Path) -> None:
    """What cannot be asked is no answer."""
    with pytest.raises(FileNotFoundError):
        changes_fields(Address(tmp_path / "socket"))
