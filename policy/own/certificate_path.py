"""Where a certificate of ours is read from: a file, its key beside it, or an ACME client's folder.

Owns: which files of a folder count, and how much is read.
Must not know: what is in them (``key_bundle``).
"""

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath

from domain_secure.policy.certificates.certificate import MAXIMUM_FILE_OCTETS
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.terms.problems import NoPermission, Problem

from .key_bundle import Bundle
from .private_key import UnusableKeyError

#: certbot, dehydrated, getssl and many others; then the files of acme.sh and of lego.
_KNOWN_FILES = (("privkey.pem", "fullchain.pem"), ("key.pem", "fullchain.pem"))
_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".key", ".p12", ".pfx"})
_MAXIMUM_FILES = 20
_MAXIMUM_PASSWORD_OCTETS = 4096
_LONGEST_WAY = 200  #: folders and links on the way to a file


def read_bundle(
    path: Path, key_file: Path | None, password: bytes | None, *, unattended: bool = False
) -> Bundle:
    """Return what lies at *path*, a file or a folder, with the key in *key_file* if one is named.

    *unattended* as in `read_limited`.  Raises Problem where something cannot be read,
    MalformedCertificateError and UnusableKeyError, with the name of the file in front, where it is not what
    it should be.
    """
    try:
        files = (*_files(path), *((key_file,) if key_file else ()))
    except OSError as error:
        raise _unreadable(path, error) from error
    return Bundle.merged(_bundle(file, password, unattended=unattended) for file in files)


def read_limited(path: Path, limit: int = MAXIMUM_FILE_OCTETS, *, unattended: bool = False) -> bytes:
    """Return a file's content, at most one octet more than *limit*; raises Problem.

    With *unattended* a file is not read to which another user than its owner or root has led us: what root
    reads with nobody looking on, the daemon's user may read afterwards.
    """
    try:
        # A person may give a pipe; with nobody there it would keep us waiting.
        with os.fdopen(os.open(path, os.O_RDONLY | (os.O_NONBLOCK if unattended else 0)), "rb") as stream:
            if unattended:
                _refuse_led_astray(path, os.fstat(stream.fileno()))
            return stream.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_password(path: Path, *, unattended: bool = False) -> bytes:
    """Return the first line of a password file that is not empty, in UTF-8; raises Problem.

    *unattended* as in `read_limited`.  A mark of the byte order, as Windows writes it, is no part of it.
    """
    content = read_limited(path, _MAXIMUM_PASSWORD_OCTETS, unattended=unattended)
    if len(content) > _MAXIMUM_PASSWORD_OCTETS:
        what = f"it is longer than {_MAXIMUM_PASSWORD_OCTETS} octets, and no file with a password"
        raise Problem(what, str(path), "name the file with the password in its first line")
    content = content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise Problem("it is damaged UTF-16", str(path), "save it as UTF-8") from error
    lines = (line.removesuffix(b"\r") for line in content.split(b"\n"))
    found = next((line for line in lines if line), None)
    if found is None:
        raise Problem("it is empty", str(path), "write the password into its first line")
    return found


def _refuse_led_astray(path: Path, state: os.stat_result) -> None:
    """Raise Problem unless whoever owns a folder or link on the way owns the file as well, or is root."""
    place, others = _way(path)
    found = place.lstat()
    if not stat.S_ISREG(state.st_mode):
        raise Problem("it is no file", str(path), "name a readable file")
    if (found.st_dev, found.st_ino) != (state.st_dev, state.st_ino) or others - {0, state.st_uid}:
        raise Problem(
            "another user than its owner has put it there",
            str(path),
            "keep it in a folder of its owner's own; a key of root's is not read from anybody else's folder",
        )


def _way(path: Path) -> tuple[Path, set[int]]:
    """Return where *path* leads to, and whom the folders and links on the way belong to; raises OSError."""
    place, owners, ahead = Path("/"), set[int](), list(path.absolute().parts[1:])
    for _ in range(_LONGEST_WAY):
        if not ahead:
            break
        name = ahead.pop(0)
        if name == "..":
            place = place.parent
            continue
        state = (place / name).lstat()
        if ahead or stat.S_ISLNK(state.st_mode):
            owners.add(state.st_uid)
        if stat.S_ISLNK(state.st_mode):
            target = PurePath((place / name).readlink())
            ahead[:0] = target.parts[1:] if target.is_absolute() else target.parts
            place = Path("/") if target.is_absolute() else place
        else:
            place /= name
    return place, owners


def _unreadable(path: Path, error: OSError) -> Problem:
    if isinstance(error, PermissionError):
        return NoPermission("no permission to read it", str(path))
    return Problem(f"it cannot be read ({error.strerror})", str(path), "name a readable file")


def _bundle(file: Path, password: bytes | None, *, unattended: bool) -> Bundle:
    try:
        return Bundle.read(read_limited(file, unattended=unattended), password)
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
