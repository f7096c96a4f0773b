"""Running Postfix's own programs: the one place that asks a Postfix instance what it would do.

Owns: the argument lists of postconf(1), postmap(1), postfix(1) and master(8), the reading of their
answers, and what a failure of theirs means to the operator.
Must not know: what the product wants of Postfix; editing the files is ``main_cf`` and ``master_cf``.
Invariant: "it did not answer" is a Problem, never "no such setting" or "not found in the table".
Sources: postconf(1), postmap(1), postfix(1), master(5), master(8).
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem

from . import constant_database
from .complaints import Complaint, complaints
from .listings import is_remembering, listed
from .master_cf import entries as entries_of_master
from .processes import file_of, is_forbidden, last_line, lines_of, refuse_pipe, run, run_on_terminal, warnings

T = TypeVar("T")

_SLOWEST = 500_000  #: octets of a source text that postmap(1) compiles in a second at least
_SERVICE_NAME = re.compile(r"\$(?:service_name\b|\(service_name\)|\{service_name\})")


# Warnings that say nothing of the table that was asked.
_HARMLESS = re.compile(
    r"older than source file|main\.cf, line \d+: overriding earlier entry"
    # Of a type that a later release will not have; this one answers.
    r"|warning: .* support is deprecated|warning: See \S+ for more info"
)


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of master.cf, as postconf shows it (master(5))."""

    name: str
    type: str
    private: str
    unprivileged: str
    chroot: bool  #: with the default of ``compatibility_level`` filled in
    wakeup: str
    process_limit: str
    program: str
    overrides: Mapping[str, str]  #: each ``-o name=value``, unexpanded; of several the last, as in Postfix

    @property
    def key(self) -> str:
        """Return ``name/type``, as postconf writes it."""
        return f"{self.name}/{self.type}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program that ended with status 0 wrote."""

    output: str
    warnings: tuple[str, ...]  #: without the ``postconf: warning:`` in front; no line twice


