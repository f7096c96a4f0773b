"""The folder of the daemon's sockets, where a chrooted smtpd(8) reaches them.

Owns: its place, owner and mode.  Must not know: the sockets themselves; they are the daemon's.
Invariant: the daemon may create sockets, which get Postfix's group; Postfix may connect; nobody else.
"""

import os
import pwd
import socket
import stat
from contextlib import suppress
from pathlib import Path

from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.files.state_folder import daemon_user
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import Problem

from .endpoints import SOCKET_FOLDER, Address
from .programs import PostfixInstance

MODE = 0o2750  #: the set-group-id bit hands the group on to the sockets
SOCKETS = ("milter", "policy")
AUTHORITIES = "authorities"  #: a folder of certificates that anybody may read, beside the sockets
SECONDS = 3.0


def create(instance: PostfixInstance) -> None:
    """Create the folder, or mend its owner and mode and the sockets' owner; raises Problem.

    Sockets that a service manager made belong to root, and the daemon asks itself through them.
    """
    folder = instance.queue_directory / SOCKET_FOLDER
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode):
            raise Problem("it is in the way of the folder for the sockets", str(folder), "remove it")
        owner, group = _owner(), _group(instance.mail_owner)
        if os.geteuid() == 0 and (state.st_uid, state.st_gid) != (owner, group):
            os.chown(folder, owner, group, follow_symlinks=False)
            state = folder.lstat()
        if stat.S_IMODE(state.st_mode) != MODE:
            folder.chmod(MODE)
        if os.geteuid() == 0:
            _hand_over(folder, owner)
    except OSError as error:
        raise cannot_write("the folder for the sockets cannot be made", str(folder), error) from error


def remove(instance: PostfixInstance) -> None:
    """Remove the folder unless a daemon listens there, or something is in it that is not ours."""
    folder = instance.queue_directory / SOCKET_FOLDER
    if not folder.is_dir() or folder.is_symlink():
        return
    paths = [path for path in folder.iterdir() if path.name != AUTHORITIES]
    if any(path.name not in SOCKETS or not path.is_socket() or is_listening(Address(path)) for path in paths):
        return
    with HeldFolder.open(folder) as held:
        for name in (*(path.name for path in paths), AUTHORITIES):
            with suppress(FileNotFoundError):
                held.remove(name)
    with suppress(OSError):
        folder.rmdir()


def is_listening(address: Address) -> bool:
    """Tell whether somebody listens at *address*; also when whether is not told to us."""
    try:
        if address.path is None:
            socket.create_connection((address.host or "127.0.0.1", int(address.port)), SECONDS).close()
            return True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(address.path))
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except (OSError, ValueError):
        return address.path is not None
    return True


def _hand_over(folder: Path, owner: int) -> None:
    for path in (folder / name for name in SOCKETS):
        with suppress(FileNotFoundError):
            state = path.lstat()
            if stat.S_ISSOCK(state.st_mode) and state.st_uid != owner:
                # The daemon's user may put a link in its place at any moment.
                os.chown(path, owner, -1, follow_symlinks=False)


def _owner() -> int:
    user = daemon_user()
    return user.pw_uid if user else 0


def _group(mail_owner: str) -> int:
    try:
        return pwd.getpwnam(mail_owner).pw_gid
    except KeyError:
        raise Problem(
            f"there is no user {mail_owner}", "main.cf: mail_owner", "name the user Postfix runs as"
        ) from None
