"""Tables read back from the disk, with Postfix's own programs."""

from pathlib import Path

import pytest
from scratch_postfix import make_scratch

from domain_secure.policy.configuration.reading import load
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.read_back import tables_hold

pytestmark = pytest.mark.real

SEND = '[send]\ndomains = ["a.test", "*.b.test"]\n'


def test_tables_hold_what_was_published_and_nothing_else(tmp_path: Path) -> None:
    """Published tables answer as wanted; another list, a file from elsewhere and a missing one do not."""
    scratch = make_scratch(tmp_path)
    scratch.configure(SEND)
    configuration = load(scratch.configuration)
    assert not tables_hold(configuration, scratch.instance)
    publish(configuration, scratch.instance)
    assert tables_hold(configuration, scratch.instance)
    scratch.configure(SEND.replace("a.test", "c.test"))
    assert not tables_hold(load(scratch.configuration), scratch.instance)
    scratch.configure(SEND)
    source = scratch.maps / "tls_policy"
    source.write_text("a.test\tnone\n")
    scratch.instance.compile_map(scratch.map_type, source)
    assert not tables_hold(configuration, scratch.instance)
    publish(configuration, scratch.instance)
    assert tables_hold(configuration, scratch.instance)
    source.unlink()
    assert not tables_hold(configuration, scratch.instance)
