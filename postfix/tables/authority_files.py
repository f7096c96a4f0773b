"""The authorities that single partners have for themselves, where the transport can read them.

Owns: copies of the files of ``send_ca_file`` below Postfix's queue directory, and their names.
Must not know: what is in them beyond that it is certificates.
Invariant: a file's name is the digest of its content, so that a table never names a file that is half
written, missing or another than when it was made.
Source: postconf(5) smtp_tls_trust_anchor_file, which ``tafile=`` stands for: the file is opened at each
delivery by the unprivileged and perhaps chrooted smtp(8).
"""

import hashlib
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import socket_folder
from domain_secure.postfix.instance.endpoints import SOCKET_FOLDER
from domain_secure.postfix.instance.programs import PostfixInstance

from .tables import TRANSPORT_SERVICE

_MODE = 0o755
# A delivery that began with the former table may still open its file.
_KEPT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """The files that the tables need."""

    instance: PostfixInstance
    contents: Mapping[Path, bytes]  #: by the file of the administrator
    names: Mapping[Path, str]  #: as Postfix opens them

    @classmethod
    def of(cls, configuration: Configuration, instance: PostfixInstance) -> "AuthorityFiles | None":
        """Return what the send list needs, or None; raises Problem for a file without certificates."""
        contents: dict[Path, bytes] = {}
        for rule in configuration.partners.values():
            if rule.send_ca_file is not None:
                contents[rule.send_ca_file] = _read(rule.send_ca_file)
        if not contents:
            return None
        service = instance.service(f"{TRANSPORT_SERVICE}/unix") or instance.service("smtp/unix")
        root = Path("/") if service is not None and service.chroot else instance.queue_directory
        folder = root / SOCKET_FOLDER / socket_folder.AUTHORITIES
        names = {file: str(folder / _name(content)) for file, content in contents.items()}
        return cls(instance, contents, names)

    def put(self) -> None:
        """Write the files that are not there yet; raises OSError and Problem."""
        folder = _folder(self.instance)
        if not folder.parent.is_dir():
            socket_folder.create(self.instance)
        with suppress(FileExistsError):
            folder.mkdir(mode=_MODE)
            folder.chmod(_MODE)
            if os.geteuid() == 0:
                owner = folder.parent.stat()
                os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise Problem("it is in the way of the partners' authorities", str(folder), "remove it")
        for content in self.contents.values():
            path = folder / _name(content)
            if not path.is_symlink() and path.is_file() and path.read_bytes() == content:
                os.utime(path)  # still in use
            else:
                _write(path, content)


def tidy_up(instance: PostfixInstance, present: AuthorityFiles | None) -> None:
    """Remove what no table names any more, once no delivery can still need it."""
    used = {_name(content) for content in present.contents.values()} if present else set()
    with suppress(OSError):
        for path in _folder(instance).iterdir():
            if path.name not in used and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink()


def _write(path: Path, content: bytes) -> None:
    # The folder is the daemon's user's: root must not follow a link that somebody put there.
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _folder(instance: PostfixInstance) -> Path:
    return instance.queue_directory / SOCKET_FOLDER / socket_folder.AUTHORITIES


def _name(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}.pem"


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Problem(
            f"the authorities of a partner cannot be read ({error.strerror})",
            f"send_ca_file = {file}",
            "make it readable, or take the key out",
        ) from error
    if not len(TrustAnchors.load(content)):
        raise Problem(
            "the authorities of a partner hold no certificate, and no mail to it could be sent",
            f"send_ca_file = {file}",
            "name a PEM file of certificates",
        )
    return content
