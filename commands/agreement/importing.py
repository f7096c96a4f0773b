"""``domain-secure agreement import`` and ``diff``: what a partner's file would change, proposed alone.

Owns: whose file is believed: one signed by the key that is noted in the rule of each of its domains, or that
the administrator names together with the domains it may speak for.
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import add_to_document, already_so, configuration_of, note
from domain_secure.policy.agreement.agreement_file import (
    LARGEST,
    SignedAgreement,
    fingerprint,
    is_key,
    read_agreement,
)
from domain_secure.policy.agreement.proposal import Change, Proposal, proposal_for
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.atomic_file import replace
from domain_secure.policy.files.known_time import KnownTime
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.printable import printable
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.timed_pin import time_text

from .exporting import agreement_document
from .signing_key import public_key

_AHEAD = timedelta(hours=1)
_ASK = "ask the partner, by another way than mail, for the fingerprint that his `agreement export` tells"


def run_import(arguments: argparse.Namespace) -> ExitStatus:
    """Print the commands that accept a file which may be believed; nothing is changed by this."""
    configuration, now = configuration_of(arguments), datetime.now(UTC)
    signed = _read(arguments.file)
    _refuse_ours(signed, configuration, arguments.file)
    domains = _domains(signed, arguments.domain, arguments.file)
    _require_key(signed, domains, configuration, arguments)
    _refuse_past(signed, domains, configuration, now, arguments.file)
    proposals = [proposal_for(domain, signed, configuration, now) for domain in domains]
    out = arguments.out and Path(arguments.out)
    add_to_document(_document(signed, proposals) | {"written": [str(out)] if out else []})
    _print(signed, proposals)
    commands = [one.command for one in proposals if one.command]
    if not commands:
        already_so(f"the rule of {', '.join(domains)} is as this agreement has it")
    elif out:
        _write(out, commands, arguments.file)
    else:
        print("\nTo accept it:")
        print("\n".join(f"  {command}" for command in commands))
    return ExitStatus.DONE


def run_diff(arguments: argparse.Namespace) -> ExitStatus:
    """Print how a file differs from the rules, whether it may be believed or not; 1 where it does."""
    configuration, now = configuration_of(arguments), datetime.now(UTC)
    signed = _read(arguments.file)
    domains = _domains(signed, arguments.domain, arguments.file)
    proposals = [proposal_for(domain, signed, configuration, now) for domain in domains]
    add_to_document(_document(signed, proposals))
    _print(signed, proposals)
    for domain in domains:
        if _noted(configuration, domain) != signed.key:
            note(f"its key is not the one noted for {domain}: `agreement import` would refuse it")
    try:
        _refuse_past(signed, domains, configuration, now, arguments.file)
    except Problem as problem:
        note(str(problem))
    if any(one.changes for one in proposals):
        return ExitStatus.DIFFERENCE
    print("no difference")
    return ExitStatus.DONE


def _read(name: str) -> SignedAgreement:
    if name == "-":
        return read_agreement(sys.stdin.buffer.read(LARGEST + 1), "standard input")
    with Path(name).open("rb") as stream:
        return read_agreement(stream.read(LARGEST + 1), name)


def _domains(signed: SignedAgreement, asked: Sequence[Domain], where: str) -> tuple[Domain, ...]:
    for domain in asked:
        if domain not in signed.agreement.domains:
            raise Problem(
                "the file says nothing of this domain",
                f"{where}: {domain}",
                f"name one of {', '.join(signed.agreement.domains)}, or leave --domain out",
            )
    return tuple(dict.fromkeys(asked)) or signed.agreement.domains


def _noted(configuration: Configuration, domain: Domain) -> object:
    rule = configuration.partners.get(Entry(domain))
    return rule and rule.agreement_key


def _refuse_ours(signed: SignedAgreement, configuration: Configuration, where: str) -> None:
    """Raise a Problem for a file that we signed ourselves; who may not read our key confirms another one."""
    ours: PublicKey | None = None
    with suppress(Problem):
        ours = public_key(configuration.state)
    if signed.key == ours:
        raise Problem(
            "this is our own file: our key has signed it", where, "name the partner's; ours is for him"
        )


def _require_key(
    signed: SignedAgreement,
    domains: Iterable[Domain],
    configuration: Configuration,
    arguments: argparse.Namespace,
) -> None:
    """Raise a Problem unless the key may speak for each of the domains.

    To name the key is not to say for whom it speaks: a partner's own file may name another's domain.
    """
    shown, where = fingerprint(signed.key), f"{arguments.file}: signature"
    if arguments.key is not None and not _is_named(arguments.key, signed):
        raise Problem(f"another key has signed it: {shown}", where, f"{_ASK}, and compare the two")
    unsettled = [one for one in domains if _noted(configuration, one) != signed.key]
    unconfirmed = [one for one in unsettled if arguments.key is None or one not in arguments.domain]
    if not unconfirmed:
        return
    others = [one for one in unconfirmed if _noted(configuration, one)]
    what = (
        f"it was signed by another key than the one noted for {', '.join(others)}: {shown}"
        if others
        else f"nobody has confirmed that this key speaks for {', '.join(unconfirmed)}: {shown}"
    )
    named = " ".join(f"--domain {one}" for one in domains)
    # The digits are not put into his mouth: they are to be those that he was told.
    again = f"domain-secure agreement import {shlex.quote(arguments.file)} --key 'WHAT HE TOLD' {named}"
    raise Problem(what, where, f"{_ASK}; where these are his domains, with it: {again}")


def _is_named(text: str, signed: SignedAgreement) -> bool:
    try:
        return is_key(text, signed.key)
    except ValueError as error:
        raise Problem(str(error), "--key", "copy the fingerprint that `agreement export` tells") from error


def _refuse_past(
    signed: SignedAgreement,
    domains: Iterable[Domain],
    configuration: Configuration,
    now: datetime,
    where: str,
) -> None:
    """Raise a Problem for what has ended, by the latest time known, or is older than what was accepted."""
    agreement = signed.agreement
    latest = KnownTime.of_state(configuration.state).after(now)
    if agreement.valid_until <= latest:
        by = "" if latest == now else f" (the clock, which says {time_text(now)}, is behind)"
        ended = f"the agreement has ended at {time_text(agreement.valid_until)}{by}"
        raise Problem(ended, where, "ask the partner for the present one")
    for domain in domains:
        rule = configuration.partners.get(Entry(domain))
        if rule and rule.agreement_issued and agreement.issued < rule.agreement_issued:
            accepted = f"{domain}: accepted was {time_text(rule.agreement_issued)}"
            what = f"the file, issued at {time_text(agreement.issued)}, is older than the one accepted"
            raise Problem(what, f"{where}: {accepted}", "ask the partner for the present one")
    if agreement.issued > latest + _AHEAD:
        note(f"the file is issued at {time_text(agreement.issued)}, which is to come: one clock is wrong")


def _document(signed: SignedAgreement, proposals: Iterable[Proposal]) -> dict[str, Any]:
    return {
        "agreement": agreement_document(signed.agreement, signed.key),
        "proposals": [
            {
                "domain": one.entry,
                "changes": [
                    {
                        "key": change.key,
                        "present": list(change.present),
                        "agreed": list(change.agreed),
                        "remark": change.remark or None,
                    }
                    for change in one.changes
                ],
                "remarks": list(one.remarks),
                "command": one.command,
            }
            for one in proposals
        ],
    }


def _print(signed: SignedAgreement, proposals: Iterable[Proposal]) -> None:
    agreement = signed.agreement
    print(f"signed by     {fingerprint(signed.key)}")
    print(f"issued        {time_text(agreement.issued)}, valid until {time_text(agreement.valid_until)}")
    print(f"contacts      {'; '.join(agreement.contacts) or 'none is named'}")
    print(f"MX hosts      {', '.join(agreement.mx) or 'none is named'}")
    for one in agreement.authorities:
        print(f"authority     {one.subject} ({one.certificate})")
    for proposal in proposals:
        print(f"\n{proposal.entry}")
        for line in (*_changed(proposal.changes), *(f"  note: {text}" for text in proposal.remarks)):
            print(line)


def _changed(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        yield f"  {change.key}"
        yield from (f"    - {text}" for text in change.present if text not in change.agreed)
        yield from (f"    + {text}" for text in change.agreed if text not in change.present)
        if change.remark:
            yield f"    {change.remark}"


def _write(out: Path, commands: Iterable[str], source: str) -> None:
    if out.exists():
        raise Problem("there is a file of this name", str(out), "name another file, or remove it first")
    lines = [
        "#!/bin/sh -e",
        f"# Accepts the agreement of {printable(source)}; nothing is in force before.",
        *commands,
    ]
    replace(out, ("\n".join(lines) + "\n").encode())
    print(f"written: {out}")
