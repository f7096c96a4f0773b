"""MTA-STS: what a domain asks of those who send to it.

Owns: the grammar of the TXT record and of the policy file.
Must not know: DNS, HTTP.
Invariant: what is not exactly a policy is InvalidPolicyError and never a weaker policy.
Source: RFC 8461 sections 3.1 and 3.2.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from domain_secure.policy.terms.domain import Domain, InvalidDomainError, parse_domain

#: RFC 8461 section 3.3: senders "SHOULD impose a limit on the maximum size", 64 kilobytes as an example.
MAXIMUM_OCTETS = 64 * 1024
_MAXIMUM_AGE = 31557600  # section 3.2: "maximum value of 31557600"
_HOSTS_LIMIT = 100

# sts-field-delim = *WSP ";" *WSP; sts-text-record = sts-version 1*(sts-field-delim sts-field)
#     [sts-field-delim]; sts-id = "id" *WSP "=" *WSP 1*32(ALPHA / DIGIT)
_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*=[ \t]*([!-:<>-~]*)")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
# sts-policy-field = key *WSP ":" *WSP value
_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*?)[ \t]*")


class InvalidPolicyError(ValueError):
    """It is not a policy; the argument says why, in one clause."""


@unique
class StsMode(StrEnum):
    """What a sender that honours the policy does about a server that does not fit it."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy file."""

    mode: StsMode
    mx: tuple[str, ...]  #: names, or ``*.`` and a name
    max_age: int  #: seconds

    def allows(self, host: Domain) -> bool:
        """Tell whether *host* is one of the policy's (section 4.1: a wildcard is for one label)."""
        return any(
            pattern[2:] == host.partition(".")[2] if pattern.startswith("*.") else pattern == host
            for pattern in self.mx
        )


def record_id(texts: Iterable[str]) -> str | None:
    """Return the id in a domain's TXT records at ``_mta-sts``, or None where it has no policy.

    Records that do not begin with the version are somebody else's; with two that do, there is no policy
    (section 3.1).
    """
    ours = [text for text in texts if re.match(r"v=STSv1[ \t]*(;|\Z)", text)]
    if len(ours) != 1:
        return None
    fields = [part.strip(" \t") for part in ours[0].split(";")]
    for field in fields[1:]:
        match = _FIELD.fullmatch(field)
        if match is not None and match[1] == "id" and _ID.fullmatch(match[2]):
            return match[2]
    return None


def parse_policy(content: bytes) -> StsPolicy:
    """Return the policy in a file; raises InvalidPolicyError."""
    if len(content) > MAXIMUM_OCTETS:
        raise InvalidPolicyError(f"it is larger than {MAXIMUM_OCTETS // 1024} KiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidPolicyError("it is not UTF-8") from error
    values: dict[str, str] = {}
    mx: list[str] = []
    for number, line in enumerate(re.split(r"\r?\n", text), start=1):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidPolicyError(f"line {number} is not a key and a value")
        key, value = match[1], match[2]
        if key == "mx":
            mx.append(_pattern(value, number))
        else:
            # Section 3.2: of a repeated field all but the first is ignored.
            values.setdefault(key, value)
    return _policy(values, mx)


def _policy(values: dict[str, str], mx: list[str]) -> StsPolicy:
    if values.get("version") != "STSv1":
        raise InvalidPolicyError("its version is not STSv1")
    try:
        mode = StsMode(values.get("mode", ""))
    except ValueError as error:
        raise InvalidPolicyError("its mode is none of enforce, testing and none") from error
    age = values.get("max_age", "")
    if not re.fullmatch(r"[0-9]{1,10}", age) or int(age) > _MAXIMUM_AGE:
        raise InvalidPolicyError(f"its max_age is no number of seconds up to {_MAXIMUM_AGE}")
    if not mx and mode is not StsMode.NONE:
        raise InvalidPolicyError("it names no mx")
    if len(mx) > _HOSTS_LIMIT:
        raise InvalidPolicyError(f"it names more than {_HOSTS_LIMIT} mx")
    return StsPolicy(mode, tuple(dict.fromkeys(mx)), int(age))


def _pattern(value: str, number: int) -> str:
    wildcard = "*." if value.startswith("*.") else ""
    try:
        return wildcard + parse_domain(value.removeprefix("*."))
    except InvalidDomainError as error:
        raise InvalidPolicyError(f"line {number} names no host") from error
