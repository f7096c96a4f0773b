"""Templates of HTML and SVG, in which a stranger's words cannot become markup.

Invariant: whatever is put in is escaped, as text and as an attribute in quotes, and holds no character that
controls anything; markup is what a template wrote, and the files that ``file_as_markup`` is given.
A name that nobody passed in is an error, and no empty text.
Source: Jinja's template designer documentation, HTML escaping.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup


def rendered(path: Path, /, **values: object) -> "Markup":
    """Return what the template at *path* makes of values; raises jinja2.UndefinedError for one it misses."""
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(_template(path).render(values))  # noqa: S704 - escaped by the template


def file_as_markup(path: Path) -> "Markup":
    """Return the content of a file of our own, which goes into a page as it is."""
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 - a file of our own


def _without_controls(value: object) -> object:
    """Return a value's text with a replacement character for each that is not printed; markup as it is."""
    if hasattr(value, "__html__"):
        return value
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in str(value))


@lru_cache(maxsize=8)
def _template(path: Path) -> "Template":
    # Loaded with the first page: memory and time that a daemon nobody looks at does not need.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_controls,
        trim_blocks=True,
    )
    return environment.get_template(path.name)
