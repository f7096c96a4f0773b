"""Which commands there are, and how whatever goes wrong in one of them reaches the person.

Owns: the table of commands, the form of an error, the exit status.
Must not know: how arguments are read (``command_line``) or what a command does.
"""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress

from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import standard_streams
from .command_line import PROGRAM, Command, WrongUse, parse
from .terminal.documents import Answer, asked_answer

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
    "promote": Command(
        "promotion.command", "enforce a partner that was only observed, if what was seen speaks for it"
    ),
    "config": Command("config_test", "test a configuration before it is put in force"),
    "pending": Command("partner.pending", "certificates seen from listed domains and not known yet"),
    "generate": Command("attach.generate", "write Postfix's tables for the send list"),
    "give-up": Command("give_up", "return mail that has waited too long for a partner's server"),
    "attach": Command("attach.attach", "connect Postfix to the daemon and the tables"),
    "detach": Command("attach.attach", "undo what attach did to Postfix's configuration"),
    "connector": Command(
        "connector.command", "list, show and switch the services of Postfix that carry mail, one by one"
    ),
    "socket-folder": Command(
        "attach.socket_folder", "make the folder of the daemon's sockets, as the service units do"
    ),
    "apply-change": Command("changes.command", "do what the status page was asked for, as the units do"),
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
    "agreement": Command("agreement.command", "what two partners announce to each other, as a signed file"),
    "import": Command("importing.command", "propose a configuration by what another mail server has"),
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
    given = sys.argv[1:] if argv is None else argv
    answer = asked_answer(given, sys.stdout)
    try:
        arguments = parse(given, COMMANDS)
        if before_run:
            before_run()
        status = _run(arguments, answer)
        sys.stdout.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    except WrongUse as wrong:
        if answer is not None:
            answer.command = wrong.words
            wrong.code = _fail(wrong, answer)
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the person gets one line whatever happens
        status = _fail(error, answer)
    finally:
        standard_streams.settle()
    return status


def _run(arguments: argparse.Namespace, answer: Answer | None) -> int:
    if answer is None:
        return int(arguments.run(arguments))
    answer.command = arguments.words
    with redirect_stdout(answer):
        status = int(arguments.run(arguments))
    return answer.finish(status)


def _fail(error: BaseException, answer: Answer | None) -> int:
    """Tell what went wrong, where a document was asked for in it as well; return the exit status."""
    problem, status = _told(error)
    # Where nobody can be told, the status says it alone.
    with suppress(OSError):
        if os.environ.get(DEBUG_VARIABLE):
            from traceback import print_exc  # noqa: PLC0415 - every command would wait for it

            print_exc()
        # Of wrong use its parser has told, and who interrupts a command knows.
        if not isinstance(error, WrongUse | KeyboardInterrupt):
            print(f"{PROGRAM}: {' '.join(str(problem).split())}", file=sys.stderr)
    # To interrupt is how one leaves what goes on and on: no line is about that.
    is_left = isinstance(error, KeyboardInterrupt) and answer is not None and answer.is_in_lines
    with suppress(OSError):
        if answer is not None and not is_left:
            status = answer.finish(status, problem)
    return status


def _told(error: BaseException) -> tuple[Problem, int]:
    """Return what went wrong in the operator's terms, with the exit status."""
    match error:
        case Problem():
            return error, error.status
        case WrongUse():
            return error.problem, error.problem.status
        case OSError():
            problem = _system_problem(error)
            return problem, problem.status
        case KeyboardInterrupt():
            return Problem("it was interrupted", PROGRAM, "run it again"), INTERRUPTED
    return _report(error), INTERNAL_ERROR


def _system_problem(error: OSError) -> Problem:
    """Return what the operating system refused in the operator's terms."""
    what = error.strerror or str(error) or type(error).__name__
    where = str(error.filename or "the operating system")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Problem(what, where, "run this as root, for example with sudo")
    if isinstance(error, ConnectionError | TimeoutError):
        return Problem(what, where, "see that the other side runs and can be reached", ExitStatus.NO_ANSWER)
    return Problem(what, where, cannot_write(what, where, error).fix)


def _report(error: BaseException) -> Problem:
    fix = f"please report it, with what the same command prints with {DEBUG_VARIABLE}=1"
    return Problem(f"internal error ({type(error).__name__})", f"{PROGRAM} itself", fix)
