"""The record of what was published, and the difference that --check prints."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from configurations import make_configuration, make_partner
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.differences import unified
from domain_secure.postfix.tables.publication import Job, Record, TableRecord, input_digest
from domain_secure.postfix.tables.tables import Dialect, Table

SOUND = Record("hash", "0" * 64, {Table.TRANSPORT: TableRecord("ab", 3, 1.5, [[1, 2, 3], [4, 5, 6]])})
DIALECT = Dialect(True, frozenset())


def make_job(**changes: Any) -> Job:
    """Return a job for a configuration with *changes*."""
    return Job(make_configuration(**changes), PostfixInstance(Path("/nonexistent")), DIALECT, "hash")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Nothing is lost between writing and reading."""
    (tmp_path / "published.json").write_bytes(SOUND.document())
    assert Record.read(tmp_path) == SOUND


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b'{"tables": []}',
        b'{"tables": {}, "map_type": "hash"}',
        b'{"tables": {"unknown": {}}, "map_type": "hash", "input": null}',
        b'{"tables": {"transport": {"sha256": "ab"}}, "map_type": "hash", "input": null}',
        b'{"tables": {"transport": 3}, "map_type": "hash", "input": null}',
    ],
)
def test_a_record_that_makes_no_sense_is_none(tmp_path: Path, content: bytes) -> None:
    """What cannot be read counts as no record; the tables are then built again."""
    (tmp_path / "published.json").write_bytes(content)
    assert Record.read(tmp_path) == Record()


def test_the_digest_stands_for_everything_in_the_lines() -> None:
    """A change that could change a line changes the digest."""
    send = DomainList.of("a.test", "b.test")
    rule = make_partner("a.test", pins=frozenset({Pin.certificate("ab" * 32), Pin.public_key("cd" * 32)}))
    digests = [
        input_digest(job)
        for job in (
            make_job(send=send),
            make_job(send=DomainList.of("b.test", "a.test")),
            make_job(send=DomainList.of("a.test")),
            make_job(send=send, direct=False),
            make_job(send=send, partners={Entry("a.test"): rule}),
            make_job(send=send, partners={Entry("a.test"): replace(rule, mx=("mx.a.test",))}),
            replace(make_job(send=send), dialect=Dialect(False, frozenset())),
        )
    ]
    assert len(set(digests)) == len(digests)
    assert input_digest(make_job(send=send)) == digests[0]


@given(
    st.lists(st.sampled_from("abcdef"), max_size=30),
    st.lists(st.sampled_from("abcdef"), max_size=30),
    st.integers(0, 9),
)
def test_the_difference_leads_from_old_to_new(old: list[str], new: list[str], common: int) -> None:
    """Applying what is printed to the old lines gives the new ones, and there is none for equal lines."""
    old, new = (["same"] * common + lines + ["end"] * common for lines in (old, new))
    printed = list(unified(iter(old), iter(new), "name"))
    assert bool(printed) == (old != new)
    assert applied(old, printed[2:]) == new


def test_the_difference_is_what_diff_prints(tmp_path: Path) -> None:
    """The line numbers are right where the two changes lie far apart."""
    old = [f"line {number}" for number in range(100)]
    new = [line for line in old if line != "line 30"] + ["last"]
    path = tmp_path / "file"
    path.write_text("".join(f"{line}\n" for line in old))
    text = "".join(f"{line}\n" for line in unified(iter(old), iter(new), "file"))
    assert "@@ -28,7 +28,6 @@" in text
    assert "@@ -98,3 +97,4 @@" in text
    done = subprocess.run(
        ["diff", "-u", path, "-"],
        input="".join(f"{line}\n" for line in new),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[2:] == text.splitlines()[2:]


def applied(old: list[str], printed: list[str]) -> list[str]:
    """Return *old* with the hunks of a unified diff applied."""
    result: list[str] = []
    position = 0
    for line in printed:
        if line.startswith("@@"):
            start, _, length = line.split()[1].removeprefix("-").partition(",")
            first = int(start) - (length != "0")
            result += old[position:first]
            position = first
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert old[position] == line[1:]
            result += [line[1:]] * line.startswith(" ")
            position += 1
    return result + old[position:]
