"""Which configuration is in force: the digests are those of the files that were read."""

import hashlib
from dataclasses import replace
from pathlib import Path

from domain_secure.milter.record.configuration_in_force import ConfigurationInForce
from domain_secure.policy.files.file_signature import file_signature

from unit.policy.builders import configuration


def test_it_follows_what_was_read(tmp_path: Path) -> None:
    """A change is told once it was read, and one that nobody has read yet is not."""
    file = tmp_path / "domain-secure.toml"
    file.write_text("one")
    watch = ConfigurationInForce()
    first = replace(configuration(), files=(file,))
    seen = {file: file_signature(file)}
    watch.attend(first, seen)
    assert watch.present is not None
    assert watch.present.files == {str(file): hashlib.sha256(b"one").hexdigest()}
    before = watch.present
    file.write_text("another")
    watch.attend(replace(first), dict(seen))
    assert watch.present is before
    watch.attend(replace(first), {file: file_signature(file)})
    assert watch.present.revision != before.revision
    file.unlink()
    watch.attend(replace(first), {file: None})
    assert watch.present.files == {str(file): hashlib.sha256(b"another").hexdigest()}


def test_a_revision_of_the_fleet_is_named(tmp_path: Path) -> None:
    """On a node of a fleet the number of the policy stands in front."""
    watch = ConfigurationInForce()
    watch.attend(replace(configuration(), files=(), revision=12, state=tmp_path), {})
    assert watch.present is not None
    assert watch.present.revision.startswith("revision 12, files ")
