"""Where a certificate of ours is read from: a file, its key beside it, or an ACME client's folder.

Owns: which files of a folder count, and how much is read.
Must not know: what is in them (``key_bundle``).
"""

from collections.abc import Iterator
from pathlib import Path

from domain_secure.policy.certificates.certificate import MAXIMUM_FILE_OCTETS
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.terms.problems import Problem

from .key_bundle import Bundle
from .private_key import UnusableKeyError

#: certbot, dehydrated, getssl and many others; then the files of acme.sh and of lego.
_KNOWN_FILES = (("privkey.pem", "fullchain.pem"), ("key.pem", "fullchain.pem"))
_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".key", ".p12", ".pfx"})
_MAXIMUM_FILES = 20
_MAXIMUM_PASSWORD_OCTETS = 4096


def read_bundle(path: Path, key_file: Path | None, password: bytes | None) -> Bundle:
    """Return what lies at *path*, a file or a folder, with the key in *key_file* if one is named.

    Raises Problem where something cannot be read, MalformedCertificateError and UnusableKeyError, with the
    name of the file in front, where it is not what it should be.
    """
    try:
        files = (*_files(path), *((key_file,) if key_file else ()))
    except OSError as error:
        raise _unreadable(path, error) from error
    return Bundle.merged(_bundle(file, password) for file in files)


def read_limited(path: Path, limit: int = MAXIMUM_FILE_OCTETS) -> bytes:
    """Return a file's content, at most one octet more than *limit*; raises Problem."""
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_password(path: Path) -> bytes:
    """Return the first line of a password file; raises Problem."""
    content = read_limited(path, _MAXIMUM_PASSWORD_OCTETS)
    line = content.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line or len(content) > _MAXIMUM_PASSWORD_OCTETS:
        raise Problem("it holds no password", str(path), "write the password into its first line")
    return line


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(f"it cannot be read ({error.strerror})", str(path), "name a readable file")


def _bundle(file: Path, password: bytes | None) -> Bundle:
    try:
        return Bundle.read(read_limited(file), password)
    except (MalformedCertificateError, UnusableKeyError) as error:
        raise type(error)(f"{file.name}: {error}") from error


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for names in _KNOWN_FILES:
        known = [path / name for name in names]
        if all(file.exists() for file in known):
            yield from known
            return
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not 1 <= len(found) <= _MAXIMUM_FILES:
        raise Problem(
            f"the folder holds {len(found)} files with certificates or keys, not those of one",
            str(path),
            "name the file with the certificate, and the key with --key-file",
        )
    yield from found
