"""A message in a file, as Postfix would show it to the daemon."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.claims.claims import HEADER_NAMES, header_claims
from domain_secure.policy.dkim.dkim_signature import Field
from domain_secure.policy.dkim.signed_message import SignedMessage
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem

# field-name = 1*ftext; what does not begin with one ends the header, as in Postfix.    RFC 5322 section 2.2
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)(?:\r\n|\Z)")
_LINE_END = re.compile(rb"\r?\n")


@dataclass(frozen=True, slots=True)
class MessageFile:
    """Header fields, and the body with line ends of CR LF."""

    fields: tuple[Field, ...]
    body: bytes

    @classmethod
    def read(cls, path: Path) -> "MessageFile":
        """Return the message in a file, ``-`` for standard input; raises Problem."""
        try:
            content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        except OSError as error:
            what = f"cannot read the message ({error.strerror})"
            raise Problem(what, str(path), "name a readable file") from error
        return cls.parse(content)

    @classmethod
    def parse(cls, content: bytes) -> "MessageFile":
        """Return the message that *content* is."""
        text = _LINE_END.sub(b"\r\n", content)
        fields: list[Field] = []
        position = 0
        while (match := _FIELD.match(text, position)) is not None:
            fields.append((match[1], match[2]))
            position = match.end()
        return cls(tuple(fields), text[position:].removeprefix(b"\r\n"))

    def claims(self, receive: DomainList) -> frozenset[Claim]:
        """Return the listed domains that the author fields claim."""
        found: frozenset[Claim] = frozenset()
        for name, body in self.fields:
            decoded = name.decode("ascii")
            if decoded.lower() in HEADER_NAMES:
                found |= header_claims(decoded, body, receive)
        return found

    def signed(self, claims: frozenset[Claim]) -> SignedMessage:
        """Return the message, ready for its signatures to be checked."""
        message = SignedMessage()
        for name, body in self.fields:
            message.add_field(name, body)
        message.begin_body(claims)
        message.add_body(self.body)
        return message
