"""The authorities that single partners have for themselves, where the transport can read them.

Owns: copies of the files of ``send_ca_file`` below Postfix's queue directory, and their names; without what
is distrusted, and then one of ``[trust] ca_file`` as well.
Must not know: what is in them beyond that it is certificates.
Invariant: a file's name is the digest of its content, so that a table never names a file that is half
written, missing or another than when it was made.
Source: postconf(5) smtp_tls_trust_anchor_file, which ``tafile=`` stands for: the file is opened at each
delivery by the unprivileged and perhaps chrooted smtp(8).
"""

import hashlib
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.pin import Pin
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
    common: str | None = None  #: the one of these for partners without a file; None: ``ca_file`` as it is

    @classmethod
    def of(cls, configuration: Configuration, instance: PostfixInstance) -> "AuthorityFiles | None":
        """Return what the send list needs, or None; raises Problem for a file without certificates."""
        trust = configuration.trust
        contents: dict[Path, bytes] = {}
        for rule in configuration.partners.values():
            if rule.send_ca_file is not None:
                contents[rule.send_ca_file] = _without(_read(rule.send_ca_file), trust.distrusted)
        common = _common(configuration)
        if common is not None:
            contents[trust.ca_file] = common
        if not contents:
            return None
        service = instance.service(f"{TRANSPORT_SERVICE}/unix") or instance.service("smtp/unix")
        root = Path("/") if service is not None and service.chroot else instance.queue_directory
        folder = root / SOCKET_FOLDER / socket_folder.AUTHORITIES
        names = {file: str(folder / _name(content)) for file, content in contents.items()}
        return cls(instance, contents, names, None if common is None else names[trust.ca_file])

    def put(self) -> None:
        """Write the files that are not there yet; raises OSError and Problem."""
        folder = _folder(self.instance)
        if not folder.parent.is_dir():
            socket_folder.create(self.instance)
        with HeldFolder.open(folder.parent) as held:
            held.make_folder(folder.name, mode=_MODE)
            for content in self.contents.values():
                _put(held, PurePath(folder.name, _name(content)), content)


def tidy_up(instance: PostfixInstance, present: AuthorityFiles | None) -> None:
    """Remove what no table names any more, once no delivery can still need it."""
    used = {_name(content) for content in present.contents.values()} if present else set()
    folder = _folder(instance)
    with suppress(OSError), HeldFolder.open(folder.parent) as held:
        for name in held.names(folder.name):
            place = PurePath(folder.name, name)
            if name not in used and time.time() - held.stat(place).st_mtime > _KEPT_SECONDS:
                held.remove(place)


def _put(held: HeldFolder, place: PurePath, content: bytes) -> None:
    # The folder is the daemon's user's: root must not follow a link that somebody put there.
    with suppress(OSError):
        if held.read(place) == content:
            held.touch(place)  # still in use
            return
    with suppress(FileNotFoundError):
        held.remove(place)
    held.replace(place, content, default_mode=0o644)


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


def _common(configuration: Configuration) -> bytes | None:
    """Return what is left of ``ca_file`` where something in it is distrusted, None where nothing is.

    One that cannot be read is found by whoever reads it as a whole, and Postfix trusts nobody by it.
    """
    trust = configuration.trust
    if not trust.distrusted:
        return None
    try:
        content = trust.ca_file.read_bytes()
    except OSError:
        return None
    left = _without(content, trust.distrusted)
    return None if left == content else left


def _without(content: bytes, distrusted: frozenset[Pin]) -> bytes:
    """Return a file of certificates without the *distrusted* ones, as it is where it has none of these.

    What is left may be no certificate: by such a file smtp(8) delivers nothing, and defers.
    """
    anchors = TrustAnchors.load(content) if distrusted else TrustAnchors({}, ())
    left = anchors.without(distrusted)
    if len(left) == len(anchors):
        return content
    every = (one.der for group in left.by_subject.values() for one in group)
    return b"# without what is distrusted\n" + "".join(map(ssl.DER_cert_to_PEM_cert, every)).encode()
