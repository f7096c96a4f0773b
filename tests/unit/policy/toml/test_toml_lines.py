"""The line finder against documents whose lines are known by construction, and against any valid TOML."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.toml.toml_lines import dotted, locate

DOCUMENT = """\
# a comment with "quotes" and [brackets]
mode = "enforce"

[receive] # the list
domains = [
    # none = ["here"]
    "a.test", "b.test",
    "c.test" # , "no.test"
    , 'd]#,.test',
]
note = \"\"\"
domains = "not a key"
[send]
\"\"\"\"\"
on_failure = "reject"

[partner."a.test".'q"']
pins = [["x", "y"], {z = [1]},
  \"\"\"p\"\"\"]
[other]
a . "b.c".d = 1979-05-27 07:32:00
"" = {inner = 1}
[[many]]
x = 1
[[many]]
x = 2
"""


def test_lines_of_keys_and_elements() -> None:
    """Comments, strings, nested lists and dotted keys do not lead the finder astray."""
    lines = locate(DOCUMENT)
    assert lines.of(("mode",)) == 2
    assert lines.of(("receive",)) == 4
    assert lines.of(("receive", "domains")) == 5
    assert [lines.of(("receive", "domains"), index) for index in range(4)] == [7, 7, 8, 9]
    assert lines.of(("receive", "note")) == 11
    assert lines.of(("receive", "on_failure")) == 15
    assert lines.of(("partner", "a.test", 'q"', "pins")) == 18
    assert [lines.of(("partner", "a.test", 'q"', "pins"), index) for index in range(3)] == [18, 18, 19]
    assert lines.of(("other", "a", "b.c", "d")) == 21
    assert lines.of(("other", "")) == 22
    assert lines.of(("many",)) == 23
    assert lines.headers[("other",)] == 20


def test_unknown_place_is_the_closest_table() -> None:
    """What has no line of its own stands where the table around it does."""
    lines = locate("x = 1\n[a]\nb = { c = [1] }\n")
    assert lines.of(("a", "b", "c"), 0) == 3
    assert lines.of(("a", "nothing")) == 2
    assert lines.of(("nothing",)) is None


def test_windows_line_ends() -> None:
    """CRLF counts as one line end."""
    lines = locate('[a]\r\nb = [\r\n  "x",\r\n  "y"\r\n]\r\nc = 1\r\n')
    assert lines.of(("a", "b"), 1) == 4
    assert lines.of(("a", "c")) == 6


def test_dotted_is_the_notation_of_toml() -> None:
    """A key is quoted only where it must be."""
    assert dotted(("partner", "a.test", "names"), 3) == 'partner."a.test".names[3]'


STRINGS = st.sampled_from(['"a.test"', "'lit#[,'", '"\\"],"', '"""multi\nline, ] """', "'''x\n]\n'''", '""'])
GAPS = st.sampled_from(["", " ", "\n", ' # note, ] "\n', "\n\n  # x\n"])


@st.composite
def lists(draw: st.DrawFn) -> tuple[str, list[int]]:
    """A list, and the line of each element counted from the line of its bracket."""
    text = "["
    lines = []
    for element in draw(st.lists(STRINGS, max_size=5)):
        text += draw(GAPS)
        lines.append(text.count("\n"))
        text += element + draw(GAPS) + ","
    return text + draw(GAPS) + "]", lines


@given(st.lists(st.tuples(st.booleans(), lists(), GAPS), max_size=6))
def test_lines_known_by_construction(parts: list[tuple[bool, tuple[str, list[int]], str]]) -> None:
    """Every key and element is found on the line it was written to."""
    text, table, expected = "", (), {}
    for number, (header, (written, offsets), gap) in enumerate(parts):
        if header:
            table = (f"t{number}",)
            text += f"[{table[0]}]\n"
        line = text.count("\n") + 1
        keys = (*table, f"k{number}")
        expected[keys] = line, [line + offset for offset in offsets]
        text += f"k{number} = {written}\n{gap if gap.endswith(chr(10)) else ''}"
    tomllib.loads(text)
    found = locate(text)
    for keys, (line, elements) in expected.items():
        assert found.of(keys) == line
        assert [found.of(keys, index) for index in range(len(elements))] == elements
        assert len(found.lists[keys].elements) == len(elements)


@given(st.text(alphabet="a.b=\"'[]{}#,\n \\1-", max_size=60))
def test_any_valid_document_is_taken_apart(text: str) -> None:
    """Whatever tomllib reads, every key of the top level is found, and nothing raises."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = locate(text)
    assert all(found.of((key,)) for key in document)
    for key, value in document.items():
        if isinstance(value, list) and (key,) in found.lists:
            assert len(found.lists[key,].elements) == len(value)
