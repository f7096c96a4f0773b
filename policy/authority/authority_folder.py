"""A private authority as it lies in a folder: the edge's own, or one on a medium that is kept apart.

Owns: root.pem, root.key, the revocation list, and the record of what was issued.
Must not know: Postfix, our own certificates.
Invariant: a certificate leaves only after it is in the record, so that it can be revoked; a number of a
revocation list is never used twice.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.files.held_folder import HeldFolder, UntrustedEntryError
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.own.certificate_request import PublicKey
from domain_secure.policy.own.private_key import (
    KeyType,
    PrivateKey,
    UnusableKeyError,
    encrypted_pem,
    generate,
    is_encrypted,
    parse_pem,
    to_pem,
)
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.thumbprint import sha1_of

from .authority_files import AuthorityFiles, FolderOfKeys, NamedFolder
from .private_authority import Revoked, foreign_names, issue, make_list, make_root

ROOT, KEY, LIST, RECORD = "root.pem", "root.key", "root.crl", "authority.json"


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate the authority has issued."""

    sha1: str
    sha256: str
    serial_number: int
    names: tuple[str, ...]
    not_after: datetime
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """What is known of an authority without its key."""

    domains: tuple[Domain, ...]
    list_url: str | None
    list_days: int
    list_number: int
    issued: tuple[Issued, ...]


class AuthorityFolder:
    """The folder; it may lie within that of our keys, which is held then.

    Every method raises Problem where it cannot be used; *password* opens the root's key.
    """

    def __init__(self, path: Path, within: HeldFolder | None = None) -> None:
        self.path = path
        self._files: AuthorityFiles = NamedFolder(path) if within is None else FolderOfKeys(within, path.name)

    def init(  # noqa: PLR0913 - what an authority consists of
        self,
        title: str,
        domains: Sequence[Domain],
        now: datetime,
        *,
        days: int,
        list_url: str | None,
        list_days: int,
        password: bytes | None,
    ) -> Certificate:
        """Make the authority and its first, empty, revocation list; return the root."""
        with self._writing():
            if any(map(self._files.has, (KEY, RECORD))):
                raise Problem(
                    "there is an authority already", str(self.path), "use it, or name another folder"
                )
            key = generate(KeyType.EC_P384)
            root = parse(make_root(key, title, domains, now, days))
            self._put(KEY, to_pem(key) if password is None else encrypted_pem(key, password))
            self._put(ROOT, _pem(root.der), mode=0o644)
            authority = Authority(tuple(domains), list_url, list_days, 0, ())
            self._publish(authority, x509.load_der_x509_certificate(root.der), key, now)
        return root

    def read(self) -> tuple[Authority, Certificate]:
        """Return what was issued so far, and the root."""
        with self._explained():
            return self._authority(), self._root()

    def revocation_list(self) -> bytes:
        """Return the revocation list, in DER."""
        with self._explained():
            return self._files.read(LIST)

    @property
    def is_locked(self) -> bool:
        """Tell whether the root's key needs a password."""
        with self._explained():
            return is_encrypted(self._files.read(KEY))

    def issue(
        self,
        public_key: PublicKey,
        names: Sequence[Entry],
        now: datetime,
        *,
        days: int,
        password: bytes | None,
    ) -> tuple[Certificate, Certificate]:
        """Return a certificate for *names* and the root; raises Problem for names of others."""
        with self._writing():
            authority, root, key = self._opened(password)
            if foreign := foreign_names(names, authority.domains):
                raise Problem(
                    f"the authority may not vouch for {foreign[0]}",
                    str(self.path),
                    f"ask for names of {' and '.join(authority.domains)} only",
                )
            if root.not_valid_after_utc <= now:
                raise Problem("the authority has expired", str(self.path), "make a new one in another folder")
            made = issue(root, key, public_key, names, now, days=days, list_url=authority.list_url)
            der = made.public_bytes(serialization.Encoding.DER)
            leaf = parse(der)
            issued = Issued(
                sha1_of(der),
                leaf.certificate_pin.digest,
                made.serial_number,
                tuple(names),
                made.not_valid_after_utc,
            )
            self._publish(replace(authority, issued=(*authority.issued, issued)), root, key, now)
        return leaf, self._root()

    def revoke(self, certificates: Iterable[Issued], now: datetime, *, password: bytes | None) -> Authority:
        """Revoke *certificates*, none to renew the list alone; return what then holds."""
        doomed = {one.serial_number for one in certificates}
        with self._writing():
            authority, root, key = self._opened(password)
            issued = tuple(
                replace(one, revoked=one.revoked or now) if one.serial_number in doomed else one
                for one in authority.issued
            )
            return self._publish(replace(authority, issued=issued), root, key, now)

    def _publish(
        self, authority: Authority, root: x509.Certificate, key: PrivateKey, now: datetime
    ) -> Authority:
        """Write the record, and then the list that follows from it."""
        counted = replace(authority, list_number=authority.list_number + 1)
        self._put(RECORD, _content(counted))
        # RFC 5280 section 5: a list needs to name a certificate only until it expires.
        revoked = [
            Revoked(one.serial_number, one.revoked)
            for one in counted.issued
            if one.revoked is not None and one.not_after > now
        ]
        crl = make_list(root, key, revoked, counted.list_number, now, days=counted.list_days)
        self._put(LIST, crl, mode=0o644)
        return counted

    def _opened(self, password: bytes | None) -> tuple[Authority, x509.Certificate, PrivateKey]:
        where = str(self.path / KEY)
        try:
            key = parse_pem(self._files.read(KEY), password)
        except UnusableKeyError as error:
            raise Problem(
                f"the authority's key: {error}", where, "give the password that it was made with"
            ) from error
        root = x509.load_der_x509_certificate(self._root().der)
        if root.public_key() != key.public_key():
            raise Problem("the key is not that of the root", where, "bring back the key that belongs to it")
        return self._authority(), root, key

    def _root(self) -> Certificate:
        try:
            return parse(next(encoded_certificates(self._files.read(ROOT))))
        except ValueError as error:
            raise self._damaged(ROOT) from error

    def _authority(self) -> Authority:
        try:
            return _authority(parse_json(self._files.read(RECORD)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(RECORD) from error

    def _damaged(self, name: str) -> Problem:
        return Problem(
            "this file of the authority is damaged", str(self.path / name), "bring back a copy of it"
        )

    def _put(self, name: str, content: bytes, *, mode: int = 0o600) -> None:
        self._files.replace(name, content, default_mode=mode)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained(), self._files.writing():
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UntrustedEntryError:
            raise  # The folder of our keys knows more to say.
        except FileNotFoundError as error:
            raise Problem(
                "there is no authority here", str(self.path), "make one with `domain-secure cert ca init`"
            ) from error
        except OSError as error:
            raise cannot_write("the authority's folder cannot be used", str(self.path), error) from error


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def _content(authority: Authority) -> bytes:
    return json.dumps(asdict(authority), indent=1, default=str).encode() + b"\n"


def _authority(document: Any) -> Authority:
    return Authority(
        domains=tuple(map(Domain, document["domains"])),
        list_url=document["list_url"],
        list_days=int(document["list_days"]),
        list_number=int(document["list_number"]),
        issued=tuple(map(_issued, document["issued"])),
    )


def _issued(document: Any) -> Issued:
    revoked = document["revoked"]
    return Issued(
        sha1=document["sha1"],
        sha256=document["sha256"],
        serial_number=int(document["serial_number"]),
        names=tuple(document["names"]),
        not_after=datetime.fromisoformat(document["not_after"]),
        revoked=datetime.fromisoformat(revoked) if revoked else None,
    )
