"""``domain-secure agreement export``: what we announce to partners, signed.

Owns: the step from what is ours to an agreement.  A file without what has to be in it is not written.
"""

import argparse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_of, note, print_json
from domain_secure.policy.agreement.agreement import ROLES, Agreement, AnnouncedKey, Authority
from domain_secure.policy.agreement.agreement_file import fingerprint, read_agreement, write_agreement
from domain_secure.policy.certificates.certificate import (
    MAXIMUM_FILE_OCTETS,
    Certificate,
    is_authority,
    read_certificates,
)
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.presented_names import names_of
from domain_secure.policy.files.atomic_file import replace
from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.timed_pin import time_text

from .own_side import OwnSide, own_side
from .signing_key import SigningKey, to_sign


def run_export(arguments: argparse.Namespace) -> ExitStatus:
    """Print or write the file, and tell the fingerprint of the key that signed it."""
    configuration = configuration_of(arguments)
    now = datetime.now(UTC)
    own = own_side(configuration, arguments.our_domain, now)
    keys = tuple(_keys(arguments, own, now))
    _refuse_half_of_it(own, keys, named=bool(arguments.certificate))
    signing = to_sign(configuration.state, now)
    if signing.issued > now + timedelta(minutes=1):
        note(f"the last file was issued later than now, so this one is issued at {time_text(signing.issued)}")
    agreement = _agreement(arguments, own, keys, signing)
    octets = write_agreement(agreement, signing.private)
    # As the partner will read it.
    signed = read_agreement(octets, "the new file")
    out = arguments.out and Path(arguments.out)
    if out:
        replace(out, octets)
    if signing.is_new:
        note("a key for signing was made; partners confirm its fingerprint once")
    for role in (role for role, chains in own.chains.items() if not chains):
        note(f"no certificate is known to be shown as {role}")
    for what, why in own.unknown:
        note(f"not in the file, as it is not known: {what}: {why}")
    if arguments.json:
        print_json(agreement_document(signed.agreement, signed.key) | {"written": [str(out)] if out else []})
    elif out:
        print(f"written: {out}")
    else:
        print(octets.decode(), end="")
    note(f"signed by the key with the fingerprint {fingerprint(signed.key)}")
    return ExitStatus.DONE


def agreement_document(agreement: Agreement, key: PublicKey) -> dict[str, Any]:
    """Return what a file says as plain values with stable keys."""
    return {
        "domains": list(agreement.domains),
        "issued": time_text(agreement.issued),
        "valid_until": time_text(agreement.valid_until),
        "signing_key": str(key),
        "fingerprint": fingerprint(key),
        "keys": [
            {
                "spki_sha256": str(one.public_key),
                "certificate_sha256": str(one.certificate) if one.certificate else None,
                "shown_as": list(one.shown_as),
                "from": time_text(one.begins) if one.begins else None,
                "until": time_text(one.ends) if one.ends else None,
            }
            for one in agreement.keys
        ],
        "server_names": list(agreement.server_names),
        "client_names": list(agreement.client_names),
        "mx": list(agreement.mx),
        "authorities": [
            {"subject": one.subject, "certificate_sha256": str(one.certificate)}
            for one in agreement.authorities
        ],
        "contacts": list(agreement.contacts),
    }


def _refuse_half_of_it(own: OwnSide, keys: Iterable[AnnouncedKey], *, named: bool) -> None:
    """Raise a Problem where a part of what is ours may be missing: a partner would refuse that part.

    named: whether the administrator named certificates himself.
    """
    why = dict(reversed(own.unknown))
    if not own.domains:
        raise Problem(
            "which domains are ours is not known",
            why.get("domains", "Postfix"),
            "name them with --our-domain",
        )
    if "certificates" in why and not named:
        raise Problem(
            "which certificates are shown is not known",
            why["certificates"],
            "mend that, or run this as root; or name their files with --certificate",
        )
    if not keys:
        raise Problem(
            "no certificate of ours is shown, so there is no key to announce",
            "Postfix's settings and `domain-secure cert list`",
            "enable one with `domain-secure cert enable`, or name a file with --certificate",
        )


