"""``domain-secure import``: propose a configuration from the settings of another mail server."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from domain_secure.commands.terminal.common import add_to_document, note
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.files.atomic_file import replace
from domain_secure.policy.importing import exchange
from domain_secure.policy.importing.proposal import Proposal
from domain_secure.policy.importing.source_text import SourceText, decode
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .proposal_text import proposal_document, proposal_text, summary

_LARGEST = 16 * 1024 * 1024  #: octets of a file; a list of a million domains takes as much

Propose = Callable[[Sequence[SourceText], Mode], Proposal]

#: By the word: what reads it, and the line of the help.
SOURCES: dict[str, tuple[Propose, str]] = {
    "exchange": (
        exchange.propose,
        (
            "the output of Get-TransportConfig, Get-SendConnector, Get-ReceiveConnector and "
            "Get-ExchangeCertificate, by Format-List or ConvertTo-Json"
        ),
    ),
}


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``import``."""
    del command
    actions = parser.add_subparsers(metavar="SOURCE", required=True, title="sources")
    for word, (propose, text) in SOURCES.items():
        action = actions.add_parser(word, help=text)
        action.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what is read")
        action.add_argument(
            "--encoding",
            metavar="NAME",
            help="of files without a byte order mark that are no UTF-8, such as cp1252, cp932 or utf-16-le",
        )
        action.add_argument(
            "--observe",
            action="store_true",
            help="propose a trial run, which refuses nothing: mode = observe",
        )
        action.add_argument(
            "--out", type=Path, metavar="FILE", help="write the proposal there instead of printing it"
        )
        action.set_defaults(run=run, propose=propose)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print what is proposed, and what has no equivalent; nothing is put in force."""
    sources = [_read(file, arguments.encoding) for file in arguments.files]
    proposal = arguments.propose(sources, Mode.OBSERVE if arguments.observe else Mode.ENFORCE)
    text = proposal_text(proposal, [source.file for source in sources])
    out: Path | None = arguments.out
    add_to_document(proposal_document(proposal, out))
    if not (proposal.receive or proposal.send):
        note("no domain is proposed: what these files demand of single domains is below, or is nothing")
    # As the daemon would read it.
    try:
        parse(proposal.configuration().encode(), out or Path("proposal.toml").absolute())
    except Problem as problem:
        note(f"the proposal is not one that this machine can go by yet: {problem}")
    if out is None:
        print(text, end="")
        return ExitStatus.DONE
    _refuse_to_overwrite(out)
    replace(out, text.encode())
    print(f"written: {out}")
    print(summary(proposal))
    return ExitStatus.DONE


def _read(file: Path, encoding: str | None) -> SourceText:
    with file.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Problem(
            f"the file is larger than {_LARGEST // 1024 // 1024} MiB",
            str(file),
            "name the file that was meant",
        )
    return decode(content, str(file), encoding)


def _refuse_to_overwrite(out: Path) -> None:
    """Never take the place of a configuration: one is edited by the commands that a proposal names."""
    if out.exists():
        raise Problem(
            "there is a file of this name, and a proposal replaces none",
            str(out),
            "name another file, or remove it first",
        )
