"""What may stand behind a key of the configuration: one parser for each kind of value.

Owns: the step from what TOML yields to typed values, and the words that say what is allowed.
Must not know: which keys there are (``settings``), and where in a file a value stands (``reading``).
Every parser raises ValueError with one clause for the operator.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.domain import Domain, is_public_suffix, parse_domain, parse_entry
from domain_secure.policy.terms.mailbox import Mailbox
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin, parse_time
from domain_secure.policy.terms.tls import TlsVersion

from .configuration import LogLevel, Network
from .kind import Kind, shown, text

# RFC 2045 section 5.1, token; RFC 8601 section 2.2 allows a quoted string too, which no known reader of
# the header relies on.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_INTERNET_SOCKET = re.compile(r"inet6?:(?P<port>[0-9]{1,5})@(?P<host>\[?[A-Za-z0-9._:-]+\]?)")
_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_ENDPOINT = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_NODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})")
_SERVICE = re.compile(r"[^\s/=]+/(?:inet|unix|unix-dgram|fifo|pass)")
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._-]+/)+")
# RFC 3986 sections 3.2.2 to 3.4, less what is read otherwise in a line of a reply: `@`, quotes, parentheses.
_HELP_URL = re.compile(
    r"https?://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?](?:[A-Za-z0-9._~!$&*+,;=:/?-]|%[0-9A-Fa-f]{2})*)?"
)
_LONGEST_HELP_URL = 150  # octets; a line of a reply has 512 (RFC 5321 section 4.5.3.1.5), and says why first
_UNIX_PATH_LIMIT = 107  # unix(7): sun_path holds 108 bytes, the last one NUL
_LONGEST_WAIT = (
    60  # seconds; a sending server that waits longer may give up the session (RFC 5321 section 4.5.3.2)
)
_MOST_DAYS = 3650
_MOST_ANSWERS = 10_000
_SOONEST_REFRESH = 300  # seconds; strangers' servers are asked
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}  # postconf(5)
_LEAST_MEGABYTES, _MOST_MEGABYTES = 8, 65536


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")  # noqa: TRY004 - as above
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number of seconds")  # noqa: TRY004 - as above
    # TOML has nan and inf; neither passes this comparison.
    if not 0 <= value <= _LONGEST_WAIT:
        raise ValueError(f"{value} is not between 0 and {_LONGEST_WAIT}")
    return float(value)


def _duration(value: object) -> float:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhdw])", text(value))
    if match is None:
        raise ValueError(f"{value!r} is not a time")
    return float(int(match[1]) * _UNIT_SECONDS[match[2]])


def _refresh(value: object) -> float:
    if _duration(value) < _SOONEST_REFRESH:
        raise ValueError(f"{value!r} is less than five minutes")
    return _duration(value)


def _part(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number")  # noqa: TRY004 - as above
    if not 0 <= value <= 1:  # also refuses nan
        raise ValueError(f"{value:g} is not from 0 to 1")
    return float(value)


def _whole(lowest: int, highest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{shown(value)} is not a whole number")  # noqa: TRY004 - as above
        if not lowest <= value <= highest:
            raise ValueError(f"{value} is not between {lowest} and {highest}")
        return value

    return parse


def _certificate_name(value: object) -> Domain:
    name = parse_domain(text(value))
    if is_public_suffix(name):
        raise ValueError(f"{value!r} is a public suffix: names below it belong to unrelated organisations")
    return name


def _network(value: object) -> Network:
    written = text(value)
    if "/" not in written:
        return ip_network(ip_address(written))
    try:
        return ip_network(written)
    except ValueError as error:
        try:
            intended = ip_network(written, strict=False)
        except ValueError:
            raise error from None
        raise ValueError(
            f"{written!r} has bits set behind its prefix length; the network is {intended}"
        ) from error


def _socket(value: object) -> str:
    notation = text(value)
    if notation.startswith("unix:/"):
        if len(notation.removeprefix("unix:").encode()) > _UNIX_PATH_LIMIT:
            raise ValueError(f"the path in {notation!r} is longer than {_UNIX_PATH_LIMIT} bytes")
        return notation
    match = _INTERNET_SOCKET.fullmatch(notation)
    if not match:
        raise ValueError(f"{notation!r} is no socket")
    _port(match["port"])
    return notation


def _port(digits: str) -> int:
    if not 1 <= int(digits) <= 65535:
        raise ValueError(f"{digits} is not a port")
    return int(digits)


def _listen(value: object) -> tuple[str, int]:
    match = _LISTEN.fullmatch(text(value))
    if not match:
        raise ValueError(f"{value!r} is not host:port")
    host = match["host"].strip("[]")
    if host != "localhost":
        ip_address(host)
    return host, _port(match["port"])


def _token(value: object) -> str:
    if not _TOKEN.fullmatch(text(value)):
        raise ValueError(f"{value!r} is not an authserv-id (RFC 8601 section 2.2)")
    return text(value)


def _service(value: object) -> str:
    if not _SERVICE.fullmatch(text(value)):
        raise ValueError(f"{value!r} is not NAME/TYPE of a service in master.cf")
    return text(value)


def _service_level(value: object) -> tuple[str, LogLevel]:
    service, equals, level = text(value).rpartition("=")
    if not equals or level not in set(LogLevel):
        raise ValueError(f"{value!r} is not NAME/TYPE=LEVEL")
    return _service(service), LogLevel(level)


def _log(value: object) -> str:
    source = text(value)
    if source not in {"auto", "journal"} and not source.startswith("/"):
        raise ValueError(f"{source!r} is no log")
    return source


def _endpoint(value: object) -> str:
    match = _ENDPOINT.fullmatch(text(value))
    if not match:
        raise ValueError(f"{value!r} is not the URL of an etcd server")
    _port(match["port"])
    return text(value)


def _help_url(value: object) -> str:
    url = text(value)
    match = _HELP_URL.fullmatch(url)
    if match is None:
        if "#" in url:
            raise ValueError(f"{url!r} has a fragment, and the reason word becomes one")
        raise ValueError(f"{url!r} is not the URL of a page")
    if len(url) > _LONGEST_HELP_URL:
        raise ValueError(f"the URL has {len(url)} octets, and a reply has room for {_LONGEST_HELP_URL}")
    host = match["host"]
    if host[0] == "[" or host.replace(".", "").isdigit():
        ip_address(host.strip("[]"))
    else:
        parse_domain(host)
    if match["port"] is not None:
        _port(match["port"])
    return url


def _prefix(value: object) -> str:
    if not _PREFIX.fullmatch(text(value)):
        raise ValueError(f"{value!r} is not a prefix of keys")
    return text(value)


def is_node_name(name: str) -> bool:
    """Tell whether a node may be called so."""
    return _NODE.fullmatch(name) is not None


def node_name(value: object) -> str:
    """Return the name of a node; raises ValueError.  It becomes part of a key that etcd's roles name."""
    if not _NODE.fullmatch(text(value)):
        raise ValueError(f"{value!r} is not the name of a node")
    return text(value)


