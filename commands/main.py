"""Which commands there are, and how whatever goes wrong in one of them reaches the person.

Owns: the table of commands, the form of an error, the exit status.
Must not know: how arguments are read (``command_line``) or what a command does.
"""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import standard_streams
from .command_line import PROGRAM, Command, parse

DEBUG_VARIABLE = "DOMAIN_SECURE_DEBUG"
INTERRUPTED = 128 + 2  #: what a shell reports for SIGINT
BROKEN_PIPE = 128 + 13  #: and for SIGPIPE
INTERNAL_ERROR = 70  #: EX_SOFTWARE of sysexits(3)

COMMANDS = {
    "serve": Command("serve.command", "run the daemon"),
    "setup": Command("setup.command", "lead to the first secured message with a partner"),
    "receive": Command("lists", "edit or print the list of domains whose mail must be authenticated"),
    "send": Command("lists", "edit or print the list of domains that are sent to over mutual TLS only"),
    "partner": Command("partner.command", "names, methods, pins and certificates of one partner"),
    "config": Command("config_test", "test a configuration before it is put in force"),
    "pending": Command("partner.pending", "certificates seen from listed domains and not known yet"),
    "generate": Command("attach.generate", "write Postfix's tables for the send list"),
    "give-up": Command("give_up", "return mail that has waited too long for a partner's server"),
    "attach": Command("attach.attach", "connect Postfix to the daemon and the tables"),
    "detach": Command("attach.attach", "undo what attach did to Postfix's configuration"),
    "socket-folder": Command(
        "attach.socket_folder", "make the folder of the daemon's sockets, as the service units do"
    ),
    "check": Command("check.command", "find what is wrong, with its cause and its fix"),
    "probe": Command(
        "probe.command", "what would happen if we sent to a partner now: MX, TLS, names, verdict"
    ),
    "explain": Command("explain.command", "tell which verdict a message would get, and why"),
    "cert": Command(
        "certificate.command",
        "our own certificate: request, import, enable, export, list, show; partners' revocation",
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
    "help": Command("help_command", "explain a topic, a command, a setting or a verdict"),
}


def main(argv: Sequence[str] | None = None, before_run: Callable[[], object] | None = None) -> int:
    """Run the command line and return the exit status; nothing but argparse's own exit is raised.

    argv: the arguments, those of the process by default.
    before_run: called when the command's module is imported and its arguments are understood.
    """
    standard_streams.prepare()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv, COMMANDS)
        if before_run:
            before_run()
        status = int(arguments.run(arguments))
        sys.stdout.flush()
    except Problem as problem:
        return _fail(str(problem), problem.status)
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as error:
        return _fail(str(_system_problem(error)), _system_problem(error).status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the person gets one line whatever happens
        return _fail(_report(error), INTERNAL_ERROR)
    finally:
        standard_streams.settle()
    return status


def _fail(message: str, status: int) -> int:
    # Where nobody can be told, the status says it alone.
    with suppress(OSError):
        if os.environ.get(DEBUG_VARIABLE):
            from traceback import print_exc  # noqa: PLC0415 - every command would wait for it

            print_exc()
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
    return Problem(what, where, cannot_write(what, where, error).fix)


def _report(error: Exception) -> str:
    return (
        f"internal error ({type(error).__name__}): {PROGRAM} itself: "
        f"please report it, with what the same command prints with {DEBUG_VARIABLE}=1"
    )
