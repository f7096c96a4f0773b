"""Certificates that somebody else renews, such as an ACME client: taken in again when they change.

Owns: ``<state>/keys/watched.json``, and what is done when a watched certificate is another one.
Must not know: Postfix; the files it reads change under the same name (``enabled_certificates``).
Invariant: a renewed certificate takes the place of its predecessor only where that is in use, and only when
the check before a renewal has nothing against it but what was accepted once for all.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from pathlib import Path
from typing import Any

from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.problems import Problem

from .certificate_path import read_bundle, read_password
from .enabled_certificates import EnabledCertificates, Role
from .key_folder import KeyFolder
from .own_certificate import OwnCertificate
from .own_certificates import OwnCertificates
from .own_import import RefusedImportError
from .private_key import UnusableKeyError
from .renewal_check import Change, Objection, Peer, by_itself, compare

_FILE = "watched.json"
#: What an ACME renewal changes by design: to stop there would let the certificate in use expire.
ACCEPTED = frozenset({Change.KEY, Change.ISSUER})


@dataclass(frozen=True, slots=True)
class Watched:
    """One file or folder that is watched."""

    path: Path
    key_file: Path | None
    password_file: Path | None
    friendly_name: str
    exportable: bool
    accepted: frozenset[Change]
    certificate: str  #: SHA-256 of what was taken in last


@unique
class Outcome(StrEnum):
    """What became of one watched path."""

    UNCHANGED = "unchanged"
    IMPORTED = "imported"  #: a new certificate; the former was not in use
    ENABLED = "enabled"  #: a new certificate, in use in place of the former
    REFUSED = "refused"  #: the former stays in use
    FAILED = "failed"  #: nothing could be taken in


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one watched path, and why."""

    path: Path
    outcome: Outcome
    detail: str
    own: OwnCertificate | None = None
    objections: tuple[Objection, ...] = ()


class WatchedCertificates:
    """The list of what is watched.  Every method raises Problem where the folder cannot be used."""

    def __init__(self, state: Path) -> None:
        self._folder = KeyFolder(state)

    def all(self) -> tuple[Watched, ...]:
        """Return what is watched; raises Problem also for a list that cannot be read."""
        with self._folder.reading() as folder:
            return _read(folder) if folder else ()

    def watch(self, watched: Watched) -> None:
        """Watch a path from now on; one that is watched already is watched in the new way."""
        with self._folder.writing() as folder:
            others = [one for one in _read(folder) if one.path != watched.path]
            folder.replace(_FILE, _content((*others, watched)))

    def forget(self, path: Path) -> bool:
        """Watch a path no more; return whether it was watched."""
        with self._folder.writing() as folder:
            former = _read(folder)
            kept = [one for one in former if one.path != path]
            if len(kept) < len(former):
                folder.replace(_FILE, _content(kept))
        return len(kept) < len(former)


def refresh_watched(state: Path, now: datetime, peers: Sequence[Peer] = ()) -> tuple[Refreshed, ...]:
    """Take in what changed, and put it to use in place of its predecessor; raises Problem for the list alone.

    Postfix is to be reloaded where an outcome is ENABLED; without that, its processes see the new certificate
    as they are replaced (postconf(5): max_use, max_idle).  A refused certificate is imported all the same, to
    be enabled by a person.  What is called again after a refusal refuses again.
    """
    return tuple(_refresh(state, watched, now, peers) for watched in WatchedCertificates(state).all())


def _refresh(state: Path, watched: Watched, now: datetime, peers: Sequence[Peer]) -> Refreshed:
    store, enabled = OwnCertificates(state), EnabledCertificates(state)
    try:
        password = read_password(watched.password_file) if watched.password_file else None
        bundle = read_bundle(watched.path, watched.key_file, password)
        if any(one.certificate_pin.digest == watched.certificate for one in bundle.certificates):
            return Refreshed(watched.path, Outcome.UNCHANGED, "it is the certificate that is known")
        own = store.take_in(
            bundle, now, friendly_name=watched.friendly_name, exportable=watched.exportable
        ).own
        chains = enabled.chains()
        replaced = {
            role: chain
            for role, chain in chains.items()
            if chain[0].certificate_pin.digest == watched.certificate
        }
        objections = tuple(_objections(own, replaced, watched.accepted, now, peers))
        if objections:
            detail = "; ".join(map(str, objections))
            return Refreshed(watched.path, Outcome.REFUSED, detail, own, objections)
        if replaced:
            enabled.enable(own, replaced)
    except (RefusedImportError, MalformedCertificateError, UnusableKeyError) as error:
        return Refreshed(watched.path, Outcome.FAILED, str(error))
    except Problem as problem:
        return Refreshed(watched.path, Outcome.FAILED, str(problem))
    _remember(state, watched, own)
    if not replaced:
        return Refreshed(watched.path, Outcome.IMPORTED, "its predecessor is not in use", own)
    return Refreshed(watched.path, Outcome.ENABLED, f"in use as {' and '.join(replaced)}", own)


def _objections(
    own: OwnCertificate,
    replaced: dict[Role, Chain],
    accepted: Collection[Change],
    now: datetime,
    peers: Sequence[Peer],
) -> Iterator[Objection]:
    found = [*by_itself(own.certificate, (), now)] if replaced else []
    for chain in dict.fromkeys(replaced.values()):
        found += compare(chain, own.chain, peers)
    for objection in found:
        if objection.change not in accepted:
            yield objection


def _remember(state: Path, watched: Watched, own: OwnCertificate) -> None:
    WatchedCertificates(state).watch(replace(watched, certificate=own.sha256))


def _content(every: Sequence[Watched]) -> bytes:
    documents = [asdict(one) | {"accepted": sorted(one.accepted)} for one in every]
    return json.dumps(documents, indent=1, default=str).encode() + b"\n"


def _read(folder: HeldFolder) -> tuple[Watched, ...]:
    try:
        return tuple(map(_watched, json.loads(folder.read(_FILE))))
    except FileNotFoundError:
        return ()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Problem(
            "the list of watched certificates is damaged",
            str(folder.path / _FILE),
            "remove it, and name the paths again with `domain-secure cert import --watch`",
        ) from error


def _watched(document: Any) -> Watched:
    key_file, password_file = document["key_file"], document["password_file"]
    return Watched(
        path=Path(document["path"]),
        key_file=Path(key_file) if key_file else None,
        password_file=Path(password_file) if password_file else None,
        friendly_name=document["friendly_name"],
        exportable=document["exportable"] is True,
        accepted=frozenset(map(Change, document["accepted"])),
        certificate=document["certificate"],
    )
