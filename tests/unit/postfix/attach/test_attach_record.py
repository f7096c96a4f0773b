"""The record of what attach changed: whose word it is."""

from pathlib import Path

from domain_secure.postfix.attach.attach_record import Record, directories, path_of, write
from domain_secure.postfix.attach.attach_signs import Signs

_CONTENTS = {"main.cf": b"x = y\n"}
_RECORD = Record(_CONTENTS, _CONTENTS, Signs(frozenset(), frozenset(), frozenset()))


def record(state: Path, configuration: Path) -> Path:
    """Write a record, as attach does, and return its path."""
    path = path_of(state, configuration)
    write(path, configuration, _RECORD)
    return path


def test_recorded_directories_are_known_by_name(tmp_path: Path) -> None:
    """Each directory that has a record is named, whatever characters are in its path."""
    assert directories(tmp_path) == ()
    for name in ("/etc/postfix", "/etc/postfix out%2F"):
        record(tmp_path, Path(name))
    assert set(directories(tmp_path)) == {Path("/etc/postfix"), Path("/etc/postfix out%2F")}


def test_a_record_that_others_could_write_names_no_directory(tmp_path: Path) -> None:
    """Root is not sent to a directory by whoever may write the record or its folder."""
    path = record(tmp_path, Path("/etc/postfix"))
    path.chmod(0o666)
    assert directories(tmp_path) == ()
    path.chmod(0o600)
    path.parent.chmod(0o777)
    assert directories(tmp_path) == ()
