"""``domain-secure import``: propose a configuration from the settings of another mail server."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from domain_secure.commands.terminal.common import add_to_document, configuration_of, note
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.files.atomic_file import replace
from domain_secure.policy.importing import exchange, exim, sendmail, tls_policy
from domain_secure.policy.importing.proposal import Proposal
from domain_secure.policy.importing.source_text import SourceText, decode
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.lookups import LISTED
from domain_secure.postfix.instance.programs import PostfixInstance

from .proposal_text import proposal_document, proposal_text, summary

_LARGEST = 16 * 1024 * 1024  #: octets of all files together; a list of a million domains takes as much
_COMPILED = frozenset({".db", ".cdb", ".lmdb", ".dir", ".pag"})
_TABLE = re.compile(r"(?P<type>[a-z]+):(?P<path>/.+)")

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
    "tls-policy": (
        tls_policy.propose,
        (
            "a table of Postfix's smtp_tls_policy_maps: its text, or TYPE:/PATH as in main.cf where postmap "
            "can list it"
        ),
    ),
    "sendmail": (sendmail.propose, "the text of Sendmail's access map: TLS_Srv, TLS_Clt, TLS_Rcpt"),
    "exim": (exim.propose, "Exim's configuration, with the files that it includes"),
}


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``import``."""
    del command
    actions = parser.add_subparsers(metavar="SOURCE", required=True, title="sources")
    for word, (propose, text) in SOURCES.items():
        action = actions.add_parser(word, help=text)
        action.add_argument("files", nargs="+", metavar="FILE", help="what is read")
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
    sources = _sources(arguments)
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


def _sources(arguments: argparse.Namespace) -> list[SourceText]:
    """Read what was named, all of it together no more than one large list."""
    found, left = [], _LARGEST
    for name in dict.fromkeys(arguments.files):
        table = _TABLE.fullmatch(name) if arguments.propose is tls_policy.propose else None
        content = _listed(name, arguments, left) if table else _content(Path(name), arguments, left)
        left -= len(content)
        if left < 0:
            raise Problem(
                f"with this file it is more than {_LARGEST // 1024 // 1024} MiB",
                name,
                "name the files that were meant",
            )
        found.append(decode(content, name, None if table else arguments.encoding))
    return found


def _content(file: Path, arguments: argparse.Namespace, most: int) -> bytes:
    if file.suffix in _COMPILED and file.is_file():
        table = f", or the table as main.cf does, such as hash:{file.absolute().with_suffix('')}"
        named = table if arguments.propose is tls_policy.propose else ""
        raise Problem("this is a compiled table", str(file), f"name the text it is made of{named}")
    with file.open("rb") as stream:
        return stream.read(most + 1)


def _listed(table: str, arguments: argparse.Namespace, most: int) -> bytes:
    """Return the entries of a table of Postfix's, a line each; raises Problem where it cannot list them."""
    if table.partition(":")[0] not in LISTED:
        raise Problem(
            "a table of this type answers questions, and does not list what it has",
            table,
            "name the text it is made of",
        )
    instance = PostfixInstance(configuration_of(arguments).config_directory)
    lines: list[str] = []
    for key, value in instance.entries(table):
        lines.append(f"{key} {value}\n")
        most -= len(lines[-1])
        if most < 0:
            break
    return "".join(lines).encode("utf-8", "surrogateescape")


def _refuse_to_overwrite(out: Path) -> None:
    """Never take the place of a configuration: one is edited by the commands that a proposal names."""
    if out.exists():
        raise Problem(
            "there is a file of this name, and a proposal replaces none",
            str(out),
            "name another file, or remove it first",
        )
