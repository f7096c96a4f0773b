"""Certificates that somebody else renews, such as an ACME client: taken in again when they change.

Owns: what is done when a watched certificate is another one, and what is told of it before.
Must not know: Postfix; the files it reads change under the same name (``enabled_certificates``).
Invariant: a renewed certificate takes the place of its predecessor only where that is in use, and only when
the check before a renewal has nothing against it but what was accepted once for all.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from pathlib import Path

from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.terms.problems import NoPermission, Problem

from .certificate_path import read_bundle, read_password
from .enabled_certificates import EnabledCertificates, Role
from .key_bundle import Bundle
from .own_certificate import OwnCertificate
from .own_certificates import OwnCertificates
from .own_import import RefusedImportError
from .private_key import UnusableKeyError
from .renewal_check import Change, Objection, Peer, by_itself, compare
from .shown_chain import chain_faults
from .watch_list import Watched, WatchList

#: What an ACME renewal changes by design: to stop there would let the certificate in use expire.
ACCEPTED = frozenset({Change.KEY, Change.ISSUER})
_UNFIT = (RefusedImportError, MalformedCertificateError, UnusableKeyError)
_FIT = "put a PFX there, or the issued certificate in PEM, DER or PKCS#7 with its key"


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
    fix: str = ""  #: what to do, where something is to be done


@unique
class Standing(StrEnum):
    """How a watched place stands to what we have of it."""

    CURRENT = "current"
    WAITS = "waits"  #: a newer certificate lies there, and was not taken in
    REFUSED = "refused"  #: a newer certificate lies there, and something speaks against it
    UNUSABLE = "unusable"  #: what lies there cannot be taken in
    NOT_SEEN = "not-seen"  #: who asks may not look there


@dataclass(frozen=True, slots=True)
class Look:
    """What lies in one watched place, without taking it in."""

    path: Path
    standing: Standing
    detail: str
    fix: str = ""  #: what to do, where something is to be done


def refresh_watched(
    watch_list: WatchList, state: Path, now: datetime, peers: Sequence[Peer] = ()
) -> tuple[Refreshed, ...]:
    """Take in what changed, and put it to use in place of its predecessor; raises Problem for the list alone.

    Postfix is to be reloaded where an outcome is ENABLED; without that, its processes see the new certificate
    as they are replaced (postconf(5): max_use, max_idle).  A refused certificate is imported all the same, to
    be enabled by a person.  What is called again after a refusal refuses again.
    """
    return tuple(_refresh(watch_list, state, watched, now, peers) for watched in watch_list.all())


def look_at_watched(watch_list: WatchList, state: Path, now: datetime) -> tuple[Look, ...]:
    """Return how each watched place stands, and change nothing; raises Problem for list and store alone."""
    chains = EnabledCertificates(state).chains()
    return tuple(_look(state, watched, chains, now) for watched in watch_list.all())


def _look(state: Path, watched: Watched, chains: Mapping[Role, Chain], now: datetime) -> Look:
    try:
        bundle = _bundle(watched)
        known = {watched.certificate, *(chain[0].certificate_pin.digest for chain in chains.values())}
        if any(one.certificate_pin.digest in known for one in bundle.certificates):
            return Look(watched.path, Standing.CURRENT, "it is the certificate that is known")
        chain = OwnCertificates(state).assembled(bundle, now).chain
    except NoPermission as problem:
        return Look(watched.path, Standing.NOT_SEEN, str(problem))
    except (*_UNFIT, Problem) as error:
        return Look(watched.path, Standing.UNUSABLE, *_told(error))
    replaced = _replaced(chains, watched)
    if objections := tuple(_objections(chain, replaced, watched.accepted, now, ())):
        return Look(
            watched.path,
            Standing.REFUSED,
            "; ".join(map(str, objections)),
            mending(objections, f"cert import {watched.path} --watch --enable"),
        )
    in_use = f"in place of the one in use as {' and '.join(replaced)}" if replaced else "which is not in use"
    until = f"{chain[0].not_after:%Y-%m-%d}"
    return Look(
        watched.path,
        Standing.WAITS,
        f"a certificate valid until {until}, {in_use}",
        "run `domain-secure cert refresh`, and see that domain-secure-refresh.timer runs it",
    )


def mending(objections: Sequence[Objection], command: str) -> str:
    """Return what mends all of *objections*, and the command that takes them into account instead."""
    words = " ".join(f"--accept {change}" for change in dict.fromkeys(one.change for one in objections))
    return (
        f"{'; '.join(dict.fromkeys(one.fix for one in objections))}; or run `domain-secure {command} {words}`"
    )


def _told(error: Exception) -> tuple[str, str]:
    """Return why something cannot be taken in, and what to do about it."""
    if isinstance(error, Problem):
        return f"{error.what}: {error.where}", error.fix
    fix = error.fix if isinstance(error, RefusedImportError | UnusableKeyError) else _FIT
    return str(error), fix


def _refresh(
    watch_list: WatchList, state: Path, watched: Watched, now: datetime, peers: Sequence[Peer]
) -> Refreshed:
    store, enabled = OwnCertificates(state), EnabledCertificates(state)
    try:
        bundle = _bundle(watched)
        if any(one.certificate_pin.digest == watched.certificate for one in bundle.certificates):
            return Refreshed(watched.path, Outcome.UNCHANGED, "it is the certificate that is known")
        own = store.take_in(
            bundle, now, friendly_name=watched.friendly_name, exportable=watched.exportable
        ).own
        replaced = _replaced(enabled.chains(), watched)
        objections = tuple(_objections(own.chain, replaced, watched.accepted, now, peers))
        if objections:
            detail = "; ".join(map(str, objections))
            fix = mending(objections, f"cert enable {own.sha1[:8].upper()}")
            return Refreshed(watched.path, Outcome.REFUSED, detail, own, objections, fix)
        if replaced:
            enabled.enable(own, replaced)
    except (*_UNFIT, Problem) as error:
        detail, fix = _told(error)
        return Refreshed(watched.path, Outcome.FAILED, detail, fix=fix)
    watch_list.watch(replace(watched, certificate=own.sha256))
    if not replaced:
        return Refreshed(watched.path, Outcome.IMPORTED, "its predecessor is not in use", own)
    return Refreshed(watched.path, Outcome.ENABLED, f"in use as {' and '.join(replaced)}", own)


def _bundle(watched: Watched) -> Bundle:
    """Return what lies in a watched place; nobody is there to see what is read."""
    file = watched.password_file
    password = read_password(file, unattended=True) if file else None
    return read_bundle(watched.path, watched.key_file, password, unattended=True)


def _replaced(chains: Mapping[Role, Chain], watched: Watched) -> dict[Role, Chain]:
    return {
        role: chain
        for role, chain in chains.items()
        if chain[0].certificate_pin.digest == watched.certificate
    }


def _objections(
    chain: Chain,
    replaced: dict[Role, Chain],
    accepted: Collection[Change],
    now: datetime,
    peers: Sequence[Peer],
) -> Iterator[Objection]:
    found = [*by_itself(chain[0], (), now)] if replaced else []
    for former in dict.fromkeys(replaced.values()):
        found += compare(former, chain, peers)
        known = {one.change for one in chain_faults(former, None)}
        found += (one for one in chain_faults(chain, None) if one.change not in known)
    for objection in found:
        if objection.change not in accepted:
            yield objection
