"""Which of our certificates are in use: the files that Postfix reads, one for each role.

Owns: ``<state>/keys/enabled/server.pem`` and ``client.pem``, each a key with its chain.  ``enabled`` is a
symbolic link to a generation of both, so that a change is one rename and Postfix's settings keep their words.
Must not know: Postfix's settings; that these name the files is ``postfix``'s part.
Sources: postconf(5), smtpd_tls_chain_files: the key stands before its certificate, then the issuers.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum, unique
from itertools import count
from pathlib import Path, PurePath

from domain_secure.policy.certificates.certificate import Certificate, Chain, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.files.held_folder import HeldFolder, UntrustedEntryError
from domain_secure.policy.terms.problems import Problem

from .key_folder import KeyFolder, put_entry
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
            files = _in_use(folder)
            return {role: chain for role in Role if (chain := _chain(files.get(f"{role}.pem", b"")))}

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
            files = _in_use(folder)
            wanted = files | {f"{role}.pem": content for role in roles}
            if wanted == files:
                return False
            _put(folder, wanted)
        return True

    def files(self) -> dict[str, bytes]:
        """Return what is in use, each file by its name, to be put back."""
        with self._folder.reading() as folder:
            return _in_use(folder) if folder else {}

    def put_back(self, files: Mapping[str, bytes]) -> None:
        """Let *files* be in use again, as `files` returned them."""
        with self._folder.writing() as folder:
            if _in_use(folder) != files:
                _put(folder, files)

    def disable(self, own: OwnCertificate) -> None:
        """Take the files with *own* away; for when no service reads them."""
        with self._folder.writing() as folder:
            files = _in_use(folder)
            kept = {name: content for name, content in files.items() if _chain(content)[:1] != own.chain[:1]}
            if kept != files:
                _put(folder, kept)


def _put(folder: HeldFolder, files: Mapping[str, bytes]) -> None:
    """Let a new generation of *files* be in use, and remove the former ones."""
    folder.make_folder(_GENERATIONS)
    former = folder.names(_GENERATIONS)
    name = next(str(number) for number in count(1) if str(number) not in former)
    put_entry(folder, PurePath(_GENERATIONS, name), files)
    folder.link(_LINK, f"{_GENERATIONS}/{name}")
    for one in former:
        folder.remove(PurePath(_GENERATIONS, one))


def _in_use(folder: HeldFolder) -> dict[str, bytes]:
    """Return the files in use by name; nothing where none is."""
    while (generation := _generation(folder)) is not None:
        try:
            names = [name for name in folder.names(generation) if not name.startswith(".")]
            return {name: folder.read(generation / name) for name in names}
        except FileNotFoundError:
            # Either the link leads nowhere, or another generation came into use while we read.
            if _generation(folder) == generation:
                break
    return {}


def _generation(folder: HeldFolder) -> PurePath | None:
    """Return where the files in use are; a link that leads anywhere but to a generation is not ours."""
    try:
        generation = PurePath(folder.link_target(_LINK))
    except FileNotFoundError:
        return None
    if generation.parts != (_GENERATIONS, generation.name) or not generation.name.isdecimal():
        raise UntrustedEntryError("it is a symbolic link to elsewhere", folder.path / _LINK)
    return generation


def _chain(content: bytes) -> tuple[Certificate, ...]:
    try:
        return tuple(parse(der) for der in encoded_certificates(content))
    except MalformedCertificateError:
        return ()
