"""Editing main.cf: postconf(1) reads it as we do, and an element that was put in comes out again."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from domain_secure.postfix.instance import main_cf
from domain_secure.postfix.instance.logical_lines import logical_lines

NAME = b"transport_maps"
OURS = b"hash:/var/lib/domain-secure/maps/transport"
needs_postfix = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

PIECES = st.sampled_from(
    [
        b"transport_maps = hash:/a",
        b"transport_maps=hash:/a,hash:/b",
        b"transport_maps =",
        b"transport_maps = ",
        b"transport_maps\t=\t\t$others ",
        b"transport_maps = , hash:/a ,",
        b"transport_maps = hash:/a\r",
        b"transport_maps = { inline, a=b }",
        b"transport_maps",
        b"  = hash:/c",
        b"  hash:/d,",
        b"\t,",
        b"# transport_maps = hash:/no",
        b"  # transport_maps",
        b"",
        b"   ",
        b"\r",
        b"other = x",
        b"other_transport_maps = y",
        b"text = caf\xe9",
    ]
)
CONTENT = st.tuples(st.lists(PIECES, max_size=8).map(b"\n".join), st.sampled_from([b"", b"\n", b"\n\n"])).map(
    b"".join
)


def is_ours(element: bytes) -> bool:
    return element == OURS


@given(CONTENT)
@settings(max_examples=300)
def test_without_undoes_prepended(content: bytes) -> None:
    """Whatever the file looks like, taking our element out gives the former bytes."""
    attached = main_cf.prepended(content, NAME, OURS)
    assert main_cf.without(attached, {NAME}, is_ours) == content


@given(CONTENT)
def test_two_parameters_come_out_together(content: bytes) -> None:
    """The two lists that attach touches are undone in one pass."""
    attached = main_cf.prepended(content, b"smtp_tls_policy_maps", OURS)
    attached = main_cf.prepended(attached, NAME, OURS)
    assert main_cf.without(attached, {b"smtp_tls_policy_maps", NAME}, is_ours) == content


@given(CONTENT)
def test_our_element_becomes_the_first_of_the_list(content: bytes) -> None:
    """The elements that were there follow in their order."""
    before = _elements(content)
    assert _elements(main_cf.prepended(content, NAME, OURS)) == [OURS, *before]


def _elements(content: bytes) -> list[bytes]:
    found = [entry for entry in main_cf.entries(content) if entry.name == NAME]
    return [token.text for token in found[-1].elements] if found else []


@needs_postfix
@given(CONTENT)
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
def test_postconf_reads_the_same_value(content: bytes) -> None:
    """Postfix's own parser agrees on every file it accepts, before and after the edit."""
    # A line without "=" is fatal, and Postfix's programs wait a second before they give up.
    assume(all(b"=" in line.text for line in logical_lines(content)))
    with tempfile.TemporaryDirectory() as name:
        before = _postconf(Path(name), content)
        after = _postconf(Path(name), main_cf.prepended(content, NAME, OURS))
    assert before is not None
    assert (main_cf.value(content, NAME) or b"").split() == before.split()
    assert after is not None
    assert after.replace(b",", b" ").split() == [OURS, *before.replace(b",", b" ").split()]


def _postconf(directory: Path, content: bytes) -> bytes | None:
    (directory / "main.cf").write_bytes(content)
    os.utime(directory / "main.cf", (0, 0))  # Postfix waits until a file is two seconds old
    command = ["postconf", "-c", str(directory), "-h", NAME.decode()]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (b"transport_maps = hash:/a, %s\n", b"transport_maps = hash:/a\n"),
        (b"transport_maps = hash:/a %s", b"transport_maps = hash:/a"),
        (b"transport_maps = hash:/a ,\n  %s\nother = x\n", b"transport_maps = hash:/a\nother = x\n"),
        (b"transport_maps = hash:/a,\r\n# c\n %s,\r\n", b"transport_maps = hash:/a\r\n# c\n"),
        (b"transport_maps = hash:/a, %s, %s,\n", b"transport_maps = hash:/a\n"),
        (b"transport_maps = %s, hash:/a, %s\n", b"transport_maps = hash:/a\n"),
        (b"transport_maps = hash:/a, %s\n  hash:/b,\n", b"transport_maps = hash:/a,\n  hash:/b,\n"),
        (b"transport_maps = hash:/a, %s, hash:/b\n", b"transport_maps = hash:/a, hash:/b\n"),
        (b"transport_maps = %s,\n  hash:/a\n", b"transport_maps =\n  hash:/a\n"),
        (b"transport_maps =\n  %s,\n  hash:/a\n", b"transport_maps =\n  hash:/a\n"),
        (b"transport_maps = %s %s\n", b"transport_maps =\n"),
        (b"transport_maps = hash:/x\ntransport_maps = %s\n", b"transport_maps = hash:/x\ntransport_maps =\n"),
        (main_cf.COMMENT + b"\ntransport_maps = %s, hash:/a\n", b"transport_maps = hash:/a\n"),
        (b"transport_maps = %s", b"transport_maps ="),
    ],
)
def test_what_others_edited_around_our_element_stays(edited: bytes, expected: bytes) -> None:
    """Our element goes from wherever it was moved to; the elements of others keep their order."""
    assert main_cf.without(edited.replace(b"%s", OURS), {NAME}, is_ours) == expected