@dataclass(frozen=True, slots=True)
class PostfixInstance:
    """One Postfix instance, named by its configuration directory.

    Nothing is remembered between calls, as the files may change under us and a call takes 5 ms, except within
    `listings.remembering`, which sees such a change.  Every method raises Problem: status WRONG_USE when the
    configuration cannot be read, NO_ANSWER when a program is missing, fails or hangs.
    """

    config_directory: Path

    def __post_init__(self) -> None:
        """Make the directory absolute: postfix(1) takes nothing else."""
        object.__setattr__(self, "config_directory", self.config_directory.absolute())

    def parameters(self, *names: str) -> dict[str, str]:
        """Return the effective, expanded values; a name this Postfix does not know is left out."""
        return self._settings(["-x"], names)

    def parameter(self, name: str, default: str | None = None) -> str:
        """Return one effective, expanded value.

        A parameter this Postfix does not know gives *default*, and without one it is a Problem.
        """
        return self._one(self.parameters(name), name, default)

    def unexpanded(self, name: str, default: str | None = None) -> str:
        """Return one effective value as it is written, ``$names`` and all; otherwise as `parameter`."""
        return self._one(self._settings([], [name]), name, default)

    def default(self, name: str) -> str:
        """Return what a parameter is where nobody sets it; empty for one that this Postfix does not know."""
        return self._settings(["-d"], [name]).get(name, "")

    def defaults(self, *, expanded: bool = False) -> dict[str, str]:
        """Return what every parameter that this Postfix knows is where nobody sets it."""
        return self._settings(["-dx"] if expanded else ["-d"], [])

    def service_parameters(self, service: Service, *names: str) -> dict[str, str]:
        """Return effective, expanded values as the processes of *service* see them; all without *names*.

        Each override counts also where another parameter's value refers to it.
        """
        return self._settings(["-x", *_override_arguments(service)], names)

    def service_parameter(self, service: Service, name: str, default: str | None = None) -> str:
        """Return one effective, expanded value as *service* sees it; otherwise as `parameter`."""
        return self._one(self.service_parameters(service, name), name, default)

    def service_unexpanded(self, service: Service, name: str, default: str | None = None) -> str:
        """Return the value *service* has for *name* as it is written; otherwise as `parameter`."""
        if name in service.overrides:
            return service.overrides[name]
        return self.unexpanded(name, default)

    def services(self) -> tuple[Service, ...]:
        """Return the active entries of master.cf, in its order; of several for one name and type the last.

        So does master(8): an entry that comes again takes the place of the earlier one, options and all.
        """
        chroot_by_default = _chroot_by_default(self.parameter("compatibility_level", "0"))
        services: dict[str, Service] = {}
        shown = self._remembered(("-M",), lambda: self._postconf("-M").output)
        for line in shown.splitlines():
            name, kind, private, unprivileged, chroot, wakeup, limit, program, *_ = line.split(None, 8)
            service = Service(
                name=name,
                type=kind,
                private=private,
                unprivileged=unprivileged,
                chroot=chroot_by_default if chroot == "-" else chroot == "y",
                wakeup=wakeup,
                process_limit=limit,
                program=program,
                overrides=_overrides(line),
            )
            services[service.key] = service
        return tuple(services.values())

    def service(self, key: str) -> Service | None:
        """Return the service ``name/type``, or None when master.cf has no such entry."""
        return next((service for service in self.services() if service.key == key), None)

    @property
    def map_types(self) -> frozenset[str]:
        """Return the table types this Postfix supports (``postconf -m``)."""
        return frozenset(self._remembered(("-m",), lambda: self._postconf("-m").output).split())

    @property
    def queue_directory(self) -> Path:
        """Return the queue directory, the root of every chrooted service."""
        return Path(self.parameter("queue_directory"))

    @property
    def mail_owner(self) -> str:
        """Return the name of the unprivileged user that Postfix runs as."""
        return self.parameter("mail_owner")

    @property
    def is_running(self) -> bool:
        """Tell whether the instance's master process runs; only root is told once it has run."""
        values = self.parameters("queue_directory", "daemon_directory")
        process_file = Path(values["queue_directory"]) / "pid" / "master.pid"
        if not process_file.exists():
            return False
        if not os.access(process_file, os.R_OK | os.W_OK):
            raise NoPermission(
                "whether Postfix runs is told to root only", str(process_file), "run this command as root"
            )
        # master(8), -t: "Return a zero exit status when the master.pid lock file does not exist or when
        # that file is not locked".  postfix(1) status asks the same, and leaves a line in the log.
        program = str(Path(values["daemon_directory"]) / "master")
        return run([program, "-t", "-c", str(self.config_directory)]).returncode != 0

    def check(self) -> tuple[Complaint, ...]:
        """Run ``postfix check`` and return its complaints, none when all is well.  Needs root."""
        status, lines = run_on_terminal(["postfix", "-c", str(self.config_directory), "check"])
        found = complaints(lines)
        if status != 0 and not any(one.is_grave for one in found):
            return (*found, Complaint(f"postfix check ended with status {status}", is_grave=True))
        return found

    def reload(self) -> None:
        """Make a running Postfix read its configuration again.  Needs root."""
        command = ["postfix", "-c", str(self.config_directory), "reload"]
        status, lines = run_on_terminal(command)
        if status != 0:
            raise Problem(
                last_line("\n".join(lines)) or f"postfix reload ended with status {status}",
                " ".join(command),
                "run it by hand and mend what it names",
                ExitStatus.NO_ANSWER,
            )

    def query(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        """Look *keys* up in ``type:name`` and return those found, each with its value.

        It is the bare lookup of postmap(1): no parent domains, and case is folded as the type does.  A
        table that cannot be opened, or fails on any key, is a Problem: the answer would be unknown.
        """
        wanted = list(dict.fromkeys(keys))
        if any("\n" in key or not key for key in wanted):
            raise ValueError("a key is empty or spans lines")
        refuse_pipe(table)
        command = ["postmap", "-c", str(self.config_directory), "-q", "-", table]
        done = run(command, "".join(f"{key}\n" for key in wanted))
        # Status 1 alone is "nothing found"; any word on stderr means that the table was not answered from.
        complaints = [line for line in done.stderr.splitlines() if not _HARMLESS.search(line)]
        if is_forbidden("\n".join(complaints)):
            raise NoPermission(last_line("\n".join(complaints)), f"{self.config_directory}: {table}")
        if complaints or done.returncode not in {0, 1}:
            raise Problem(
                last_line("\n".join(complaints)) or f"postmap ended with status {done.returncode}",
                f"{self.config_directory}: {table}",
                "mend the table; until then Postfix defers what needs it",
                ExitStatus.NO_ANSWER,
            )
        return dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)

    def entries(self, table: str) -> Iterator[tuple[str, str]]:
        """Yield what is in ``type:name``, one entry after the other, so that a large table fits.

        A table that cannot be opened is a Problem.  postmap(1) lists all types of LISTED but cdb.
        """
        refuse_pipe(table)
        kind, _, name = table.partition(":")
        if kind == "cdb":
            yield from constant_database.entries(Path(f"{name}{constant_database.SUFFIX}"))
            return
        command = ["postmap", "-c", str(self.config_directory), "-s", table]
        for line in lines_of(command, f"{self.config_directory}: {table}"):
            key, tab, value = line.partition("\t")
            if tab:
                yield key, value

    def compile_map(self, map_type: str, source: Path) -> tuple[str, ...]:
        """Compile *source* into the indexed file beside it; return postmap's warnings (duplicate keys)."""
        # Of a million domains Berkeley DB takes more than a minute on a busy machine.
        return self._postmap(f"{map_type}:{source}", longer=source.stat().st_size / _SLOWEST)

    def amend_map(self, table: str, lines: Sequence[str], gone_keys: Sequence[str]) -> None:
        """Delete keys in the indexed file of ``type:name``, then put lines in; raises Problem."""
        if gone_keys:
            self._postmap("-d", "-", table, text="".join(f"{key}\n" for key in gone_keys))
        if lines:
            self._postmap("-i", "-r", table, text="".join(f"{line}\n" for line in lines))

    def _postmap(self, *arguments: str, text: str = "", longer: float = 0) -> tuple[str, ...]:
        command = ["postmap", "-c", str(self.config_directory), *arguments]
        done = run(command, text, longer=longer)
        if done.returncode != 0:
            raise Problem(
                last_line(done.stderr) or f"postmap ended with status {done.returncode}",
                " ".join(command),
                "run it by hand and mend what it names",
                ExitStatus.NO_ANSWER,
            )
        return warnings(done.stderr)

    def _settings(self, arguments: Sequence[str], names: Iterable[str]) -> dict[str, str]:
        wanted = tuple(names)
        every = self._listed(arguments, ()) if wanted and is_remembering() else None
        # Legacy names, such as virtual_maps, are not among all, and yet have a value for who asks.
        missing = tuple(name for name in wanted if name not in (every or ()))
        more = self._listed(arguments, missing) if every is not None and missing else {}
        if every is None or more is None:
            return self._ask(arguments, wanted)
        found = every | more
        return {name: found[name] for name in wanted if name in found}

    def _listed(self, arguments: Sequence[str], names: Sequence[str]) -> dict[str, str] | None:
        """Return these parameters, or all at the price of one, as remembered; None where there is no list."""

        def ask() -> dict[str, str] | None:
            with suppress(Problem):  # of one that cannot be expanded; the others may be asked for by name
                return self._ask(arguments, names)
            return None

        return self._remembered((*arguments, "--", *names), ask)

    def _remembered(self, question: tuple[str, ...], ask: Callable[[], T]) -> T:
        return listed(self.config_directory, question, file_of("postconf") if is_remembering() else None, ask)

    def _ask(self, arguments: Sequence[str], names: Sequence[str]) -> dict[str, str]:
        output = self._postconf(*arguments, *names).output
        pairs = (line.partition(" =") for line in output.splitlines())
        return {name: value.removeprefix(" ") for name, _, value in pairs}

    def _one(self, values: Mapping[str, str], name: str, default: str | None) -> str:
        value = values.get(name, default)
        if value is None:
            raise Problem(
                f"this Postfix knows no parameter {name}",
                str(self.config_directory),
                "install Postfix 3.7 or later",
            )
        return value

    def _postconf(self, *arguments: str) -> Answer:
        done = run(["postconf", "-c", str(self.config_directory), *arguments])
        if done.returncode == 0:
            return Answer(done.stdout, warnings(done.stderr))
        if is_forbidden(done.stderr):
            raise NoPermission(last_line(done.stderr), str(self.config_directory))
        raise Problem(
            last_line(done.stderr) or f"postconf ended with status {done.returncode}",
            str(self.config_directory),
            "name the directory of Postfix's main.cf and master.cf, or mend what postconf says",
            ExitStatus.WRONG_USE,
        )


def _overrides(line: str) -> dict[str, str]:
    """Return the settings among the arguments in a line of ``postconf -M``."""
    encoded = line.encode(errors="surrogateescape")
    options = (option for entry in entries_of_master(encoded) for option in entry.options)
    return {_text(option.name): _text(option.value) for option in options}


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _override_arguments(service: Service) -> list[str]:
    # postconf knows no service_name here: each daemon learns it from its own command line.
    return [
        word
        for name, value in service.overrides.items()
        for word in ("-o", f"{name}={_SERVICE_NAME.sub(lambda _: service.name, value)}")
    ]


def _chroot_by_default(compatibility_level: str) -> bool:
    # master(5): "Chroot (default: Postfix >= 3.0: n, Postfix < 3.0: y)"; it follows compatibility_level.
    major = re.match(r"\d+", compatibility_level)
    return major is None or int(major.group()) < 1


def is_port_25(name: str) -> bool:
    """Tell whether an inet service of master.cf listens on port 25 (master(5): ``[host:]port``)."""
    return name.rpartition(":")[2] in {"smtp", "25"}
