"""Which steps lead from what there is to the first secured message: a pure function of facts.

Owns: the order, and what is said before, after and for the way back.
Must not know: how a step is done (``steps``).
Invariants: the daemon runs before Postfix asks it; nobody's mail is refused before somebody has seen what
would be; a plan ends with the first step that cannot be done.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from domain_secure.policy.terms.domain import Entry


@unique
class Name(StrEnum):
    """The steps, in their order; the words are stable, for scripts."""

    CONFIGURATION = "configuration"
    CERTIFICATE = "certificate"
    PROBE = "probe"
    MODE = "mode"
    RECEIVE = "receive"
    SEND = "send"
    PARTNER_CERTIFICATE = "partner-certificate"
    DAEMON = "daemon"
    ATTACH = "attach"
    CHECK = "check"


@unique
class Action(StrEnum):
    """What becomes of a step."""

    DO = "do"
    ALREADY = "already"
    CANNOT = "cannot"


@unique
class Own(StrEnum):
    """What there is of our own certificate."""

    GIVEN = "given"  #: a file to be imported
    SHOWN = "shown"  #: by Postfix already, wherever it is needed
    REQUESTED = "requested"  #: a request waits for its certificate
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person wants."""

    partner: Entry
    receive: bool = True
    send: bool = True
    enforce: bool = False
    partner_certificates: tuple[str, ...] = ()  #: files


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is."""

    has_configuration: bool
    own: Own
    host: str  #: what our servers call themselves
    is_received: bool  #: the partner is on the receive list
    is_sent: bool  #: and on the send list
    has_mode: bool  #: a mode was chosen for the partner, or it is on the receive list
    daemon_answers: bool
    units: tuple[str, ...]  #: of the service manager, that run the daemon; none where none is there
    command: str = "domain-secure"  #: ours, as it has to be called for this configuration


@dataclass(frozen=True, slots=True)
class Step:
    """One step; *undo* is a command line, None where nothing is left to be undone."""

    name: Name
    action: Action
    what: str  #: what is done, is so, or is missing
    undo: str | None = None
    fix: str = ""  #: where it cannot be done


def plan(wish: Wish, facts: Facts) -> tuple[Step, ...]:
    """Return the steps in their order, up to the first that cannot be done."""
    found: list[Step] = []
    for step in _steps(wish, facts):
        found.append(step)
        if step.action is Action.CANNOT:
            break
    return tuple(found)


def _steps(wish: Wish, facts: Facts) -> tuple[Step, ...]:
    partner, command = f"'{wish.partner}'" if "*" in wish.partner else wish.partner, facts.command
    steps = [
        _either(facts.has_configuration, Name.CONFIGURATION, "a configuration in which nothing is listed"),
        *_certificate(facts),
        Step(Name.PROBE, Action.DO, f"look at the mail servers of {wish.partner} as Postfix would"),
    ]
    if wish.receive:
        if wish.enforce:
            what = f"what {wish.partner} cannot prove is refused"
            steps.append(Step(Name.MODE, Action.DO, what, f"{command} partner set {partner} mode="))
        else:
            what = f"mail from {wish.partner} is watched, and none refused (mode=observe)"
            undo = f"{command} partner set {partner} mode="
            steps.append(_either(facts.has_mode, Name.MODE, what, undo))
        what, undo = f"{wish.partner} is on the receive list", f"{command} receive remove {partner}"
        steps.append(_either(facts.is_received, Name.RECEIVE, what, undo))
    if wish.send:
        what, undo = f"{wish.partner} is on the send list", f"{command} send remove {partner}"
        steps.append(_either(facts.is_sent, Name.SEND, what, undo))
    steps += [
        Step(Name.PARTNER_CERTIFICATE, Action.DO, f"import {file} as a certificate of {wish.partner}")
        for file in wish.partner_certificates
    ]
    return (
        *steps,
        _daemon(facts),
        Step(Name.ATTACH, Action.DO, "connect Postfix to the daemon", f"{command} detach"),
        Step(Name.CHECK, Action.DO, "look for what is wrong"),
    )


def _either(there: bool, name: Name, what: str, undo: str | None = None) -> Step:
    """Return a step that is to be done, or is so already and then not ours to undo."""
    return Step(name, Action.ALREADY, what) if there else Step(name, Action.DO, what, undo)


def _certificate(facts: Facts) -> tuple[Step, ...]:
    again = "have it signed, then run this again with --cert FILE"
    name = Name.CERTIFICATE
    match facts.own:
        case Own.GIVEN:
            return (Step(name, Action.DO, "let Postfix show our certificate", f"{facts.command} detach"),)
        case Own.SHOWN:
            return (Step(name, Action.ALREADY, "Postfix shows a certificate of ours"),)
        case Own.REQUESTED:
            return (
                Step(name, Action.CANNOT, "our request for a certificate is not answered yet", fix=again),
            )
        case Own.NONE:
            return (
                Step(name, Action.DO, f"make a key, and a request for a certificate of {facts.host}"),
                Step(name, Action.CANNOT, "our certificate has to be issued first", fix=again),
            )


def _daemon(facts: Facts) -> Step:
    if facts.daemon_answers:
        return Step(Name.DAEMON, Action.ALREADY, "the daemon runs")
    if facts.units:
        undo = f"systemctl disable --now {' '.join(facts.units)}"
        return Step(Name.DAEMON, Action.DO, "start the daemon, now and at each boot", undo)
    what = "the daemon does not run, and there is no unit of systemd to start it"
    return Step(
        Name.DAEMON,
        Action.CANNOT,
        what,
        fix=f"run `{facts.command} serve` and keep it running, then run this again",
    )
