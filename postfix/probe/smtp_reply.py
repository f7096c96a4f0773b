"""The grammar of SMTP replies, as a client reads them from a server it does not trust.

Owns: where a reply ends, and when it is none.
Must not know: sockets, and what a reply means.
Source: RFC 5321 section 4.2.  Lines that end in a bare LF are read too, as Postfix's own client does.
"""

import re
from dataclasses import dataclass

# RFC 5321 section 4.5.3.1.5 wants 512 octets a line; Postfix's line_length_limit is 2048, so is ours.
LINE_LIMIT = 2048
# The longest greetings and answers to EHLO have some thirty lines.
LINES_LIMIT = 128

# Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class MalformedReplyError(ValueError):
    """What the server sent is no reply; the argument says why, in one clause."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, and the text of each line; octets outside printable ASCII are shown escaped."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return it on one line, short enough for a log."""
        return f"{self.code} {' / '.join(self.lines)}"[:200]

    def offers(self, keyword: str) -> bool:
        """Tell whether a reply to EHLO names the extension *keyword* (RFC 5321 section 4.1.1.1)."""
        return any(line.split(" ", 1)[0].upper() == keyword for line in self.lines[1:])


class ReplyReader:
    """Puts one reply together from octets in pieces of any size; holds no more than the limits allow."""

    def __init__(self) -> None:
        self._code: int | None = None
        self._lines: list[str] = []
        self.rest = b""  #: what is no whole line yet, or came behind the reply

    def feed(self, octets: bytes) -> Reply | None:
        """Return the reply once it is whole, else None; raises MalformedReplyError."""
        self.rest += octets
        while b"\n" in self.rest:
            line, self.rest = self.rest.split(b"\n", 1)
            if self._take(line.removesuffix(b"\r")):
                reply = Reply(self._code or 0, tuple(self._lines))
                self._code, self._lines = None, []
                return reply
        if len(self.rest) > LINE_LIMIT:
            raise MalformedReplyError(f"a line of a reply is longer than {LINE_LIMIT} octets")
        return None

    def _take(self, line: bytes) -> bool:
        """Add one line; return whether it is the last one."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise MalformedReplyError(f"it does not speak SMTP: {_shown(line)!r}")
        if len(line) > LINE_LIMIT:
            raise MalformedReplyError(f"a line of a reply is longer than {LINE_LIMIT} octets")
        if len(self._lines) == LINES_LIMIT:
            raise MalformedReplyError(f"a reply has more than {LINES_LIMIT} lines")
        code = int(match[1])
        if self._code not in {None, code}:
            raise MalformedReplyError(f"a reply has two codes, {self._code} and {code}")
        self._code = code
        self._lines.append(_shown(match[3] or b""))
        return match[2] != b"-"


def _shown(octets: bytes) -> str:
    text = octets[:LINE_LIMIT].decode("ascii", "backslashreplace")
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
