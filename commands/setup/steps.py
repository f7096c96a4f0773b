"""How each step of setup is done: by the functions of the command that does it alone.

Owns: the facts, and that a step counts as done once the running daemon says so.
Must not know: the order (``plan``), and what a person is asked (``command``).
"""

import argparse
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.attach.attach import apply_attach
from domain_secure.commands.attach.service_units import installed_units
from domain_secure.commands.certificate.certificate_import import run_import
from domain_secure.commands.certificate.certificate_request import run_request
from domain_secure.commands.check.command import examination_of, show
from domain_secure.commands.partner.partner_certificate import run_add
from domain_secure.commands.probe.command import probe_entries
from domain_secure.commands.probe.probe_document import Outcome
from domain_secure.commands.probe.probe_output import print_probe
from domain_secure.commands.terminal.common import DEFAULT_CONFIGURATION, policy_store
from domain_secure.commands.terminal.daemon_client import health
from domain_secure.milter.knowledge.live_configuration import read_live
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load, parse
from domain_secure.policy.configuration.settings_file import settings_file
from domain_secure.policy.editing.editing import ListName, add
from domain_secure.policy.editing.partner_editing import set_values
from domain_secure.policy.files import atomic_file
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.attach.attachment import Plan, Request, plan_attach
from domain_secure.postfix.instance.programs import PostfixInstance

from .plan import Facts, Name, Own, Step, Wish

_FOLDER_MODE = 0o755
_SECONDS = 30.0
_PAUSE = 0.2

