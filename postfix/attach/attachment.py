"""What attach and detach would make of Postfix's two files.

Owns: the plan, as data.  Carrying it out is ``attach_execution``'s part.
Must not know: how settings are chosen (``inbound_settings``, ``outbound_settings``), how they go in and come
out (``halves``), by what ours are known (``attach_signs``).
Invariant: planning changes nothing.

The two files are in one of three states, and a plan leads from the first to the third:

* *found*: as they are.
* *bare*: without anything of ours.  A file that nobody has changed since attach wrote it was what the record
  says; from any other, what is known by our signs is taken out.
* *wanted*: as they are to be.  Attach puts into the bare files all that is to be there, so that doing it
  twice gives the same bytes and a copy of a list never holds an older copy of itself.  Detach gives the bare
  files, or takes one half out of those that are found.

The record keeps bare and wanted, for the next plan to find out what is bare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from . import attach_record
from .attach_record import Record
from .attach_signs import TLS_MANAGER_SERVICE, Signs, normal
from .certificate_settings import without_certificates
from .client_certificates import awake
from .contents import MAIN, MASTER, Contents
from .halves import (
    has_outbound,
    inbound_services,
    with_inbound,
    with_outbound,
    without_inbound,
    without_outbound,
)
from .inbound_settings import InboundPlan, plan_inbound
from .outbound_settings import TLS_MANAGER_OPTIONS, OutboundPlan, plan_outbound

# The transport is there before a table draws mail to it, and goes after it.
_ATTACHING, _DETACHING = (MASTER, MAIN), (MAIN, MASTER)


@dataclass(frozen=True, slots=True)
class Request:
    """What the person asked for."""

    services: Sequence[str] = ()  #: empty: those that are attached, else that of port 25
    receive: bool = True
    send: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Both files as they are found and as they are wanted; nothing is to be done where these are equal."""

    config_directory: Path
    current: Mapping[str, bytes]  #: *found*, by file name, in the order in which they are to be replaced
    after: Mapping[str, bytes]  #: *wanted*
    record: Record | None  #: what is to be recorded; None: nothing of ours remains
    record_path: Path
    inbound: InboundPlan | None = None
    outbound: OutboundPlan | None = None
    is_way_out: bool = False  #: it must not fail for what Postfix only warns of

    @property
    def changes(self) -> tuple[str, ...]:
        """Return the names of the files that are to be replaced, in that order."""
        return tuple(name for name in self.current if self.current[name] != self.after[name])


@dataclass(frozen=True, slots=True)
class _Start:
    """What there is before anything is planned."""

    found: Contents
    bare: Contents
    signs: Signs
    record_path: Path


def plan_attach(configuration: Configuration, instance: PostfixInstance, request: Request) -> Plan:
    """Return the plan that adds what is asked for, and renews what is there already.

    Raises Problem for what cannot be done safely.
    """
    start = _start(configuration, instance)
    attached = inbound_services(start.found, start.signs)
    inbound = outbound = None
    with start.bare.staged(instance) as unattached:
        if request.receive or attached:
            inbound = plan_inbound(configuration, unattached, request.services or attached)
        if request.send or has_outbound(start.found, start.signs):
            outbound = plan_outbound(configuration, unattached)
    wanted, signs = start.bare, start.signs
    if inbound is not None:
        wanted, signs = with_inbound(wanted, inbound), signs | inbound.signs
    if outbound is not None:
        wanted = with_outbound(wanted, outbound)
    # What others, or cert enable, have put behind our lines is no reason to touch a file.
    wanted = wanted.unless_moved_only(start.found)
    with wanted.staged(instance) as future:
        _verify(future, inbound, outbound)
    record = Record(
        start.bare.in_order(*_ATTACHING), wanted.in_order(*_ATTACHING), signs, receives=inbound is not None
    )
    return Plan(
        instance.config_directory,
        start.found.in_order(*_ATTACHING),
        wanted.in_order(*_ATTACHING),
        record,
        start.record_path,
        inbound,
        outbound,
    )


