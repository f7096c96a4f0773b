"""Programs that read author fields for people, asked which domains they see in one.

Owns: how each is asked; a reader that is not installed is named, and asked nothing.
Must not know: what the product makes of a field.
Each gets the field as octets and answers, for each field, the domains of the addresses it shows.
"""

import base64
import json
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.policy import default
from email.utils import getaddresses
from functools import cache

from . import dovecot_reader

Domains = frozenset[str]

# One field in each line, in base64; a line of JSON for each, with its addresses.
_EMAIL_ADDRESS_XS = r"""
use Email::Address::XS; use MIME::Base64; use JSON::PP;
while (my $line = <STDIN>) {
    my @parsed = eval { Email::Address::XS->parse(decode_base64($line)) };
    my @found = map { defined $_->host ? "@" . $_->host : () } @parsed;
    print encode_json(\@found), "\n";
}
"""
_MAIL_ADDRESS = r"""
use Mail::Address; use MIME::Base64; use JSON::PP;
while (my $line = <STDIN>) {
    my @found = eval { map { $_->address } Mail::Address->parse(decode_base64($line)) };
    print encode_json(\@found), "\n";
}
"""
_ADDRESSPARSER = r"""
const read = require("addressparser");
const flat = list => list.flatMap(one => one.group ? flat(one.group) : [one.address]);
require("readline").createInterface({input: process.stdin}).on("line", line => {
    let found = [];
    try { found = flat(read(Buffer.from(line, "base64").toString("utf8"))); } catch (error) {}
    console.log(JSON.stringify(found));
});
"""
_RUBY_MAIL = r"""
require "mail"; require "json"; require "base64"
STDIN.each_line do |line|
  text = Base64.decode64(line).force_encoding("UTF-8").scrub
  found = begin
    [text, Mail::Encodings.value_decode(text)].uniq.flat_map do |one|
      Mail::AddressList.new(one).addresses.map { |address| "@#{address.domain}" }
    end
  rescue StandardError
    []
  end
  puts JSON.generate(found)
end
"""


@dataclass(frozen=True)
class Reader:
    """One program or library."""

    name: str
    read: Callable[[Sequence[bytes]], list[Domains]]
    present: Callable[[], bool]


def domains(addresses: Iterable[str | None]) -> Domains:
    """Return what stands behind the last at sign of each address, as a mail program compares it."""
    found = (one.rpartition("@") for one in addresses if one)
    return frozenset(domain.strip().rstrip(".").lower() for _, at, domain in found if at)


def _getaddresses(*, strict: bool) -> Callable[[Sequence[bytes]], list[Domains]]:
    def read(fields: Sequence[bytes]) -> list[Domains]:
        return [
            domains(address for text in _texts(field) for _, address in getaddresses([text], strict=strict))
            for field in fields
        ]

    return read


def _texts(field: bytes) -> set[str]:
    text = field.decode("utf-8", "replace")
    found = {text}
    with suppress(HeaderParseError, LookupError, ValueError, MessageError):
        found.add(str(make_header(decode_header(text))))
    return found


def _header_registry(fields: Sequence[bytes]) -> list[Domains]:
    return list(map(_registered, fields))


def _registered(field: bytes) -> Domains:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = message_from_bytes(b"From: " + field + b"\r\n\r\n", policy=default)["From"]
            return domains(one.addr_spec for one in header.addresses)
    except (IndexError, AttributeError, ValueError, TypeError, LookupError, RecursionError, MessageError):
        return frozenset()  # Some fields are beyond it.


def _program(*command: str) -> Callable[[Sequence[bytes]], list[Domains]]:
    def read(fields: Sequence[bytes]) -> list[Domains]:
        done = subprocess.run(
            command,
            input=b"".join(base64.b64encode(field) + b"\n" for field in fields),
            capture_output=True,
            check=True,
            env={"NODE_PATH": "/usr/share/nodejs", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        found = [domains(json.loads(line)) for line in done.stdout.splitlines()]
        assert len(found) == len(fields)
        return found

    return read


def _runs(*command: str) -> Callable[[], bool]:
    @cache
    def runs() -> bool:
        if shutil.which(command[0]) is None:
            return False
        environment = {"NODE_PATH": "/usr/share/nodejs", "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, capture_output=True, check=False, env=environment).returncode == 0

    return runs


def _dovecot(fields: Sequence[bytes]) -> list[Domains]:
    messages = [b"From: " + field + b"\r\nSubject: x\r\n\r\nHello.\r\n" for field in fields]
    return [domains(f"@{host}" for host in hosts) for hosts in dovecot_reader.shown_hosts(messages)]


READERS = (
    Reader("Python's email.utils", _getaddresses(strict=False), lambda: True),
    Reader("Python's email.utils, strict", _getaddresses(strict=True), lambda: True),
    Reader("Python's email.policy", _header_registry, lambda: True),
    Reader(
        "Perl's Email::Address::XS",
        _program("perl", "-e", _EMAIL_ADDRESS_XS),
        _runs("perl", "-MEmail::Address::XS", "-e", "1"),
    ),
    Reader(
        "Perl's Mail::Address",
        _program("perl", "-e", _MAIL_ADDRESS),
        _runs("perl", "-MMail::Address", "-e", "1"),
    ),
    Reader(
        "Node's addressparser",
        _program("node", "-e", _ADDRESSPARSER),
        _runs("node", "-e", "require('addressparser')"),
    ),
    Reader("Ruby's mail", _program("ruby", "-e", _RUBY_MAIL), _runs("ruby", "-e", "require 'mail'")),
    Reader("Dovecot", _dovecot, dovecot_reader.is_present),
)
