"""Markup: a stranger's words stay text."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from domain_secure.commands.report.markup import Markup, element, joined


class Reader(HTMLParser):
    """Gathers what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.attributes: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def read(markup: str) -> Reader:
    """Return what a browser sees."""
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@given(st.text(), st.text())
def test_no_text_becomes_markup(text: str, value: str) -> None:
    """Whatever stands in a text or an attribute, there is one element and nothing else."""
    seen = read(element("p", text, title=value))
    assert seen.tags == ["p"]
    assert seen.attributes.keys() == {"title"}
    assert "<" not in element("p", text)[3:-4]


def test_elements() -> None:
    """Children may be nested lists; void elements have no end; None leaves an attribute out."""
    made = element("p", ["a & b", [element("b", "c")]], class_="x", hidden=None, aria_label='"')
    assert made == '<p class="x" aria-label="&quot;">a &amp; b<b>c</b></p>'
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert element("rect", x=1) == '<rect x="1"/>'
    assert joined("<", Markup("<br>")) == "&lt;<br>"
