"""What attach and detach would make of Postfix's two files.

Owns: the plan, as data.  Carrying it out is ``attach_execution``'s part.
Must not know: how settings are chosen (``inbound_settings``, ``outbound_settings``) or text is edited.
Invariant: planning changes nothing.  Attaching begins with files that have nothing of ours, so that doing
it twice gives the same bytes, and a refreshed copy of a list never holds an older copy of itself.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import main_cf, master_cf
from domain_secure.postfix.instance.endpoints import milter_listener, policy_listener
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from . import attach_record
from .attach_record import Record
from .attach_signs import (
    CLEANUP_SERVICE,
    INBOUND_COMMENT,
    OUTBOUND_COMMENT,
    TLS_MANAGER_SERVICE,
    Signs,
    has_outbound,
    inbound_services,
    normal,
    without_inbound,
    without_outbound,
)
from .certificate_settings import without_certificates
from .inbound_settings import COPIED_PARAMETERS, InboundPlan, plan_inbound
from .outbound_settings import (
    ORIGINAL,
    ORIGINAL_TLS_MANAGER,
    TLS_MANAGER_OPTIONS,
    OutboundPlan,
    plan_outbound,
)

MAIN, MASTER = "main.cf", "master.cf"


@dataclass(frozen=True, slots=True)
class Request:
    """What the person asked for."""

    services: Sequence[str] = ()  #: empty: those that are attached, else that of port 25
    receive: bool = True
    send: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Both files as they are and as they are to be; nothing is to be done where these are equal."""

    config_directory: Path
    current: Mapping[str, bytes]  #: by file name, in the order in which they are to be replaced
    after: Mapping[str, bytes]
    record: Record | None  #: what is to be recorded; None: nothing of ours remains
    record_path: Path
    inbound: InboundPlan | None = None
    outbound: OutboundPlan | None = None

    @property
    def changes(self) -> tuple[str, ...]:
        """Return the names of the files that are to be replaced, in that order."""
        return tuple(name for name in self.current if self.current[name] != self.after[name])


@dataclass(frozen=True, slots=True)
class _Found:
    """The files as they are, and what is known about them."""

    main: bytes
    master: bytes
    signs: Signs
    bare_main: bytes  #: without anything of ours
    bare_master: bytes
    record_path: Path


def plan_attach(configuration: Configuration, instance: PostfixInstance, request: Request) -> Plan:
    """Return the plan that adds what is asked for, and renews what is there already.

    Raises Problem for what cannot be done safely.
    """
    found = _find(configuration, instance)
    attached_services = inbound_services(found.master, found.signs)
    sends = request.send or has_outbound(found.main, found.master, found.signs)
    inbound = outbound = None
    with staged(instance, found.bare_main, found.bare_master) as bare:
        if request.receive or attached_services:
            inbound = plan_inbound(configuration, bare, request.services or attached_services)
        if sends:
            outbound = plan_outbound(configuration, bare)
    main, master = found.bare_main, found.bare_master
    if inbound is not None:
        master = _with_inbound(master, inbound)
    if outbound is not None:
        main, master = _with_outbound(main, master, outbound)
    with staged(instance, main, master) as future:
        _verify(future, inbound, outbound)
    signs = found.signs | _signs_of(inbound)
    # The service precedes the table that draws mail to it.
    current, after = {MASTER: found.master, MAIN: found.main}, {MASTER: master, MAIN: main}
    before = {MASTER: found.bare_master, MAIN: found.bare_main}
    record = Record(before, after, signs)
    return Plan(instance.config_directory, current, after, record, found.record_path, inbound, outbound)


def plan_detach(configuration: Configuration, instance: PostfixInstance, request: Request) -> Plan:
    """Return the plan that takes out what attach added; what others changed meanwhile stays.

    With both halves goes what ``cert enable`` set.
    """
    found = _find(configuration, instance)
    main, master = found.main, found.master
    bare_main = found.bare_main
    if request.receive and request.send:
        bare_main = without_certificates(bare_main)
        main, master = bare_main, found.bare_master
    elif request.receive:
        master = without_inbound(main, master, found.signs)
    elif request.send:
        main, master = without_outbound(main, master, found.signs)
    current, after = {MAIN: found.main, MASTER: found.master}, {MAIN: main, MASTER: master}
    before = {MAIN: bare_main, MASTER: found.bare_master}
    record = None if after == before else Record(before, after, found.signs)
    return Plan(instance.config_directory, current, after, record, found.record_path)


