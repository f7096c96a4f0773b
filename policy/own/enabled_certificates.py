"""Which of our certificates are in use: the files that Postfix reads, one for each role.

Owns: ``<state>/keys/enabled/server.pem`` and ``client.pem``, each a key with its chain.  ``enabled`` is a
symbolic link to a generation of both, so that a change is one rename and Postfix's settings keep their words.
Must not know: Postfix's settings; that these name the files is ``postfix``'s part.
Sources: postconf(5), smtpd_tls_chain_files: the key stands before its certificate, then the issuers.
"""

import shutil
from collections.abc import Iterable, Mapping
from enum import StrEnum, unique
from itertools import count
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate, Chain, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.terms.problems import Problem

from .key_folder import KeyFolder, put_entry, switch
from .own_certificate import OwnCertificate
from .own_entries import chain_file
from .private_key import to_pem

_LINK, _GENERATIONS = "enabled", "generations"


@unique
class Role(StrEnum):
    """What a certificate is shown as."""

    SERVER = "server"
    CLIENT = "client"


class EnabledCertificates:
    """The files in use.  Every method raises Problem where the folder cannot be used."""

    def __init__(self, state: Path) -> None:
        self._folder = KeyFolder(state)

    def file(self, role: Role) -> Path:
        """Return where the file of a role is, or would be."""
        return self._folder.path / _LINK / f"{role}.pem"

    def chains(self) -> dict[Role, Chain]:
        """Return the chain in use for each role that has one that can be read."""
        with self._folder.reading() as folder:
            if folder is None:
                return {}
            return {role: chain for role in Role if (chain := _chain(self.file(role)))}

    def roles(self) -> dict[str, str]:
        """Return the roles by SHA-256 thumbprint: ``server``, ``client`` or ``server,client``."""
        found: dict[str, list[str]] = {}
        for role, chain in self.chains().items():
            found.setdefault(chain[0].certificate_pin.digest, []).append(role)
        return {digest: ",".join(roles) for digest, roles in found.items()}

    def enable(self, own: OwnCertificate, roles: Iterable[Role]) -> bool:
        """Put *own* into the files of *roles*, in one step; return whether that changed anything.

        Raises Problem for a key that cannot be used without a password.
        """
        key = own.key()
        if not own.holds_key_of(own.certificate):
            raise Problem(
                "the private key does not belong to the certificate",
                str(own.key_file),
                "import the certificate with its key again",
            )
        content = to_pem(key) + chain_file(own.chain)
        with self._folder.writing() as folder:
            files = _contents(folder / _LINK)
            wanted = files | {f"{role}.pem": content for role in roles}
            if wanted == files:
                return False
            _put(folder, wanted)
        return True

    def disable(self, own: OwnCertificate) -> None:
        """Take the files with *own* away; for when no service reads them."""
        with self._folder.writing() as folder:
            files = _contents(folder / _LINK)
            kept = {
                role: content
                for role, content in files.items()
                if _chain(folder / _LINK / role)[:1] != own.chain[:1]
            }
            if kept != files:
                _put(folder, kept)


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    taken = {path.name for path in (folder / _GENERATIONS).glob("*")}
    name = next(str(number) for number in count(1) if str(number) not in taken)
    put_entry(folder, _GENERATIONS, name, files)
    switch(folder, _LINK, f"{_GENERATIONS}/{name}")
    for former in taken:
        shutil.rmtree(folder / _GENERATIONS / former)


def _contents(link: Path) -> dict[str, bytes]:
    if not link.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in link.iterdir() if not path.name.startswith(".")}


def _chain(file: Path) -> tuple[Certificate, ...]:
    try:
        return tuple(parse(der) for der in encoded_certificates(file.read_bytes()))
    except (FileNotFoundError, MalformedCertificateError):
        return ()
