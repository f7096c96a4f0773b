"""How many messages a second the daemon alone can carry: both its protocols spoken to it, without a Postfix.

Owns: the load, which is prepared octets from processes of its own, and the daemon's processor time meanwhile.
One session, one policy request and one message each, as Postfix has them for a client with one message.
"""

import os
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from . import mail_flow
from .measurement import Measurement
from lab.laboratory import WOODGROVE, Lab
from lab.namespaces import LabError
from lab.product import Product

PART = "capacity"

_LOADS = 2  #: processes that send
_CONNECTIONS = 8  #: sessions at a time in each, as several smtpd processes have


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    return mail_flow.why_not()


def measure(messages: int, rounds: int) -> list[Measurement]:
    """Return messages per second, and what the daemon would carry with one processor to itself."""
    found = []
    with ExitStack() as stack:
        lab = stack.enter_context(Lab())
        product = Product(lab)
        product.configure(mail_flow.CONFIGURATION)
        product.serve()
        stack.callback(product.stop)
        sockets = lab.namespaces.outside(lab.contoso.layout.queue / "domain-secure")
        for what, sender in (("unlisted", "stranger.example.test"), ("listed and marked", WOODGROVE)):
            _load(sockets, sender, messages // 5 + 1)
            turns = [_turn(product.pid, sockets, sender, messages) for _ in range(rounds)]
            rates, costs = zip(*turns, strict=True)
            found += [
                Measurement(PART, f"daemon alone, {what}", "msg/s", rates),
                Measurement(PART, f"processor, {what}", "µs/msg", costs),
                Measurement(PART, f"a processor carries, {what}", "msg/s", tuple(1e6 / c for c in costs)),
            ]
    return found


def _turn(daemon: int, sockets: Path, sender: str, messages: int) -> tuple[float, float]:
    before, started = _processor_seconds(daemon), time.perf_counter()
    _load(sockets, sender, messages)
    seconds = time.perf_counter() - started
    return messages * _LOADS / seconds, (_processor_seconds(daemon) - before) / messages / _LOADS * 1e6


def _processor_seconds(process: int) -> float:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _load(sockets: Path, sender: str, messages: int) -> None:
    command = [sys.executable, "-P", "-m", "bench.capacity", str(sockets), sender, str(messages)]
    loads = [subprocess.Popen(command) for _ in range(_LOADS)]
    if sum(load.wait() for load in loads):
        raise LabError("the load ended early: a message was not let in, or the daemon hung up")


def _packet(command: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", 1 + len(data)) + command + data


def _message(sender: str, number: int) -> tuple[bytes, bytes, bytes]:
    """Return the policy request of a message, and its milter events up to DATA and behind it."""
    address, queue_id = f"adele.vance@{sender}", f"{number:X}"
    request = (
        "request=smtpd_access_policy\nprotocol_state=DATA\nprotocol_name=ESMTP\nclient_address=127.0.0.3\n"
        "client_name=mail.example.test\nclient_port=40001\nreverse_client_name=mail.example.test\n"
        f"server_address=127.0.0.2\nserver_port=25\nhelo_name=mail.example.test\nsender={address}\n"
        f"recipient=megan.bowen@contoso.test\nrecipient_count=1\nqueue_id={queue_id}\ninstance=1.2.3\nsize=0\n"
        "etrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\n"
        "ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\nencryption_cipher=\n"
        "encryption_keysize=0\npolicy_context=\n\n"
    )
    macros = (
        f"M{{client_addr}}\000127.0.0.3\0{{client_port}}\00040001\0{{mail_addr}}\0{address}\0j\0mx.test\0"
    )
    fields = (
        ("Received", "from x by y"),
        ("From", address),
        ("To", "x@y.test"),
        ("Subject", "z"),
        ("Date", "1"),
    )
    begin = _packet(b"D", macros.encode()) + _packet(b"M", f"<{address}>\0".encode())
    header = b"".join(
        _packet(b"D", b"L") + _packet(b"L", f"{name}\0{body}\0".encode()) for name, body in fields
    )
    end = _packet(b"D", f"Ei\0{queue_id}\0".encode()) + _packet(b"E")
    return request.encode(), begin, header + end


def _send(sockets: Path, sender: str, messages: int) -> None:
    """Send messages, some sessions at a time, each with a connection to the policy listener that stays."""
    offer = _packet(b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF))
    asking = [_connected(sockets / "policy") for _ in range(_CONNECTIONS)]
    for first in range(0, messages, _CONNECTIONS):
        numbers = range(first, min(first + _CONNECTIONS, messages))
        told = [_message(sender, (os.getpid() << 24) + number) for number in numbers]
        sessions = [_connected(sockets / "milter") for _ in told]
        steps = ((sessions, [offer] * len(told)), (asking, [request for request, _, _ in told]))
        for connections, octets in steps:
            for connection, each in zip(connections, octets, strict=False):
                connection.sendall(each)
            for connection, _ in zip(connections, octets, strict=False):
                connection.recv(4096)
        for session, (_, begin, _) in zip(sessions, told, strict=True):
            session.sendall(begin)
        for session, (_, _, rest) in zip(sessions, told, strict=True):
            session.sendall(rest)
        for session in sessions:
            if not session.recv(4096).endswith(b"\0\0\0\1c"):
                raise SystemExit(1)
            session.sendall(_packet(b"Q"))
            session.close()


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(str(path))
    return connection


if __name__ == "__main__":
    _send(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
