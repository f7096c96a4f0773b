"""HTML and SVG elements whose text cannot become markup.

Invariant: a plain string is escaped wherever it is put, as text and as an attribute; only what ``element``
made is markup.
Source: HTML Living Standard section 13.1.2, void elements.
"""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "br", "line", "rect"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | Iterable["Child"]


def element(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Return an element; ``class_`` means ``class``, ``_`` in a name ``-``, None no attribute."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>" if name in {"meta", "br"} else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Return children one after the other."""
    return Markup("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape("".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in child))
    return "".join(_text(one) for one in child)
