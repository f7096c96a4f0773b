"""More sessions than fit in: nobody is lost, nothing spins, and the others' mail goes on afterwards."""

import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, WOODGROVE, Lab
from lab.messages import compose
from lab.product import Product
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
NEGOTIATION = b"\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff"
REQUEST = b"request=smtpd_access_policy\nprotocol_state=VRFY\nprotocol_name=ESMTP\n\n"


@contextmanager
def all_descriptors() -> Iterator[None]:
    """Let this process have as many file descriptors as it may."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (former[1], former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, former)


def code(lab: Lab) -> int:
    """Send a message of the partner's; return the code of the reply."""
    return lab.send(
        lab.contoso,
        compose(SENDER, RECIPIENT),
        source=ADDRESSES[WOODGROVE],
        sender=SENDER,
        recipient=RECIPIENT,
        tls=lab.client_context(lab.identities[WOODGROVE]),
    ).code


def sockets(product: Product) -> tuple[Path, Path]:
    """Return the daemon's sockets, as the host sees them."""
    folder = product.lab.namespaces.outside(product.lab.contoso.layout.queue / "domain-secure")
    return folder / "milter", folder / "policy"


def asked(held: ExitStack, path: Path, question: bytes) -> socket.socket:
    """Return a connection at which a question was asked, kept open by *held*."""
    connection = held.enter_context(socket.socket(socket.AF_UNIX))
    connection.settimeout(DEADLINE)
    connection.connect(str(path))
    with suppress(BrokenPipeError, ConnectionResetError):  # hung up on already
        connection.sendall(question)
    return connection


def is_answered(connection: socket.socket) -> bool:
    """Tell whether an answer came before the connection was closed."""
    try:
        return bool(connection.recv(5))
    except ConnectionResetError:
        return False


def test_a_thousand_sessions_are_held(own_product: Product) -> None:
    """A thousand at either door are answered and stay, and the mail of others goes on beside them."""
    milter, policy = sockets(own_product)
    with all_descriptors(), ExitStack() as held:
        connections = [asked(held, milter, NEGOTIATION) for _ in range(1000)]
        connections += [asked(held, policy, REQUEST) for _ in range(1000)]
        assert all(map(is_answered, connections))
        assert own_product.health()["sessions"]["open"] >= 1000
        assert code(own_product.lab) == 250
    wait_for(lambda: own_product.health()["sessions"]["open"] < 10, "the sessions to end")


def test_who_comes_beyond_the_limit_gets_451(own_product: Product) -> None:
    """The limit follows from the descriptors that the daemon may have; it is told once, and stays well."""
    product = own_product
    product.stop()
    product.serve(descriptors=600)
    limit = product.health()["sessions"]["limit"]
    assert limit == (600 - 256) // 2
    with ExitStack() as held:
        # Postfix's own sessions are among them.
        answers = [is_answered(asked(held, sockets(product)[0], NEGOTIATION)) for _ in range(limit + 50)]
        assert answers.count(True) <= limit
        assert not any(answers[limit:])
        assert code(product.lab) == 451
        health = product.health()
        assert health["parts"]["milter"]["ok"]
    assert product.log().count(" sessions-full ") == 1
    wait_for(lambda: code(product.lab) == 250, "mail to flow again", context=product.log)


@contextmanager
def no_descriptor_left(process: int) -> Iterator[None]:
    """Let a process open nothing more; what it has open stays."""
    status = Path(f"/proc/{process}").stat()
    own = resource.getrlimit(resource.RLIMIT_NOFILE)

    def limit(soft: int) -> None:
        command = ["prlimit", f"--pid={process}", f"--nofile={soft}:"]
        # Only the owner may, where root has not every capability.
        subprocess.run(command, user=status.st_uid, group=status.st_gid, extra_groups=[], check=True)

    limit(3)
    try:
        yield
    finally:
        limit(own[0])


def test_without_a_descriptor_nobody_spins(own_product: Product) -> None:
    """Either door waits, says so once, writes no traceback, and goes on when a descriptor is free."""
    product = own_product
    milter, policy = sockets(product)
    doors = {"milter": (milter, NEGOTIATION), "policy": (policy, REQUEST)}
    with ExitStack() as held:
        with no_descriptor_left(product.pid):
            waiting = [asked(held, *doors[door]) for door in doors for _ in range(60)]
            for door in doors:
                product.wait_for_log(f" descriptors-exhausted door={door}")
        assert all(map(is_answered, waiting))
    wait_for(lambda: code(product.lab) == 250, "mail to flow again", context=product.log)
    assert "Traceback" not in product.log()
    for door in doors:
        assert product.log().count(f" descriptors-exhausted door={door}") == 1
