"""The entry point: which command is asked for, and how whatever goes wrong reaches the person.

Owns: the table of commands, ``--config``, the form of an error, the exit status.
Must not do: import a command that is not asked for; the daemon's start and memory depend on it.
"""

import argparse
import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from domain_secure.policy.terms.problems import ExitStatus, Problem

PROGRAM = "domain-secure"
DEBUG_VARIABLE = "DOMAIN_SECURE_DEBUG"
INTERRUPTED = 128 + 2  #: what a shell reports for SIGINT
BROKEN_PIPE = 128 + 13  #: and for SIGPIPE
INTERNAL_ERROR = 70  #: EX_SOFTWARE of sysexits(3)


class Command(NamedTuple):
    """One command: its module in this package, and its line in the help."""

    module: str
    help: str


COMMANDS = {
    "serve": Command("serve.command", "run the daemon"),
    "receive": Command("lists", "edit or print the list of domains whose mail must be authenticated"),
    "send": Command("lists", "edit or print the list of domains that are sent to over mutual TLS only"),
    "partner": Command("partner.command", "names, methods, pins and certificates of one partner"),
    "pending": Command("partner.pending", "certificates seen from listed domains and not known yet"),
    "generate": Command("attach.generate", "write Postfix's tables for the send list"),
    "give-up": Command("give_up", "return mail that has waited too long for a partner's server"),
    "attach": Command("attach.attach", "connect Postfix to the daemon and the tables"),
    "detach": Command("attach.attach", "undo what attach did to Postfix's configuration"),
    "check": Command("check.command", "find what is wrong, with its cause and its fix"),
    "probe": Command(
        "probe.command", "what would happen if we sent to a partner now: MX, TLS, names, verdict"
    ),
    "explain": Command("explain.command", "tell which verdict a message would get, and why"),
    "cert": Command(
        "certificate.command", "our own certificate: request, import, enable, export, list, show"
    ),
    "log": Command("log.command", "read the protocol log, and say how much goes into it"),
    "report": Command(
        "report.command", "what became of the mail with each partner, for those who account for it"
    ),
    "whatif": Command("whatif", "which recorded messages would another configuration treat otherwise"),
    "fleet": Command("fleet.command", "one policy for many edges, kept in etcd"),
    "suggest": Command("suggest", "propose domains for the send list, by how their mail left so far"),
    "status": Command("status.command", "show the daemon, the lists, the counters and the certificates"),
    "top": Command("status.top", "watch which partners have mail now, and how it fares"),
}


class _Parser(argparse.ArgumentParser):
    """A parser that asks a command's module for its arguments when the command is chosen, not before.

    ``--config`` is taken before the command and behind every part of it; the last one counts.  Options may
    stand before, between and behind the words of a command.
    """

    command: str | None = None
    _is_intermixed = False

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            # A default here would overwrite what was given before the command.
            default=argparse.SUPPRESS,
            help="configuration file (default: $DOMAIN_SECURE_CONFIG, "
            "else /etc/domain-secure/domain-secure.toml)",
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.command is not None:
            name, self.command = self.command, None
            module = import_module(f".{COMMANDS[name].module}", __package__)
            module.add_arguments(self, name)
        if self._is_intermixed or any(action.nargs == argparse.PARSER for action in self._actions):
            return super().parse_known_args(args, namespace)
        # An option may stand between the words of a list; argparse itself takes a list in one piece.
        self._is_intermixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixed = False


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        # Looks through the installed distributions, which no other command should pay for.
        from importlib.metadata import version  # noqa: PLC0415

        print(f"{PROGRAM} {version('postfix-domain-secure')}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog=PROGRAM,
        description="Mail between two organisations that both prove who they are: "
        "mutual TLS per domain for Postfix.",
        epilog=f"`{PROGRAM} COMMAND --help` explains a command. "
        "Exit status: 0 done, 1 a check failed or a difference was found, "
        "2 wrong use or configuration, 3 something outside did not answer.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.set_defaults(config=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help).command = name
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status; nothing but argparse's own exit is raised."""
    _prepare_standard_streams()
    try:
        arguments = build_parser().parse_args(argv)
        status = int(arguments.run(arguments))
        sys.stdout.flush()
    except Problem as problem:
        return _fail(str(problem), problem.status)
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        return _fail(str(_system_problem(error)), _system_problem(error).status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the person gets one line whatever happens
        return _fail(_report(error), INTERNAL_ERROR)
    return status


def _prepare_standard_streams() -> None:
    """Let the command print wherever it was started from.

    A closed stream (``>&-``) is opened on nothing: a file of ours that got its number would be written
    over by a message.  A character that the locale lacks becomes a question mark.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python leaves None where a stream was closed at the start; typeshed does not know.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Open for as long as the process is.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _fail(message: str, status: int) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _system_problem(error: OSError) -> Problem:
    """Return what the operating system refused in the operator's terms."""
    what = error.strerror or str(error) or type(error).__name__
    where = str(error.filename or "the operating system")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Problem(what, where, "run this as root, for example with sudo")
    if isinstance(error, ConnectionError | TimeoutError):
        return Problem(what, where, "see that the other side runs and can be reached", ExitStatus.NO_ANSWER)
    return Problem(what, where, "mend this and try again")


def _report(error: Exception) -> str:
    return (
        f"internal error ({type(error).__name__}): {PROGRAM} itself: "
        f"please report it, with what the same command prints with {DEBUG_VARIABLE}=1"
    )