Confirm = Callable[[Plan], None]  #: shows a difference, and raises Problem where it is not agreed to


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The files of our own certificate that were given."""

    certificate: Path | None = None
    key: Path | None = None
    password: Path | None = None


def configured(path: Path) -> Configuration:
    """Return the configuration, that with nothing in it where there is no file yet; raises Problem."""
    return load(path) if path.exists() else parse(b"", path)


def facts_of(path: Path, wish: Wish, own: OwnFiles) -> Facts:
    """Return what there is; raises Problem where Postfix or a file cannot be asked."""
    configuration = configured(path)
    instance = PostfixInstance(configuration.config_directory)
    is_received = wish.partner in configuration.receive
    return Facts(
        has_configuration=path.exists(),
        own=_own(configuration, instance, wish, own),
        host=instance.parameter("myhostname"),
        is_received=is_received,
        is_sent=wish.partner in configuration.send,
        has_mode=is_received or wish.partner in configuration.partners,
        daemon_answers=_answer(configuration) is not None,
        units=installed_units(path),
        command=_command(path),
    )


def _command(path: Path) -> str:
    named = "" if path == DEFAULT_CONFIGURATION else f" --config {shlex.quote(str(path))}"
    return f"domain-secure{named}"


def _own(configuration: Configuration, instance: PostfixInstance, wish: Wish, own: OwnFiles) -> Own:
    if own.certificate is not None:
        return Own.GIVEN
    roles = [role for role, wanted in (("smtpd", wish.receive), ("smtp", wish.send)) if wanted]
    names = [f"{role}_tls_{kind}" for role in roles for kind in ("chain_files", "cert_file", "eccert_file")]
    shown = {name.partition("_")[0] for name, value in instance.parameters(*names).items() if value}
    if shown == set(roles):
        return Own.SHOWN
    waiting = OwnCertificates(configuration.state).inventory().requests
    return Own.REQUESTED if waiting else Own.NONE


def _answer(configuration: Configuration) -> dict[str, Any] | None:
    """Return what the daemon says of itself, None where nobody answers as it does."""
    try:
        return health(configuration.metrics_listen, configuration.metrics_access)
    except (Problem, ValueError):
        return None


class Doer:
    """Does the steps of one plan; what the commands print goes to standard output."""

    def __init__(self, path: Path, wish: Wish, own: OwnFiles, confirm: Confirm) -> None:
        self._path = path
        self._wish = wish
        self._own = own
        self._confirm = confirm
        self._imports = iter(wish.partner_certificates)
        self.status = ExitStatus.DONE  #: of the last step

    def do(self, step: Step) -> bool:
        """Do a step, and return whether that changed anything; raises Problem and OSError."""
        doing: dict[Name, Callable[[], bool]] = {
            Name.CONFIGURATION: self._configure,
            Name.CERTIFICATE: self._certify,
            Name.PROBE: self._probe,
            Name.MODE: self._set_mode,
            Name.RECEIVE: lambda: self._list(ListName.RECEIVE),
            Name.SEND: lambda: self._list(ListName.SEND),
            Name.PARTNER_CERTIFICATE: self._import,
            Name.DAEMON: self._start,
            Name.ATTACH: self._attach,
            Name.CHECK: self._check,
        }
        return doing[step.name]()

    def _arguments(self, **others: Any) -> argparse.Namespace:
        return argparse.Namespace(config=self._path, wait=None, json=False, **others)

    def _configure(self) -> bool:
        if not self._path.parent.is_dir():
            self._path.parent.mkdir(mode=_FOLDER_MODE, parents=True)
        atomic_file.replace(self._path, settings_file().encode())
        return True

    def _certify(self) -> bool:
        configuration = load(self._path)
        instance = PostfixInstance(configuration.config_directory)
        if self._own.certificate is None:
            host = instance.parameter("myhostname")
            run_request(
                self._arguments(
                    domain=[host],
                    subject=None,
                    friendly_name=None,
                    key_type=None,
                    exportable=False,
                    renew=None,
                    out="-",
                )
            )
            return True
        before = (instance.config_directory / "main.cf").read_bytes()
        known = OwnCertificates(configuration.state).inventory().certificates
        run_import(
            self._arguments(
                file=self._own.certificate,
                key_file=self._own.key,
                password_file=self._own.password,
                friendly_name=None,
                exportable=False,
                enable=True,
                watch=False,
                accept=[],
                force=False,
            )
        )
        after = (instance.config_directory / "main.cf").read_bytes()
        return before != after or known != OwnCertificates(configuration.state).inventory().certificates

    def _probe(self) -> bool:
        (document,) = probe_entries(read_live(load, self._path), (self._wish.partner,), datetime.now(UTC))
        print_probe(document)
        if self._wish.send and document["verdict"] != Outcome.DELIVERED:
            # What would let mail through is weaker: a person says it, or leaves sending out.
            commands = (document["suggestion"] or {}).get("commands") or ()
            first = f"run `{' && '.join(commands)}`, or " if commands else ""
            raise Problem(
                f"mail to {self._wish.partner} would not be delivered ({document['verdict']})",
                f"domain-secure probe {self._wish.partner}: {document['detail']}",
                f"{first}talk to the partner, or leave sending out with --no-send; then run this again",
                ExitStatus.NO_ANSWER if document["verdict"] == Outcome.UNREACHABLE else ExitStatus.DIFFERENCE,
            )
        return False

    def _set_mode(self) -> bool:
        mode = "enforce" if self._wish.enforce else "observe"
        return bool(set_values(policy_store(self._arguments()), self._wish.partner, {"mode": mode}))

    def _list(self, name: ListName) -> bool:
        return bool(add(policy_store(self._arguments()), name, [self._wish.partner]).added)

    def _import(self) -> bool:
        run_add(self._arguments(domain=self._wish.partner, file=next(self._imports), force=True))
        return True

    def _start(self) -> bool:
        # The socket first: beside a daemon that opened its own it could not be started.
        command = ["systemctl", "enable", "--now", *installed_units(self._path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
            fix = "mend what it names, then run this again"
            raise Problem(said[-1], " ".join(command), fix, ExitStatus.NO_ANSWER)
        return True

    def _attach(self) -> bool:
        configuration = load(self._path)
        self._wait_until_in_force(configuration)
        instance = PostfixInstance(configuration.config_directory)
        request = Request(receive=self._wish.receive, send=self._wish.send)
        plan = plan_attach(configuration, instance, request)
        if plan.changes:
            self._confirm(plan)
        for line in apply_attach(configuration, instance, request, shown=plan):
            print(line)
        return bool(plan.changes)

    def _wait_until_in_force(self, configuration: Configuration) -> None:
        """Return once the daemon goes by the lists as they are now; raises Problem where it does not."""
        due = time.monotonic() + _SECONDS
        while not _is_in_force(answer := _answer(configuration), configuration):
            if time.monotonic() > due:
                why = ((answer or {}).get("configuration") or {}).get("problem")
                raise Problem(
                    f"the daemon does not go by this configuration ({why or 'it does not say why'})",
                    str(self._path),
                    "read its log, and see that it runs with this configuration",
                    ExitStatus.NO_ANSWER,
                )
            time.sleep(_PAUSE)

    def _check(self) -> bool:
        examination = examination_of(load(self._path))
        show(examination, json=False)
        if examination.has_errors:
            self.status = ExitStatus.DIFFERENCE
        return False


def _is_in_force(answer: dict[str, Any] | None, configuration: Configuration) -> bool:
    in_force = (answer or {}).get("configuration") or {}
    return (
        in_force.get("path") == str(configuration.path)
        and in_force.get("problem") is None
        and in_force.get("receive_domains") == len(configuration.receive)
        and in_force.get("send_domains") == len(configuration.send)
    )
