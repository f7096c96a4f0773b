"""Text of strangers, fit for a line of a terminal or of a file, and, where that is wanted, for others' eyes.

Must not know: where it is written.
Source: RFC 5321 section 4.1.2 (Mailbox), for what a local part may look like.
"""

import re

# A quoted string, or everything up to a delimiter that no unquoted local part holds.
_LOCAL_PART = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|[^\s,;="<>:@()]+)@""")
REDACTED = "…"


def printable(text: str) -> str:
    """Return *text* with a question mark for each character that is not printable, line ends included."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)


def without_local_parts(text: str) -> str:
    """Return *text* with ``…`` in place of the local part of each address; domains stay."""
    return _LOCAL_PART.sub(f"{REDACTED}@", text)