@contextmanager
def staged(instance: PostfixInstance, main: bytes, master: bytes) -> Iterator[PostfixInstance]:
    """Yield an instance that is configured by these contents, to be asked what it would do."""
    with tempfile.TemporaryDirectory(prefix="domain-secure-") as temporary:
        folder = Path(temporary)
        for path in instance.config_directory.iterdir():
            if path.name not in {MAIN, MASTER}:
                (folder / path.name).symlink_to(path)
        for name, content in ((MAIN, main), (MASTER, master)):
            (folder / name).write_bytes(content)
            # Postfix takes a file younger than two seconds for one that is being edited, and waits.
            os.utime(folder / name, (0, 0))
        yield PostfixInstance(folder)


def _find(configuration: Configuration, instance: PostfixInstance) -> _Found:
    main, master = _read(instance.config_directory / MAIN), _read(instance.config_directory / MASTER)
    record_path = attach_record.path_of(configuration.state, instance.config_directory)
    record = attach_record.read(record_path)
    signs = Signs.of(configuration.state, _endpoints(configuration, instance))
    if record is not None:
        signs |= record.signs
    bare_main, bare_master = without_outbound(main, master, signs)
    bare_master = without_inbound(main, bare_master, signs)
    if record is not None:
        # Nobody changed the file since: then what it was is known, and need not be worked out.
        if record.after.get(MAIN) == main:
            bare_main = record.before.get(MAIN, bare_main)
        if record.after.get(MASTER) == master:
            bare_master = record.before.get(MASTER, bare_master)
    return _Found(main, master, signs, bare_main, bare_master, record_path)


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        fix = "name Postfix's configuration directory with --config-dir, or run this as root"
        raise Problem(f"it cannot be read ({error.strerror})", str(path), fix) from error
    if b"\0" in content:
        raise Problem("it holds a NUL byte, where Postfix stops to read a line", str(path), "remove it")
    return content


def _endpoints(configuration: Configuration, instance: PostfixInstance) -> list[str]:
    """Return every form in which Postfix's settings may name the daemon's listeners."""
    queue = instance.queue_directory
    names = []
    for address in (milter_listener(configuration, queue), policy_listener(configuration, queue)):
        names.append(str(address))
        if address.path is not None and address.path.is_relative_to(queue):
            names.append(f"unix:{address.path.relative_to(queue)}")
    return names


def _signs_of(inbound: InboundPlan | None) -> Signs:
    if inbound is None:
        return Signs(frozenset(), frozenset(), frozenset())
    values = {
        normal(options[name])
        for options in inbound.options.values()
        for name in COPIED_PARAMETERS
        if name in options
    }
    return Signs(frozenset(inbound.endpoints), frozenset(), frozenset(values))


def _with_inbound(master: bytes, plan: InboundPlan) -> bytes:
    for key, options in plan.options.items():
        master = master_cf.with_options(master, key.encode(), options, INBOUND_COMMENT)
    if plan.cleanup_options:
        name = CLEANUP_SERVICE.encode()
        master = master_cf.with_clone(master, b"cleanup/unix", name, plan.cleanup_options, INBOUND_COMMENT)
    return master


def _with_outbound(main: bytes, master: bytes, plan: OutboundPlan) -> tuple[bytes, bytes]:
    name = TRANSPORT_SERVICE.encode()
    master = master_cf.with_clone(master, ORIGINAL.encode(), name, plan.options, OUTBOUND_COMMENT)
    name = TLS_MANAGER_SERVICE.encode()
    original = ORIGINAL_TLS_MANAGER.encode()
    master = master_cf.with_clone(master, original, name, TLS_MANAGER_OPTIONS, OUTBOUND_COMMENT)
    for parameter, element in plan.elements.items():
        main = main_cf.prepended(main, parameter.encode(), element.encode())
    return main, master


def _verify(future: PostfixInstance, inbound: InboundPlan | None, outbound: OutboundPlan | None) -> None:
    """Raise Problem unless Postfix itself reads in the new files what was meant."""
    services = {service.key: service for service in future.services()}
    expected: dict[str, Mapping[str, str]] = dict(inbound.options) if inbound is not None else {}
    if inbound is not None and inbound.cleanup_options:
        expected[f"{CLEANUP_SERVICE}/unix"] = inbound.cleanup_options
    if outbound is not None:
        expected[f"{TRANSPORT_SERVICE}/unix"] = outbound.options
        expected[f"{TLS_MANAGER_SERVICE}/unix"] = TLS_MANAGER_OPTIONS
        for parameter, element in outbound.elements.items():
            if not future.unexpanded(parameter).startswith(element):
                raise _misread(MAIN, parameter)
    for key, options in expected.items():
        for name, value in options.items():
            if key not in services or normal(services[key].overrides.get(name, "")) != normal(value):
                raise _misread(MASTER, f"{key}: {name}")


def _misread(file: str, place: str) -> Problem:
    return Problem(
        "Postfix would not read the new setting as it is meant; nothing was changed",
        f"{file}: {place}",
        "write the entry there in the plain form of the manual, then attach again",
    )
