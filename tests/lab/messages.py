"""Messages to send, each of which can be found again."""

from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Message:
    """A message as octets, and the word in its Message-ID that no other message contains."""

    content: bytes
    mark: str


def compose(
    author: str, recipient: str, *headers: str, subject: str = "test", body: str = "Hello."
) -> Message:
    """Return a message; *headers* stand before the usual ones, in their order."""
    mark = uuid4().hex
    lines = [
        *headers,
        f"From: {author}",
        f"To: {recipient}",
        f"Subject: {subject}",
        "Date: Tue, 24 Nov 2026 09:00:00 +0000",
        f"Message-ID: <{mark}@lab.test>",
        "",
        body,
        "",
    ]
    return Message("\r\n".join(lines).encode(), mark)


def header_lines(content: bytes, name: str) -> list[str]:
    """Return the values of all headers of that *name* in a delivered message, unfolded."""
    head = content.decode(errors="replace").replace("\r\n", "\n").split("\n\n", 1)[0]
    unfolded = head.replace("\n\t", " ").replace("\n ", " ").split("\n")
    prefix = f"{name.lower()}:"
    return [line[len(prefix) :].strip() for line in unfolded if line.lower().startswith(prefix)]
