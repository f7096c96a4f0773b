"""Many entries as one text: the same answers as from a list and a set, whether or not there is an index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.long_lists.entry_text import EntryText

NAMES = st.lists(st.from_regex(r"(\*\.)?[a-c]{1,2}\.[ab]{1,2}", fullmatch=True), unique=True, max_size=60)


def made(names: list[str], *, indexed: bool) -> EntryText:
    """Return the text of *names*."""
    text = EntryText("".join(f"{name}\n" for name in names).encode(), len(names))
    if indexed:
        text.prepare()
    return text


@given(NAMES, NAMES, st.booleans(), st.booleans())
def test_it_is_a_set_in_order(first: list[str], second: list[str], one: bool, other: bool) -> None:
    """Membership, order, number and difference are those of the entries, however it was asked before."""
    text, against = made(first, indexed=one), made(second, indexed=other)
    assert (list(text), len(text)) == (first, len(first))
    assert text.among(second) == set(first) & set(second)
    assert text.without(against) == sorted(set(first) - set(second))
    assert all(text.has(name) for name in first)
    assert [name for name in second if text.has(name)] == [name for name in second if name in first]
    assert text.without(against) == sorted(set(first) - set(second))


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    "asked", ["", "\n", "a.test\nb.test", "b.tes", ".test", "ä.test", "\ud800.test", "?.test"]
)
def test_what_is_no_entry_is_not_there(asked: str, *, indexed: bool) -> None:
    """Neither a part of an entry is one, nor several of them, nor what is not ASCII."""
    assert not made(["a.test", "b.test", "c.test"], indexed=indexed).has(asked)


def test_many_questions_are_answered_by_an_index() -> None:
    """Who asks often is answered alike before and after the index is made, and may ask for all at once."""
    names = [f"partner-{number}.test" for number in range(3000)]
    text = made(names, indexed=False)
    assert all(text.has(name) for name in names)
    assert not any(text.has(f"x{name}") for name in names)
    assert made(names, indexed=False).among([*names, "x.test"]) == set(names)


def test_a_long_text_is_iterated_whole() -> None:
    """Entries are given once each, also where a part of the text ends between them."""
    names = [f"{'long' * 15}-{number}.test" for number in range(40_000)]
    assert list(made(names, indexed=False)) == names


@given(NAMES, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), NAMES), max_size=5), st.booleans())
def test_a_changed_text_is_as_one_made_anew(
    names: list[str], changes: list[tuple[int, int, list[str]]], indexed: bool
) -> None:
    """After any runs of lines were put in the place of others, one upon another, all answers are the same."""
    text, asked = made(names, indexed=indexed), {*names}
    for start, end, wanted in changes:
        first, last = sorted((min(start, len(names)), min(end, len(names))))
        new = [name for name in wanted if name not in {*names[:first], *names[last:]}]
        place = len("".join(f"{name}\n" for name in names[:first]))
        gone = "".join(f"{name}\n" for name in names[first:last])
        text = text.changed(place, place + len(gone), "".join(f"{name}\n" for name in new).encode())
        names = [*names[:first], *new, *names[last:]]
        asked |= {*names, *wanted}
        assert (list(text), len(text)) == (names, len(names))
        assert {name for name in asked if text.has(name)} == set(names)


def test_after_many_changes_an_index_is_made_anew() -> None:
    """However often a text was changed, it answers for each line."""
    names = [f"partner-{number}.test" for number in range(2000)]
    text = made(names, indexed=True)
    for number in range(0, 1000, 2):
        place = text.octets.index(f"partner-{number}.test\n".encode())
        names[number] = f"other-{number}.test"
        text = text.changed(place, place + len(f"partner-{number}.test\n"), f"other-{number}.test\n".encode())
    assert list(text) == names
    assert all(text.has(name) for name in names)
    assert not any(text.has(f"partner-{number}.test") for number in range(0, 1000, 2))
