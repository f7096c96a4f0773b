"""The file of a long list: whatever its lines look like, it is read as line by line."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from publicsuffixlist import PSLFILE

from domain_secure.policy.configuration.domains_file import read_entries, remove_entries
from domain_secure.policy.terms import domain
from domain_secure.policy.terms.domain import (
    Domain,
    InvalidDomainError,
    is_public_suffix,
    parse_entry,
    perhaps_public_suffixes,
)

LINE = st.one_of(
    st.from_regex(r"(\*\.)?[a-c0-9_-]{1,3}(\.[a-c0-9-]{1,3}){0,2}", fullmatch=True),
    st.sampled_from(
        [
            *(
                "",
                " ",
                "# nothing",
                "a.test",
                "a.test",
                "a.test # of the group",
                "A.TEST",
                "a.test.",
                "a.test\r",
            ),
            *(
                "bücher.test",
                "xn--bcher-kva.test",
                "co.uk",
                "*.co.uk",
                "*.test",
                "test",
                "a.ck",
                "*.a.ck",
                "www.ck",
            ),
            *(
                "1.2.3.4",
                "a.1",
                "a.b1",
                "-a.test",
                "a-.test",
                "a..test",
                ".a.test",
                "*a.test",
                "a.*.test",
                "*.*.test",
            ),
            *(
                "a b.test",
                "a.test\x0bb.test",
                "a\x00.test",
                "\ufeffb.test",
                "a" * 63 + ".test",
                "a" * 64 + ".test",
            ),
            ".".join(["abcdefgh"] * 28) + ".test",
            ".".join(["abcdefgh"] * 29) + ".test",
            "*." + ".".join(["abcdefgh"] * 27) + ".test",
        ]
    ),
)
CONTENT = st.tuples(
    st.sampled_from(["", "\ufeff"]), st.lists(LINE, max_size=8), st.sampled_from(["", "\n"])
).map(lambda parts: (parts[0] + "\n".join(parts[1]) + parts[2]).encode())


def by_lines(content: bytes) -> tuple[list[str], list[int]]:
    """Return the entries and the numbers of faulty lines, by the grammar of entries alone."""
    entries: dict[str, None] = {}
    faults = []
    for number, line in enumerate(content.decode("utf-8-sig").split("\n"), 1):
        if written := line.partition("#")[0].strip():
            try:
                entries[parse_entry(written)] = None
            except InvalidDomainError:
                faults.append(number)
    return list(entries), faults


@pytest.fixture(params=[False, True], ids=["few", "many"], autouse=True)
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for public suffixes as among few names and as among many."""
    monkeypatch.setattr(domain, "_MANY", 0 if request.param else 50_000)


@given(CONTENT)
@example(b"a.test\nb.test\n")
@example(b"*.a.test\n*.b.test\n")
@example(b"")
def test_it_is_read_as_line_by_line(content: bytes) -> None:
    """Entries in order, none twice, and each faulty line by its number: long texts save time alone."""
    entries, faults = read_entries(content)
    assert (list(entries), [number for number, _ in faults]) == by_lines(content)
    assert len(entries) == len(list(entries))


@given(
    CONTENT.filter(lambda content: not by_lines(content)[1]), st.sets(st.sampled_from(["a.test", "b.test"]))
)
def test_lines_are_taken_out(content: bytes, removed: set[str]) -> None:
    """What is removed is gone in each of its spellings, and everything else stays as it was."""
    left = remove_entries(content, {parse_entry(one) for one in removed})
    assert by_lines(left)[0] == [entry for entry in by_lines(content)[0] if entry not in removed]
    assert set(left.split(b"\n")) <= {b"", *content.split(b"\n")}


def test_a_line_that_is_not_utf_8_is_named() -> None:
    """Nothing of the file is read then."""
    entries, faults = read_entries(b"a.test\n\xff.test\n")
    assert (list(entries), faults) == ([], [(2, "the line is not UTF-8")])


def test_what_is_in_use_is_not_read_again() -> None:
    """The same content is the same list as long as anybody holds it; another one is not."""
    first, _ = read_entries(b"a.test\nc.test\n")
    assert read_entries(b"a.test\nc.test\n")[0] is first
    assert list(read_entries(b"a.test\nd.test\n")[0]) == ["a.test", "d.test"]


@pytest.mark.parametrize(
    "name",
    ["uk", "co.uk", "ck", "a.ck", "www.ck", "kobe.jp", "a.kobe.jp", "city.kobe.jp", "xn--p1ai", "example"],
)
def test_no_public_suffix_escapes_the_first_look(name: str) -> None:
    """Whatever is a public suffix is looked at closely, exceptions from a rule as well."""
    assert perhaps_public_suffixes({name.encode()}, f"{name}\n".encode()) or not is_public_suffix(
        Domain(name)
    )


def test_all_public_suffixes_are_looked_at() -> None:
    """So is each name that a rule speaks of, one below it, and each that it lies under."""
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    rules = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    names = {rule.removeprefix("!").replace("*", "any") for rule in rules}
    names |= {rule.split(".", count)[-1] for rule in rules for count in range(1, rule.count(".") + 1)}
    spelled = {name if name.isascii() else name.encode("idna").decode() for name in names}
    public = {name.encode() for name in spelled if is_public_suffix(Domain(name))}
    assert len(public) > 5000
    assert perhaps_public_suffixes(public, b"".join(b"%b\n" % name for name in public)) == public
    others = {b"woodgrovebank.test", b"a.co.uk", b"fabrikam.com"}
    assert perhaps_public_suffixes(others, b"woodgrovebank.test\na.co.uk\nfabrikam.com\n") == set()


MANY = "".join(f"{'long' * 12}-{number:04d}.test\n" for number in range(1500))


@settings(max_examples=25)
@given(st.lists(LINE, max_size=4), st.integers(0, 1500), st.integers(0, 20), st.booleans(), st.booleans())
@example([f"{'long' * 12}-0400.test"], 10, 0, False, True)
@example([f"{'long' * 12}-0010.test"], 10, 1, False, True)
@example(["co.uk"], 0, 0, True, True)
def test_a_long_list_that_changed_a_little_is_read_as_line_by_line(
    lines: list[str], start: int, length: int, ends: bool, indexed: bool
) -> None:
    """Whatever was put in or taken out, also a line that stands elsewhere, and a damaged one."""
    known, _ = read_entries(MANY.encode())
    if indexed:
        known.prepare()
    former = MANY.splitlines()
    content = "\n".join([*former[:start], *lines, *former[start + length :]]) + "\n" * ends
    entries, faults = read_entries(content.encode())
    assert (list(entries), [number for number, _ in faults]) == by_lines(content.encode())
    assert len(entries) == len(list(entries))
    listed = set(by_lines(content.encode())[0])
    assert [line for line in (*lines, *former[::100]) if entries.has(line) is not (line in listed)] == []


def test_a_changed_list_goes_by_the_index_of_the_former() -> None:
    """It is asked at once: nothing of it but the change was read, and no index is made."""
    known, _ = read_entries(MANY.encode())
    known.prepare()
    entries, _ = read_entries(MANY.encode() + b"one-more.test\n")
    assert entries.octets == MANY.encode() + b"one-more.test\n"
    assert entries.has_index
    assert entries.has("one-more.test")
    assert not entries.has("two-more.test")
