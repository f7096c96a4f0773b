"""Who may ask the daemon over HTTP.

Owns: the token, and the names by which a browser may call us.
Invariants: without a token only a name of this machine, or one that was configured, is answered: a page on
the Internet whose name suddenly means 127.0.0.1 (DNS rebinding) gets nothing.  With a token it alone decides,
and comparing takes the same time whatever was sent.
Sources: RFC 9110 section 7.2 (Host) and section 11 (authentication), RFC 6750, RFC 7617.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from domain_secure.policy.terms.problems import Problem

_LEAST = 16  #: characters; what is shorter can be guessed over the network
_OTHERS = 0o007


def read_token(path: Path) -> str:
    """Return the token in a file; raises Problem where it is short, or open to everybody."""
    where = f"metrics.token_file = {path}"
    try:
        token = path.read_text().strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        fix = "make it readable for the user of the daemon, and for root"
        raise Problem(f"cannot read the token ({error})", where, fix) from error
    if mode & _OTHERS:
        fix = f"chgrp domain-secure {path}; chmod 640 {path}"
        raise Problem("everybody on this machine may read the token", where, fix)
    if len(token) < _LEAST or not token.isascii() or not token.isprintable():
        fix = f"openssl rand -hex 32 >{path}"
        raise Problem(f"the token is not {_LEAST} printable characters of ASCII or more", where, fix)
    return token


class Access:
    """Judges the headers of one request."""

    def __init__(self, token: str | None = None, host_names: Iterable[str] = ()) -> None:
        self._token = None if token is None else _digest(token)
        self._names = {"localhost", *host_names}

    def is_granted(self, authorization: str | None) -> bool:
        """Tell whether the request shows the token, as Bearer or as the password of Basic."""
        if self._token is None:
            return True
        scheme, _, credentials = (authorization or "").partition(" ")
        shown = credentials.strip()
        if scheme.lower() == "basic":
            shown = _password(shown)
        elif scheme.lower() != "bearer":
            shown = ""
        return hmac.compare_digest(_digest(shown), self._token)

    def is_addressed(self, host: str | None) -> bool:
        """Tell whether the request means this server; what is no browser may leave the name out."""
        if self._token is not None or host is None:
            return True
        name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
        name = name.lower().rstrip(".")
        if name in self._names:
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
