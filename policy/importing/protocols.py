"""Which TLS versions a setting allows, as other mail servers write it, and what that is here.

Sources: postconf(5) smtp_tls_mandatory_protocols (``>=TLSv1.2``, ``!SSLv3``, lists with colons or commas).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import DEFAULT_MINIMUM_TLS
from domain_secure.policy.terms.tls import TlsVersion

_SEPARATORS = re.compile(r"[\s,:]+")
_BY_NAME = {str(version).casefold(): version for version in TlsVersion} | {"tlsv1.0": TlsVersion.TLS_1_0}
_NUMBER = re.compile(r"(?:0x)?(?P<digits>03[0-9a-f]{2})")
#: Too old to be spoken of: excluding or allowing it changes nothing.
_GONE = frozenset({"sslv2"})


@dataclass(frozen=True, slots=True)
class Minimum:
    """The keys of a partner's table, and what is otherwise there, one clause each."""

    keys: Mapping[str, str]
    differences: tuple[str, ...] = ()


def minimum_keys(written: str) -> Minimum:
    """Return what a list of protocol versions is here; an empty one says nothing."""
    allowed, unknown = _allowed(written)
    if unknown:
        return Minimum({}, (f"{unknown} is no version that is known here",))
    if not allowed:
        return Minimum({}, ("it allows no version that is known here",))
    lowest = min(allowed)
    differences = []
    if written and lowest < DEFAULT_MINIMUM_TLS:
        differences.append(
            f"{DEFAULT_MINIMUM_TLS} is demanded here; minimum_tls={lowest} of this partner allows what was "
            "allowed"
        )
    if allowed != {one for one in TlsVersion if one >= lowest}:
        differences.append("a version that is left out above the lowest has no equivalent")
    keys = {"minimum_tls": str(lowest)} if lowest > DEFAULT_MINIMUM_TLS else {}
    return Minimum(keys, tuple(differences))


def _allowed(written: str) -> tuple[set[TlsVersion], str]:
    """Return the versions, and the first word that is none."""
    named: set[TlsVersion] = set()
    allowed = set(TlsVersion)
    for word in filter(None, _SEPARATORS.split(written.casefold())):
        bare = word.lstrip("<>=!")
        sign = word[: len(word) - len(bare)]
        if bare in _GONE and sign in {"", "!"}:
            continue
        version = _version(bare)
        if version is None or sign not in {"", "!", ">=", "<="}:
            return set(), word
        if sign == "!":
            allowed.discard(version)
        elif sign == ">=":
            allowed = {one for one in allowed if one >= version}
        elif sign == "<=":
            allowed = {one for one in allowed if one <= version}
        else:
            named.add(version)
    return allowed & named if named else allowed, ""


def _version(word: str) -> TlsVersion | None:
    if word in _BY_NAME:
        return _BY_NAME[word]
    match = _NUMBER.fullmatch(word)
    number = int(match["digits"], 16) if match else 0
    return TlsVersion(number) if number in set(TlsVersion) else None
