"""What Postfix understands of the octets that a milter sends."""

import struct
from dataclasses import dataclass, field


@dataclass
class Answers:
    """The changes of a message that were asked for, in order, and the last word."""

    last: bytes = b""  #: the command of the last packet
    reply: str = ""
    added: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, int]] = field(default_factory=list)  #: header fields
    removed_recipients: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, octets: bytes) -> "Answers":
        """Return what whole packets say."""
        answers = cls()
        while octets:
            (length,) = struct.unpack_from("!I", octets)
            assert 1 <= length <= len(octets) - 4
            answers._take(octets[4:5], octets[5 : 4 + length])
            octets = octets[4 + length :]
        return answers

    def _take(self, command: bytes, data: bytes) -> None:
        assert self.last in {b"", b"i", b"m", b"-"}, "something comes after the last word"
        self.last = command
        if command == b"i":
            name, value, rest = data[4:].split(b"\0")
            assert (data[:4], rest) == (b"\0\0\0\0", b"")
            self.added.insert(0, (name.decode(), value.decode()))
        elif command == b"m":
            name, value, rest = data[4:].split(b"\0")
            assert (value, rest) == (b"", b"")
            self.removed.append((name.decode(), struct.unpack("!I", data[:4])[0]))
        elif command == b"-":
            self.removed_recipients.append(data.removesuffix(b"\0").decode())
        elif command == b"y":
            self.reply = data.removesuffix(b"\0").decode().replace("%%", "%")
        else:
            assert not data
