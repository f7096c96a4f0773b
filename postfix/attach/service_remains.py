"""What master(8) leaves of a service that is gone: its socket, and the lock file of its processes.

Owns: taking these away for services of ours.  Must not know: which services an attachment has.
Source: Postfix's src/master/master_listen.c and master_flow.c: a removed service is closed and not unlinked.
"""

import stat
from contextlib import suppress

from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from .attach_signs import CLEANUP_SERVICE, TLS_MANAGER_SERVICE, is_unmarking_service

_SERVICES = (TRANSPORT_SERVICE, TLS_MANAGER_SERVICE, CLEANUP_SERVICE)


def remove(instance: PostfixInstance) -> None:
    """Remove what is left of each service of ours that master.cf does not have any more."""
    queue = instance.queue_directory
    kept = {service.name for service in instance.services()}
    sockets = (path.name for folder in ("private", "public") for path in (queue / folder).glob("*"))
    for name in {*_SERVICES, *filter(is_unmarking_service, sockets)}:
        if name in kept:
            continue
        for path in (queue / "private" / name, queue / "public" / name, queue / "pid" / f"unix.{name}"):
            with suppress(OSError):
                if path.parent.name == "pid" or stat.S_ISSOCK(path.lstat().st_mode):
                    path.unlink()
