"""The routes of which root knows that Postfix has forgotten all former ones.

Owns: its file, beside the record of attach, in a folder that only root writes: what the tables for routing
looked like then.  The daemon, which may not look at Postfix's processes, reads it.
"""

import json
import os
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.postfix.tables.publication import Record, Signature
from domain_secure.postfix.tables.tables import Table

from . import attach_record

_MODE = 0o644


def signature(configuration: Configuration) -> Signature | None:
    """Return what the published routes look like, by their record; None where there are none."""
    entry = Record.read(configuration.state / "maps").tables.get(Table.TRANSPORT)
    return None if entry is None else entry.files


def write(configuration: Configuration, known: Signature | None) -> None:
    """Keep that Postfix goes by *known*; raises Problem.  Without an attach there is no place for it."""
    path = path_of(configuration)
    if known is None or not path.parent.is_dir() or is_known(configuration, known):
        return
    try:
        record = attach_record.path_of(configuration.state, configuration.config_directory)
        attach_record.put_beside(record, attach_record.ROUTES, json.dumps(known).encode() + b"\n", _MODE)
    except OSError as error:
        raise cannot_write("that Postfix was reloaded cannot be recorded", str(path), error) from error


def is_known(configuration: Configuration, wanted: Signature | None) -> bool:
    """Tell whether root has seen that Postfix goes by *wanted*; anybody may ask."""
    try:
        with path_of(configuration).open("rb") as stream:
            if os.fstat(stream.fileno()).st_uid not in {0, os.geteuid()}:
                return False
            known: object = json.load(stream)
    except (OSError, ValueError):
        return False
    return known == wanted


def request_path(configuration: Configuration) -> Path:
    """Return where the daemon puts an empty file to ask root for a look; a unit waits for it."""
    return configuration.state / "reload-wanted"


def path_of(configuration: Configuration) -> Path:
    """Return where the file is."""
    record = attach_record.path_of(configuration.state, configuration.config_directory)
    return record.with_suffix(attach_record.ROUTES)