def _mailbox(value: object) -> str:
    return Mailbox.parse(text(value)).folded


BOOLEAN = Kind("true or false", _boolean)
SECONDS = Kind(f"seconds, from 0 to {_LONGEST_WAIT}", _seconds)
DURATION = Kind("a number and one of s, m, h, d and w, such as `4h`", _duration, example='"4h"')
REFRESH = Kind("a number and one of s, m, h, d and w, from `5m` on", _refresh, example='"1h"')
PART = Kind("a part, from 0 to 1", _part)
DAYS = Kind(f"days, from 1 to {_MOST_DAYS}", _whole(1, _MOST_DAYS))
NUMBER = Kind(f"a number from 1 to {_MOST_ANSWERS}", _whole(1, _MOST_ANSWERS), example="10")
MEGABYTES = Kind(
    f"megabytes, from {_LEAST_MEGABYTES} to {_MOST_MEGABYTES}", _whole(_LEAST_MEGABYTES, _MOST_MEGABYTES)
)
PATH = Kind(
    "a path; a relative one starts at the folder of this file",
    lambda value: Path(text(value)),
    example='"/etc/domain-secure/FILE"',
)
ENTRY = Kind(
    "a domain, or `*.` and a domain for all its subdomains",
    lambda value: parse_entry(text(value)),
    example='"woodgrovebank.test"',
)
CERTIFICATE_NAME = Kind("a domain or host name", _certificate_name, example='"mail.woodgrovebank.test"')
HOST = Kind("a host name", lambda value: parse_domain(text(value)), example='"mx.woodgrovebank.test"')
MAILBOX = Kind("an address, `local-part@domain`", _mailbox, example='"reflector@contoso.test"')
NEXTHOP = Kind(
    "`[host]`, `[host]:port`, or without brackets for the MX hosts of that name",
    lambda value: Nexthop.parse(text(value)),
    example='"[relay.woodgrovebank.test]"',
)
NETWORK = Kind("an IP address or a network such as `192.0.2.0/24`", _network, example='"192.0.2.0/24"')
PIN = Kind("`sha256:` or `spki-sha256:` and 64 hexadecimal digits", lambda value: Pin.parse(text(value)))
TIMED_PIN = Kind(
    "a pin, and behind it `from` and a time, `until` and a time, or both, such as "
    "`spki-sha256:… from 2027-01-31T12:00:00Z`",
    lambda value: TimedPin.parse(text(value)),
)
TIME = Kind(
    "a time with its zone, such as `2027-01-31T12:00:00Z`",
    lambda value: parse_time(text(value)),
    example='"2027-01-31T12:00:00Z"',
)
TLS_VERSION = Kind(
    ", ".join(f'"{version}"' for version in TlsVersion), lambda value: TlsVersion.parse(text(value))
)
SOCKET = Kind("`unix:/path` or `inet:port@host`", _socket, example='"unix:/run/domain-secure/socket"')
LISTEN = Kind("an IP address and a port, such as `127.0.0.1:9797`", _listen)
AUTHSERV_ID = Kind(
    "a word without spaces, usually this server's host name", _token, example='"mx1.contoso.test"'
)
SERVICE = Kind("`NAME/TYPE` of a service in master.cf", _service, example='"pickup/unix"')
SERVICE_LEVEL = Kind(
    "`NAME/TYPE=LEVEL`, of a service in master.cf", _service_level, example='"submission/inet=off"'
)
LOG = Kind('"auto", "journal" or the absolute path of a file', _log)
ENDPOINT = Kind(
    "`https://HOST:PORT` of an etcd server", _endpoint, example='"https://etcd1.contoso.test:2379"'
)
HELP_URL = Kind(
    f"`https://` or `http://`, a host and a path, in ASCII, up to {_LONGEST_HELP_URL} octets, without `#`",
    _help_url,
    example='"https://www.contoso.test/refused"',
)
PREFIX = Kind("a path that begins and ends with `/`", _prefix)
NODE_NAME = Kind("up to 63 letters, digits, `.`, `_` and `-`", node_name, example='"mx1"')
WORD = Kind("a word", text, example='"mx1"')
PUBLIC_KEY = Kind(
    "`ed25519:` and the key in base64",
    lambda value: PublicKey.parse(text(value)),
    example='"ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="',
)
