"""Templates: a stranger's words stay text."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from domain_secure.policy.templates.html_template import file_as_markup, rendered


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


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template with one element."""
    path = tmp_path / "template.html"
    path.write_text('<p title="{{ value }}">{{ text }}</p>')
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text())
def test_no_text_becomes_markup(template: Path, text: str, value: str) -> None:
    """Whatever stands in a text or an attribute, there is one element and nothing else."""
    seen = read(rendered(template, text=text, value=value))
    assert seen.tags == ["p"]
    assert seen.attributes.keys() == {"title"}
    assert "<" not in rendered(template, text=text, value="")[len('<p title="">') : -len("</p>")]


def test_nothing_in_a_text_controls_anything(template: Path) -> None:
    """A character that moves a cursor or turns the direction of writing becomes a sign of its own."""
    seen = read(rendered(template, text="a\x00\x1b\u202eb\nc", value="\u2066x"))
    assert seen.text == "a\ufffd\ufffd\ufffdb\nc"
    assert seen.attributes == {"title": "\ufffdx"}


def test_what_is_markup_stays_so(template: Path, tmp_path: Path) -> None:
    """What another template made, and a file of ours, goes in as it is."""
    (tmp_path / "style.css").write_text("a > b { }\n")
    inner = rendered(template, text="&", value=1)
    page = rendered(template, text=inner + file_as_markup(tmp_path / "style.css"), value="")
    assert page == '<p title=""><p title="1">&amp;</p>a > b { }\n</p>'


def test_a_name_that_nobody_passed_is_an_error(template: Path) -> None:
    """A template that asks for what is not there makes no page with a hole in it."""
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        rendered(template, value="")
