"""What commands print, as documents show it: held against the document, or written into it.

With ``DOMAIN_SECURE_WRITE_DOCUMENTS=1`` in the environment a transcript takes the place of the former one.
"""

import difflib
import os
import re
from pathlib import Path

from domain_secure.policy.files.atomic_file import replace, writer_lock

DOCUMENTS = Path(__file__).parents[1] / "docs"
VARIABLE = "DOMAIN_SECURE_WRITE_DOCUMENTS"

#: What is another one in each run, and what stands for it.
_PASSING = (
    (re.compile(r"\b(sha256:)[0-9a-f]{64}"), r"\1…"),
    (re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b"), "2026-12-01"),
    (re.compile(r"\b[0-9]{2}:[0-9]{2}:[0-9]{2}\b"), "09:00:00"),
)


def steady(text: str) -> str:
    """Return a transcript without what differs from run to run: dates, times and digests."""
    for pattern, instead in _PASSING:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def hold_against(document: str, name: str, transcript: str, how: str) -> None:
    """Assert that a document has this transcript under its name, or write it there; *how* makes it."""
    path = DOCUMENTS / document
    new = f"```text\n{steady(transcript)}\n```"
    begin, end = f"<!-- transcript {name}: begin -->\n", f"\n<!-- transcript {name}: end -->"
    with writer_lock(DOCUMENTS):
        before, found, rest = path.read_text().partition(begin)
        assert found, f"{path} has no place for {begin.strip()}"
        former, _, after = rest.partition(end)
        if os.environ.get(VARIABLE):
            replace(path, f"{before}{begin}{new}{end}{after}".encode())
            return
    lines = difflib.unified_diff(former.splitlines(), new.splitlines(), "document", "now", lineterm="")
    difference = "\n".join(lines)
    assert not difference, f"{path.name} shows it otherwise; {VARIABLE}=1 {how} writes it anew:\n{difference}"
