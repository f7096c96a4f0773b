"""The document for partners, as the laboratory reads it: what is to be written into which file.

A fence that begins with ```` ```LANGUAGE for=PATH ```` is the text of that file, or what is put into it.
Must not know: what the text means.
"""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "interoperability.md"

_FENCE = re.compile(r"(?ms)^```\w+ for=(?P<path>\S+)\n(?P<text>.*?)^```$")
_HEADING = re.compile(r"(?m)^## +(.+)$")


def snippets(heading: str, document: str | None = None) -> dict[Path, str]:
    """Return the texts below a *heading* of the second level, by the file each is for."""
    text = DOCUMENT.read_text() if document is None else document
    start = next(found.end() for found in _HEADING.finditer(text) if found[1] == heading)
    following = _HEADING.search(text, start)
    section = text[start : following.start() if following else len(text)]
    return {Path(found["path"]): found["text"] for found in _FENCE.finditer(section)}


def without(text: str, *words: str) -> str:
    """Return a *text* without the lines that contain one of the *words*; each must be there."""
    for word in words:
        assert word in text, f"{word!r} does not stand in what the document says:\n{text}"
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not any(word in line for word in words))
