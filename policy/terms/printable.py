"""Text of strangers, fit for a line of a terminal or of a file.

Must not know: where it is written.
"""


def printable(text: str) -> str:
    """Return *text* with a question mark for each character that is not printable, line ends included."""
    return "".join(character if character.isprintable() else "?" for character in text)
