"""Objects as PowerShell prints them."""

import json
import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.importing.powershell import PrintedObject, Property, read_objects
from domain_secure.policy.importing.source_text import SourceText, decode
from domain_secure.policy.terms.problems import Problem

LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
DOMAINS = st.lists(st.builds("{}.{}.test".format, LABEL, LABEL), max_size=8)


def read(text: str) -> tuple[PrintedObject, ...]:
    """Return the objects of a text."""
    return read_objects(SourceText("a", text))


def one(text: str, name: str = "list") -> Property:
    """Return a property of the one object of a text."""
    (found,) = read(text)
    return found.properties[name]


@given(DOMAINS, st.integers(6, 60))
def test_a_list_is_read_however_it_is_broken(domains: list[str], width: int) -> None:
    """Format-List breaks long values between words and within them, and indents what follows."""
    whole = "{" + ", ".join(domains) + "}"
    pieces = [whole[start : start + width] for start in range(0, len(whole), width)]
    text = "Before : 1\nList   : " + "\n         ".join(pieces) + "\nAfter  : 2\n"
    assert one(text).elements() == tuple(domains)
    assert one(text, "after").text() == "2"


@given(DOMAINS)
def test_both_forms_say_the_same(domains: list[str]) -> None:
    """A list of texts, of objects with a domain, and of a list with its length."""
    spelled = (domains, [{"Domain": domain} for domain in domains], {"value": domains, "Count": len(domains)})
    for value in spelled:
        assert one(json.dumps({"List": value})).elements() == tuple(domains)
        assert one(json.dumps([{"List": value}], indent=4)).elements() == tuple(domains)


@given(
    st.dictionaries(LABEL, st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())),
    st.sampled_from([None, 2]),
)
def test_any_json_object_is_read_with_its_lines(value: dict[str, object], indent: int | None) -> None:
    """Each key has its value, and the line it stands in."""
    text = json.dumps(value, indent=indent)
    (found,) = read(text)
    assert {key: one.value for key, one in found.properties.items()} == value
    for key, read_property in found.properties.items():
        assert f'"{key}":' in text.split("\n")[read_property.place.line - 1]


@given(st.text(st.sampled_from('Aa:{}[]",. \n\t1\ufeff-') | st.characters(codec="utf-8"), max_size=80))
def test_any_text_is_objects_or_a_problem(text: str) -> None:
    """Nothing else is raised, whatever is asked of what was read."""
    try:
        every = [value for found in read(text) for value in found.properties.values()]
    except Problem:
        return
    for value in every:
        value.title()
        for ask in (value.elements, value.text, value.truth, value.words):
            with suppress(Problem):
                ask()


def test_objects_stand_apart() -> None:
    """An empty line ends one, a prompt as well, and an empty line within a text does not."""
    text = (
        "[PS] C:\\>Get-A | fl\n\nName : one\nText : first\n       second : x\n\n       third\nLast : 1\n\n\n"
        "Name : two\n[PS] C:\\>Get-A | fl\nName : three\n"
    )
    found = read(text)
    assert [one.properties["name"].title() for one in found] == ["one", "two", "three"]
    assert found[0].properties["text"].title() == "first second : x third"
    assert [one.place.line for one in found] == [3, 11, 13]


def test_several_documents_of_json_are_read() -> None:
    """As the outputs of several commands that were appended to one file."""
    assert len(read('[\n{"A": 1},\n{"A": 2}\n]\r\n{"A": 3}\n[]\n')) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Identity AddressSpaces\n-------- -------------\n", "a:1: .*Format-List"),
        ("Identity : a\n-------- -------------\n", "this is a table.*a:2: .*Format-List"),
        ("Name : a\nName : b\n", "stands twice.*a:2"),
        ('{"A": 1,\n "a": 2}', "stands twice.*a:2"),
        ('{"A\x9e": 1,\n "a\x9e": 2}', r"a\? stands twice.*a:2"),
        ('{"A": 1\n "B": 2}', "no JSON .*a:2"),
        ('[{"A": 1}\n', "no JSON .*a:2"),
        ('{"A": {', "no JSON .*a:1"),
        ("{" * 5000, "no JSON .*a:1"),
        ('{"A": ' + "[" * 100_000, "no JSON .*a:1"),
    ],
)
def test_what_is_neither_form_is_told_with_its_line(text: str, message: str) -> None:
    """A table cuts what it shows; a broken file is not read in part."""
    with pytest.raises(Problem, match=message):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "List : {a.test, b.test...}",
        "List : {a.test, b.test, ...}",
        "List : {a.test, b.test\u2026}",
        '{"List": ["a.test", "..."]}',
    ],
)
def test_a_list_that_is_cut_short_is_no_list(text: str) -> None:
    """What is not shown is unknown, and not nothing."""
    with pytest.raises(Problem, match=r"cut short: a:1: set \$FormatEnumerationLimit"):
        one(text).elements()


@pytest.mark.parametrize(
    "text",
    [
        "List : {a.test",
        "List : {a.test,, b.test}",
        "List : System.Object[]",
        '{"List": "a.test b.test"}',
        '{"List": "Microsoft.Exchange.Data.MultiValuedProperty`1[Microsoft.Exchange.Data.SmtpDomain]"}',
        '{"List": {}}',
        '{"List": 5}',
        '{"List": [["a.test"]]}',
        '{"List": [null]}',
    ],
)
def test_what_is_no_list_is_told(text: str) -> None:
    """Too shallow a document, or a value of another type."""
    with pytest.raises(Problem, match=r"List is not a list.*a:1"):
        one(text).elements()


@pytest.mark.parametrize("text", ["List : ", "List : {}", '{"List": null}', '{"List": []}'])
def test_an_empty_list_is_one(text: str) -> None:
    """Printed as nothing or as empty."""
    assert one(text).elements() == ()


@pytest.mark.parametrize(
    ("written", "truth"),
    [("True", True), ("FALSE", False), ("$true", True), ("Wahr", True), ("Falsch", False)],
)
def test_truths(written: str, truth: bool) -> None:
    """In the words of the shell, and in German."""
    assert one(f"List : {written}").truth() is truth
    assert one(json.dumps({"List": truth})).truth() is truth


@pytest.mark.parametrize("written", ["", "1", "yes", "vrai"])
def test_other_words_are_no_truth(written: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Problem, match="not True or False"):
        one(f"List : {written}").truth()


def test_words_of_an_enumeration() -> None:
    """A number says none."""
    assert one("List : Tls, Basic\n       Auth").words() == ("Tls", "BasicAuth")
    assert one('{"List": "Tls, BasicAuth"}').words() == ("Tls", "BasicAuth")
    assert one('{"List": 5}').words() is None
    assert one("List : ").words() == ()


def test_letters_of_an_unknown_encoding_harm_none_but_their_own_value() -> None:
    """In a list they do; JSON is not read at all, for an octet of a letter may be a backslash."""
    (found,) = read_objects(decode("Name : 表\nList : {a.test}\n".encode("cp932"), "a"))
    assert found.properties["list"].elements() == ("a.test",)
    assert found.properties["name"].title() == "?\\"
    with pytest.raises(Problem, match=r"a:1: name the encoding"):
        found.properties["name"].text()
    with pytest.raises(Problem, match=r"a:2: name the encoding"):
        read_objects(decode('{"A": 1,\n"Name": "表"}'.encode("cp932"), "a"))