def _keys(arguments: argparse.Namespace, own: OwnSide, now: datetime) -> Iterator[AnnouncedKey]:
    coming = {one.public_key: one for one in own.coming}
    begins = arguments.next_from
    if begins is not None and not coming:
        raise Problem(
            "there is no next key",
            "--next-from",
            "make one with `domain-secure cert request --renew THUMBPRINT`, or leave the option out",
        )
    if begins is not None and begins <= now:
        raise Problem("this time is past", f"--next-from {time_text(begins)}", "name one to come")
    ends = None if begins is None else _later(begins, arguments.overlap, "--overlap")
    followed = set(_followed(own, map(_read, arguments.certificate)))
    present: dict[Pin, AnnouncedKey] = {}
    for certificate, roles in _present(arguments, own):
        pin = certificate.public_key_pin
        former = present[pin].shown_as if pin in present else ()
        shown_as = tuple(role for role in ROLES if role in {*roles, *former})
        until = ends if pin in followed else None
        present[pin] = AnnouncedKey(pin, shown_as, certificate.certificate_pin, ends=until)
    yield from present.values()
    for pin in (pin for pin in present if begins and pin not in followed):
        note(f"no end is announced of {pin}, as no next key of this edge follows it")
    for one in coming.values():
        held = one.certificate.certificate_pin if one.certificate else None
        yield AnnouncedKey(one.public_key, ROLES, held, begins=begins)


def _followed(own: OwnSide, named: Iterable[Certificate]) -> Iterator[Pin]:
    """Yield the keys shown here that a next one follows: it is for one of their names.

    The certificates *named* are those of other edges, which have next keys of their own, unless nothing is
    known to be shown here: a key that ended with nothing after it would be refused.
    """
    shown = [chain[0] for chains in own.chains.values() for chain in chains]
    names = {name for one in own.coming for name in one.names}
    for certificate in shown or named:
        if not names.isdisjoint(names_of(certificate)):
            yield certificate.public_key_pin


def _later(moment: datetime, seconds: float, option: str) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError as error:
        raise Problem("no calendar has this time", option, "name a shorter one") from error


def _present(arguments: argparse.Namespace, own: OwnSide) -> Iterator[tuple[Certificate, tuple[str, ...]]]:
    for role, chains in own.chains.items():
        yield from ((chain[0], (str(role),)) for chain in chains)
    for name in arguments.certificate:
        yield _read(name), ROLES


def _read(name: str) -> Certificate:
    with Path(name).open("rb") as stream:
        content = stream.read(MAXIMUM_FILE_OCTETS + 1)
    try:
        return read_certificates(content)[0]
    except (MalformedCertificateError, IndexError) as error:
        raise Problem("this is no certificate", name, "name a file in PEM, DER or PKCS#7") from error


def _agreement(
    arguments: argparse.Namespace, own: OwnSide, keys: tuple[AnnouncedKey, ...], signing: SigningKey
) -> Agreement:
    names: dict[Role, dict[str, None]] = {
        role: dict.fromkeys(name for chain in chains for name in names_of(chain[0]))
        for role, chains in own.chains.items()
    }
    both = [one.names for one in own.coming] + [names_of(_read(name)) for name in arguments.certificate]
    for found in names.values():
        found.update(dict.fromkeys(name for more in both for name in more))
    return Agreement(
        domains=own.domains,
        issued=signing.issued,
        valid_until=_later(signing.issued, arguments.valid_for, "--valid-for"),
        keys=keys,
        server_names=tuple(names[Role.SERVER]),
        client_names=tuple(names[Role.CLIENT]),
        mx=own.mx,
        authorities=tuple(_authorities(own)),
        contacts=tuple(arguments.contact) or tuple(f"postmaster@{domain}" for domain in own.domains),
    )


def _authorities(own: OwnSide) -> Iterator[Authority]:
    """Yield the authorities that come with what is shown, each once."""
    above = (one for chains in own.chains.values() for chain in chains for one in chain[1:])
    for one in dict.fromkeys(one for one in above if is_authority(one)):
        yield Authority(one.subject, one.certificate_pin)
