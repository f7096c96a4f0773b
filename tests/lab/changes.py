"""What systemd does with domain-secure-changes.socket, in the laboratory.

Owns: the socket, and that each first request starts the command, as root, with the socket at descriptor 3.
Source: systemd.socket(5) with Accept=no, sd_listen_fds(3).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from .namespaces import Namespaces
from .product import COMMAND, CONFIGURATION, USER

SOCKET = "/run/domain-secure-changes/domain-secure"
LOG = "/var/log/domain-secure-changes.log"
_MANAGER = """
import os, select, shutil, socket, sys
path, user, log, *command = sys.argv[1:]
os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
shutil.chown(path, "root", user)
os.chmod(path, 0o660)
listener.listen()
while True:
    select.select([listener], [], [])
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.execvpe(command[0], command, {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
    os.waitpid(child, 0)
"""


@contextmanager
def changes_unit(namespaces: Namespaces) -> Iterator[None]:
    """Let root make changes for the daemon while the block runs."""
    command = map(str, (COMMAND, "--config", CONFIGURATION, "apply-change"))
    nowhere = namespaces.outside("/dev/null")
    made = namespaces.start("python3", "-c", _MANAGER, SOCKET, USER, LOG, *command, output=nowhere)
    try:
        yield
    finally:
        made.signal(9)
        made.wait(10.0)
