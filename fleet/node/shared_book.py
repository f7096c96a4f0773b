"""Partners' certificates that one node of the fleet knows become known to all.

Owns: what is written for others and what is taken from them.
Invariants: a certificate is taken under the digest it really has, for an entry on our own receive list, and
as content alone: it authenticates nobody, for chain, names and dates are judged with each message, and the
session must prove its key.  What is taken is bounded, and gives way before what was imported here.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.fleet.store.client import get, get_newer, modified_at, put
from domain_secure.fleet.store.problems import Kind, StoreProblem
from domain_secure.fleet.store.repository import Repository
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import MAXIMUM_CERTIFICATES, Chain, parse
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.pin import Pin

SOURCE = "fleet"  #: in the book, of what came from another node
_LARGEST = 128 * 1024  #: octets of one chain in the store
_AT_ONCE = 50  #: taken in one round
_OFFERED = 1000  #: chains of this node's book, those seen last


class SharedBook:
    """The book of one node and the part of it that the fleet shares; for one thread."""

    def __init__(
        self, repository: Repository, path: Path, configuration: Callable[[], Configuration]
    ) -> None:
        self._repository = repository
        self._path = path
        self._book = CertificateBook(path)
        self._configuration = configuration
        self._seen = 0  #: etcd's revision of the last key that was looked at
        self._there: set[str] = set()  #: digests that are in the store
        self._refused = False
        self._given: object = None  #: the state of book and policy that has been given

    def exchange(self) -> int:
        """Give and take; returns how many chains were taken.  Raises Problem."""
        taken = self._take()
        # Reading the whole book costs a tenth of a second, and mostly nothing is new in it.
        state = (self._configuration().revision, *map(_modified, (self._path, Path(f"{self._path}-wal"))))
        if not self._refused and state != self._given:
            self._give()
            self._given = state
        return taken

    def _take(self) -> int:
        prefix = self._key("")
        etcd, taken = self._repository.etcd, 0
        answer = etcd.transaction(get_newer(prefix, self._seen, _AT_ONCE))
        if answer.revision < self._seen:  # the store was restored from an older state
            self._seen, self._there, self._given = 0, set(), None
        for item in answer.ranges[0]:
            self._seen = item.modified
            digest = item.key.removeprefix(prefix)
            self._there.add(digest)
            if not self._is_wanted(digest):
                continue
            (values,) = etcd.transaction(get(item.key)).ranges
            read = read_chain(digest, values[0].value) if values else None
            if read and read[1] in self._configuration().receive:
                self._book.add(read[0], SOURCE, read[1], datetime.now(UTC))
                taken += 1
        return taken

    def _is_wanted(self, digest: str) -> bool:
        try:
            return self._book.chain(Pin.certificate(digest)) is None
        except ValueError:
            return False

    def _give(self) -> None:
        listed = self._configuration().receive
        for known in self._book.all(_OFFERED):
            digest = known.chain[0].certificate_pin.digest
            entry = next((one.entry for one in known.origins if one.entry in listed), None)
            if entry is None or digest in self._there:
                continue
            key = self._key(digest)
            try:
                self._repository.etcd.transaction(
                    put(key, write_chain(known.chain, entry)), compare=(modified_at(key, 0),)
                )
            except StoreProblem as problem:
                if problem.kind is not Kind.DENIED:
                    raise
                self._refused = True  # a node that may not write here still takes
                return
            self._there.add(digest)

    def _key(self, digest: str) -> str:
        return f"{self._repository.prefix}book/{digest}"


def _modified(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def write_chain(chain: Chain, entry: Entry) -> bytes:
    """Return the form in which a chain stands in the store."""
    certificates = [base64.b64encode(certificate.der).decode() for certificate in chain]
    return json.dumps({"entry": entry, "certificates": certificates}).encode()


def read_chain(digest: str, octets: bytes) -> tuple[Chain, Entry] | None:
    """Return what stands under a digest; None for whatever is not the certificate of that digest."""
    if len(octets) > _LARGEST:
        return None
    try:
        document = parse_json(octets)
        encoded = document["certificates"][:MAXIMUM_CERTIFICATES]
        chain = tuple(parse(base64.b64decode(one, validate=True)) for one in encoded)
        entry = Entry(str(document["entry"]))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, MalformedCertificateError):
        return None
    if not chain or chain[0].certificate_pin.digest != digest:
        return None
    return chain, entry