def plan_detach(configuration: Configuration, instance: PostfixInstance, request: Request) -> Plan:
    """Return the plan that takes out what attach added; what others changed meanwhile stays.

    With both halves goes what ``cert enable`` set.
    """
    start = _start(configuration, instance)
    bare, wanted = start.bare, start.found
    if request.receive and request.send:
        bare = replace(bare, main=without_certificates(bare.main))
        wanted = bare
    elif request.receive:
        wanted = without_inbound(wanted, start.signs)
    elif request.send:
        wanted = without_outbound(wanted, start.signs)
    record = None
    if wanted != bare:
        receives = bool(inbound_services(wanted, start.signs))
        record = Record(
            bare.in_order(*_DETACHING), wanted.in_order(*_DETACHING), start.signs, receives=receives
        )
    return Plan(
        instance.config_directory,
        start.found.in_order(*_DETACHING),
        wanted.in_order(*_DETACHING),
        record,
        start.record_path,
        is_way_out=True,
    )


def is_attached(configuration: Configuration, instance: PostfixInstance) -> bool:
    """Tell whether attach was here and detach was not: by its record, or by what Postfix's files hold.

    A certificate that ``cert enable`` put there attaches nothing.  Raises Problem where neither can be read.
    """
    start = _start(configuration, instance)
    return (
        start.record_path.exists()
        or bool(inbound_services(start.found, start.signs))
        or has_outbound(start.found, start.signs)
    )


def receives(configuration: Configuration, instance: PostfixInstance) -> bool:
    """Tell whether a service of Postfix asks the daemon, by what its files hold.

    Raises Problem where they cannot be read.
    """
    return bool(attached_services(configuration, instance))


def attached_services(configuration: Configuration, instance: PostfixInstance) -> tuple[str, ...]:
    """Return the services, ``NAME/TYPE``, that have our half for receiving; raises as `receives`."""
    start = _start(configuration, instance)
    return inbound_services(start.found, start.signs)


def sends(configuration: Configuration, instance: PostfixInstance) -> bool:
    """Tell whether our half for sending is there, or a part of it; raises as `receives`."""
    start = _start(configuration, instance)
    return has_outbound(start.found, start.signs)


def _start(configuration: Configuration, instance: PostfixInstance) -> _Start:
    directory = instance.config_directory
    found = Contents(_read(directory / MAIN), _read(directory / MASTER))
    record_path = attach_record.path_of(configuration.state, directory)
    record = attach_record.read(record_path)
    signs = Signs.of(configuration, instance)
    if record is not None:
        signs |= record.signs
    bare = without_inbound(without_outbound(found, signs), signs)
    if record is not None:
        bare = Contents(
            _recorded(record, MAIN, found.main, bare.main),
            _recorded(record, MASTER, found.master, bare.master),
        )
    return _Start(found, bare, signs, record_path)


def _recorded(record: Record, name: str, found: bytes, otherwise: bytes) -> bytes:
    """Return the bare content that the record has of a file, where it is found as attach left it."""
    return record.before.get(name, otherwise) if record.after.get(name) == found else otherwise


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        fix = "name Postfix's configuration directory with --config-dir, or run this as root"
        raise Problem(f"it cannot be read ({error.strerror})", str(path), fix) from error
    if b"\0" in content:
        raise Problem("it holds a NUL byte, where Postfix stops to read a line", str(path), "remove it")
    return content


def _verify(future: PostfixInstance, inbound: InboundPlan | None, outbound: OutboundPlan | None) -> None:
    """Raise Problem unless Postfix itself reads in the new files what was meant."""
    services = {service.key: service for service in future.services()}
    expected = dict(inbound.all_options) if inbound is not None else {}
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
    for key, asleep in (inbound.asleep if inbound is not None else {}).items():
        if asleep.slept and (found := awake(future, services[key], asleep)):
            raise _misread(MASTER, f"{key}: {min(found)}")


def _misread(file: str, place: str) -> Problem:
    return Problem(
        "Postfix would not read the new setting as it is meant; nothing was changed",
        f"{file}: {place}",
        "write the entry there in the plain form of the manual, then attach again",
    )
