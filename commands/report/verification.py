"""``domain-secure report --verify``: is a report the one that was made here?

Owns: what is said of a report and of the chain.
"""

import argparse
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_of, print_json
from domain_secure.policy.history.report_chain import Chain, Entry, ReportChain, body_of, digest_in
from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem


@unique
class Outcome(StrEnum):
    """What became of a report since it was made."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NOT_IN_CHAIN = "not-in-this-chain"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found, with the entry of the report where there is one."""

    outcome: Outcome
    entry: Entry | None
    same: tuple[int, ...] = ()  #: the numbers of other reports that say the same
    is_digest_alone: bool = False  #: what it says is unchanged


def verify(arguments: argparse.Namespace) -> ExitStatus:
    """Print whether a report is as it was made; 1 where it is not, or the chain is broken."""
    chain = ReportChain(configuration_of(arguments).state).read()
    found = verification_of(_content(arguments.verify), chain)
    if arguments.json:
        print_json(_document(arguments.verify, found, chain))
    else:
        _print(arguments.verify, found, chain)
    is_well = found.outcome is Outcome.UNCHANGED and chain.broken_at is None
    return ExitStatus.DONE if is_well else ExitStatus.DIFFERENCE


def verification_of(text: bytes, chain: Chain) -> Verification:
    """Return what the chain says of a report in any form."""
    digest = digest_in(text)
    named = next((one for one in chain.entries if one.digest == digest), None)
    if named is not None and _is(named, text):
        same = tuple(
            one.number for one in chain.entries if one.content == named.content and one.number != named.number
        )
        return Verification(Outcome.UNCHANGED, named, same)
    for one in chain.entries:
        if _is(one, text):
            # With its digest alone changed, or of a form that has none.
            outcome = Outcome.CHANGED if digest else Outcome.UNCHANGED
            return Verification(outcome, one, is_digest_alone=digest is not None)
    return Verification(Outcome.CHANGED if named else Outcome.NOT_IN_CHAIN, named)


def _is(entry: Entry, text: bytes) -> bool:
    try:
        return entry.body == body_of(text, entry.form, entry.keys)
    except (AttributeError, ValueError):
        return False


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except PermissionError as error:
        raise NoPermission("no permission to read the report", str(file)) from error
    except OSError as error:
        raise Problem(
            f"cannot read the report ({error.strerror})", str(file), "name a file that `report` wrote"
        ) from error


def _document(file: Path, found: Verification, chain: Chain) -> dict[str, Any]:
    entry = found.entry
    return {
        "file": str(file),
        "outcome": str(found.outcome),
        "report": entry
        and {
            "number": entry.number,
            "digest": entry.digest,
            "previous": entry.previous,
            "form": entry.form,
            "made": entry.made,
            "host": entry.host,
            "since": entry.since,
            "until": entry.until,
            "says_the_same": list(found.same),
        },
        "chain": {"reports": len(chain.entries), "newest": chain.newest, "broken_at": chain.broken_at},
    }


def _print(file: Path, found: Verification, chain: Chain) -> None:
    entry = found.entry
    if entry is None:
        print(f"{file}: not in this chain: made on another edge, or in a chain that is no more, or by nobody")
    elif found.outcome is Outcome.UNCHANGED:
        print(f"{file}: unchanged since it was made: {_told(entry)}")
    else:
        print(f"{file}: CHANGED since it was made: {_told(entry)}")
    if found.is_digest_alone:
        print("it says what it said then, and has another digest: changed in it, or in the chain")
    if found.same:
        print(f"reports that say the same: {', '.join(map(str, found.same))}")
    if chain.broken_at is not None:
        print(
            f"the chain is BROKEN at report {chain.broken_at}: what stands there and before it may have been "
            "changed, dropped or put in"
        )
    elif chain.entries:
        count = f"{len(chain.entries)} report{'s' * (len(chain.entries) != 1)}"
        print(f"the chain has {count} and holds; the newest has digest {chain.newest}")
    else:
        print("the chain is empty")


def _told(entry: Entry) -> str:
    return f"report {entry.number} of {entry.host}, {entry.since} to {entry.until}, made {entry.made}"
