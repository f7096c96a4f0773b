"""What is known of a partner's certificates: content, how each got into the book, and what came with it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.book.certificate_book import IMPORT, PROBE, KnownChain, Origin
from domain_secure.policy.certificates.key_description import key_text
from domain_secure.policy.certificates.presented_names import names_of, some
from domain_secure.policy.certificates.purposes import purposes_of
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.history import History, Sighting
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.printable import printable, without_local_parts
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.thumbprint import sha1_of

_SHOWN_ORIGINS = 3  #: places in one line; a farm has dozens


def certificate_details(
    known: Iterable[KnownChain], entries: Collection[Entry | None], configuration: Configuration
) -> list[dict[str, Any]]:
    """Return a document of each certificate that the book has for a partner.

    ``used`` tells what came with it as far as the history goes back; None: the history cannot be read, and
    ``used_problem`` says why.
    """
    sightings, problem = _sightings(configuration, entries)
    documents = []
    for one in known:
        origins = [origin for origin in one.origins if origin.entry in entries]
        if origins:
            used = None if problem else _used(sightings, one.chain[0].certificate_pin)
            documents.append(_document(one, origins) | {"used": used, "used_problem": problem})
    return documents


def _sightings(
    configuration: Configuration, entries: Collection[Entry | None]
) -> tuple[tuple[Sighting, ...], str | None]:
    try:
        every = History(configuration.state).sightings(datetime.fromtimestamp(0, UTC))
    except Problem as problem:
        return (), str(problem)
    return tuple(one for one in every if one.entry in entries and one.direction is Direction.RECEIVE), None


def _used(sightings: Iterable[Sighting], fingerprint: Pin) -> dict[str, Any]:
    of_it = [one for one in sightings if one.fingerprint == fingerprint]
    return {
        "first": min(one.first_seen for one in of_it).isoformat() if of_it else None,
        "last": max(one.last_seen for one in of_it).isoformat() if of_it else None,
        "passed": sum(one.passed for one in of_it),
        "failed": sum(one.failed for one in of_it),
    }


def _document(known: KnownChain, origins: Iterable[Origin]) -> dict[str, Any]:
    certificate = known.chain[0]
    return {
        "thumbprint": sha1_of(certificate.der).upper(),
        "sha256": str(certificate.certificate_pin),
        "spki_sha256": str(certificate.public_key_pin),
        "subject": without_local_parts(certificate.subject),
        "issuer": without_local_parts(certificate.issuer),
        "names": [without_local_parts(name) for name in names_of(certificate)],
        "key": key_text(certificate),
        "purposes": sorted(purposes_of(certificate)),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "is_past": certificate.not_after < datetime.now(UTC),
        "chain": [without_local_parts(one.subject) for one in known.chain[1:]],
        "origins": [
            {
                "source": origin.source,
                "entry": origin.entry,
                "first_seen": origin.first_seen.isoformat(),
                "last_seen": origin.last_seen.isoformat(),
            }
            for origin in origins
        ],
    }


def certificate_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield one certificate as lines for people."""
    yield f"certificate  {document['sha256']}"
    past = ", which is past" if document["is_past"] else ""
    for label, text in (
        ("public key", document["spki_sha256"]),
        ("", document["key"]),
        ("subject", document["subject"] or "none"),
        ("issuer", document["issuer"]),
        ("names", some(document["names"])),
        ("made for", ", ".join(f"TLS {purpose}s" for purpose in document["purposes"]) or "neither"),
        ("valid", f"{_time(document['not_before'])} to {_time(document['not_after'])}{past}"),
        *(("known", text) for text in _known(document["origins"])),
        ("used", _told_use(document)),
    ):
        yield f"  {label:<10} {printable(text)}".rstrip()


def _known(origins: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield by which means a certificate got into the book, the latest first."""
    latest = sorted(origins, key=lambda origin: origin["last_seen"], reverse=True)
    for origin in latest[:_SHOWN_ORIGINS]:
        word, _, place = origin["source"].partition(" ")
        first, last = _time(origin["first_seen"]), _time(origin["last_seen"])
        if word == IMPORT:
            yield f"imported {first}" + (f", and again {last}" if last != first else "")
        elif word == PROBE:
            yield f"shown by {place} when it was probed, {first} to {last}"
        else:
            yield f"from {origin['source']}, {first} to {last}"
    if len(latest) > _SHOWN_ORIGINS:
        yield f"and from {len(latest) - _SHOWN_ORIGINS} more places, see --json"


def _told_use(document: Mapping[str, Any]) -> str:
    used = document["used"]
    if used is None:
        return f"not known: {document['used_problem']}"
    if used["first"] is None:
        return "no message has come with it, as far as the history goes back"
    return (
        f"{_time(used['first'])} to {_time(used['last'])}: {used['passed']} passed, {used['failed']} did not"
    )


def _time(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
