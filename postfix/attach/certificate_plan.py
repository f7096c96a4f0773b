"""The plan that lets Postfix show the certificates in use; ``attach_execution`` carries it out.

Owns: the step from main.cf as it is to main.cf as it is to be, and the record of attach that goes along.
Must not know: how main.cf is edited (``certificate_settings``).
Invariant: planning changes nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance

from . import attach_record
from .attachment import Plan
from .certificate_settings import CHAIN_FILES, with_certificates
from .contents import MAIN, MASTER, Contents, says_the_same


def plan_certificates(
    configuration: Configuration, instance: PostfixInstance, files: Mapping[Role, Path]
) -> Plan:
    """Return the plan that brings *files* into force, for ``attach_execution.execute``.

    The record of attach goes along, so that detach still knows the former bytes.  Raises Problem.
    """
    directory = instance.config_directory
    found = Contents(_read(directory / MAIN), _read(directory / MASTER))
    wanted = replace(found, main=with_certificates(found.main, files, found.master))
    in_force = {role: instance.unexpanded(CHAIN_FILES[role]) for role in files}
    if in_force == {role: str(path) for role, path in files.items()}:
        # Lines that others, or attach, have put behind ours are no reason to touch the file.
        wanted = wanted.unless_moved_only(found)
    with wanted.staged(instance) as future:
        for role, path in files.items():
            if future.unexpanded(CHAIN_FILES[role]) != str(path):
                raise Problem(
                    "Postfix would not read the new setting as it is meant; nothing was changed",
                    f"main.cf: {CHAIN_FILES[role]}",
                    "write the entry there in the plain form of the manual, then try again",
                )
    record_path = attach_record.path_of(configuration.state, directory)
    record = attach_record.read(record_path)
    if record is not None and record.after.get(MAIN) == found.main:
        bare_main = with_certificates(record.before[MAIN], files, found.master)
        if says_the_same(record.before[MAIN], bare_main):
            bare_main = record.before[MAIN]
        record = replace(
            record,
            before={**record.before, MAIN: bare_main},
            after={**record.after, MAIN: wanted.main},
        )
    order = (MAIN, MASTER)
    return Plan(directory, found.in_order(*order), wanted.in_order(*order), record, record_path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem(f"it cannot be read ({error.strerror})", str(path), "run this as root") from error
