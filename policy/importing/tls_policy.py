"""Postfix's own TLS policy table, as the text that postmap(1) compiles or as what it lists.

Owns: which line is one entry, and what its level and attributes mean here.
Sources: postconf(5) smtp_tls_policy_maps, TLS_README ("TLS policy table", "Client TLS security levels"),
postmap(1) for the form of the text.  Postfix matches ``match=host`` exactly and ``.host`` for what lies under
it; a certificate's names for us are a name and what lies under it (``names``), or exact names (``mx``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, entry_base, parse_domain
from domain_secure.policy.terms.pin import Pin

from .proposal import Gathering, Place, Proposal, Step, Value
from .protocols import minimum_keys
from .source_text import SourceText, is_readable, unreadable

_LONGEST_KEY = 1024  #: a route has a name or an address, brackets and a port
_SEPARATORS = re.compile(r"[\s,]+")
_TOKEN = re.compile(r"\{[^{}]*\}|[^\s,{}]+")
_SHA_256 = re.compile(r"[0-9a-f]{64}")
_ROUTE = re.compile(r"\[[^\[\]]+\](?::\S+)?|[^\[\]:]+:\S+")

# What proves who the server is; the others are left out with what they are.
_PROVING = frozenset({"verify", "secure", "dane-only", "fingerprint"})
_NOT_PROVING = {
    "none": "no TLS at all: mail there is not secured, and nothing is proposed for it",
    "may": "TLS where the server has it, which proves nobody: nothing is proposed for it",
    "encrypt": (
        "encryption that proves nobody has no equivalent; ask `domain-secure probe {domain}` whether the "
        "server can prove itself, then `domain-secure send add {domain}`"
    ),
    "dane": (
        "DANE where there are TLSA records, else no proof: ask `domain-secure probe {domain}`, and where "
        "they are there `domain-secure send add {domain}` with send_method=dane"
    ),
    "half-dane": "a level of Postfix's own making, which proves nobody",
}
_WITHOUT_BEARING = frozenset({"connection_reuse"})
_OF_TLSRPT = re.compile(r"policy_|mx_host_|ttl$")
_OF_THE_HOST = frozenset({"nexthop", "dot-nexthop"})
_WORDS = _OF_THE_HOST | {"hostname"}


@dataclass(slots=True)
class _Policy:
    """One entry of the table."""

    place: Place
    key: str
    level: str
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def all_of(self, name: str) -> list[str]:
        return self.attributes.get(name, [])


@dataclass(slots=True)
class _Names:
    """What a server's certificate may be named."""

    exact: list[Domain] = field(default_factory=list)
    under: list[Domain] = field(default_factory=list)
    is_own_name: bool = False  #: the MX host's own name counts as well


def propose(sources: Iterable[SourceText], mode: Mode = Mode.ENFORCE) -> Proposal:
    """Return what these tables amount to; of two entries for one key the first counts, as for Postfix."""
    gathered = Gathering()
    seen: dict[str, Place] = {}
    lower: list[_Policy] = []
    for source in sources:
        for place, text in _logical_lines(source):
            policy = _policy(gathered, place, text)
            if policy is None:
                continue
            if (first := seen.setdefault(policy.key, place)) is not place:
                gathered.leave_out(place, policy.key, f"a second entry of this key: Postfix goes by {first}")
            elif policy.level in _PROVING:
                _take(gathered, policy)
            else:
                _leave_out(gathered, policy)
                lower.append(policy)
    _exceptions(gathered, lower)
    steps = []
    if gathered.send:
        probe = "of each of them first: whether its servers can do what was demanded"
        ours = "our table then goes before yours in smtp_tls_policy_maps, which needs no entries for these"
        steps = [
            Step("domain-secure probe DOMAIN", probe),
            Step("domain-secure attach --no-receive", ours),
        ]
    return gathered.finish(mode, steps)


def _logical_lines(source: SourceText) -> Iterator[tuple[Place, str]]:
    """Yield each entry: a line, with those that begin with white space and follow it."""
    found: list[str] = []
    number = 0
    for count, line in enumerate(source.lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and found:
            found.append(line.strip())
            continue
        if found:
            yield source.place(number), " ".join(found)
        found, number = [line.strip()], count
    if found:
        yield source.place(number), " ".join(found)


def _policy(gathered: Gathering, place: Place, text: str) -> _Policy | None:
    if not is_readable(text):
        raise unreadable(place, "this entry")
    key, *rest = text.split(None, 1)
    tokens = _TOKEN.findall(rest[0]) if rest else []
    if not tokens or _SEPARATORS.sub("", _TOKEN.sub("", rest[0])):
        gathered.leave_out(place, text[:80], "no policy: a key, a level and attributes are expected")
        return None
    if len(key) > _LONGEST_KEY:
        gathered.leave_out(place, text[:80], "no policy: its key is longer than that of any domain or route")
        return None
    policy = _Policy(place, key.casefold(), tokens[0].casefold())
    for token in tokens[1:]:
        name, equals, value = token.strip("{}").partition("=")
        name, value = name.strip().casefold(), value.strip()
        if not equals or not value:
            gathered.leave_out(place, f"{key}: {token}", "no attribute: NAME=VALUE is expected")
            return None
        policy.attributes.setdefault(name, []).append(value)
    return policy


def _leave_out(gathered: Gathering, policy: _Policy) -> None:
    reason = _NOT_PROVING.get(policy.level, "no level that is known here")
    domain = policy.key.lstrip(".") if not _ROUTE.fullmatch(policy.key) else "DOMAIN"
    gathered.leave_out(policy.place, f"{policy.key} {policy.level}", reason.format(domain=domain))


def _exceptions(gathered: Gathering, lower: Iterable[_Policy]) -> None:
    """Name what had a rule of its own below a wildcard that is proposed: here the wildcard speaks for it."""
    for policy in lower:
        parent = policy.key.lstrip(".")
        while "." in parent:
            parent = parent.split(".", 1)[1]
            if Entry(f"*.{parent}") in gathered.send:
                reason = f"*.{parent} is proposed and covers it: it will be secured as well"
                gathered.leave_out(policy.place, f"{policy.key} {policy.level}", reason)
                break


def _take(gathered: Gathering, policy: _Policy) -> None:
    if _ROUTE.fullmatch(policy.key):
        reason = (
            "the key of a route and not of a domain; for each domain that transport_maps or relayhost sends "
            "there: `domain-secure send add DOMAIN` and `domain-secure partner set DOMAIN via="
            f"{policy.key}`"
        )
        gathered.leave_out(policy.place, f"{policy.key} {policy.level}", reason)
        return
    what = f"{policy.key} {policy.level}"
    spelled = f"*{policy.key}" if policy.key.startswith(".") else policy.key
    entry = gathered.entry(policy.place, spelled, what)
    if entry is None:
        return
    keys = _keys(gathered, policy, entry)
    if keys is not None and gathered.partner(policy.place, entry, keys, what):
        gathered.send[entry] = None


def _keys(gathered: Gathering, policy: _Policy, entry: Entry) -> Mapping[str, Value] | None:
    """Return the keys of the partner's table, or None where the entry cannot be taken over."""
    keys: dict[str, Value] = {}
    if policy.level == "fingerprint":
        pins = _pins(gathered, policy)
        if not pins:
            return None
        keys |= {"send_method": "pin", "pins": pins}
    elif policy.level == "dane-only":
        keys["send_method"] = "dane"
    else:
        keys |= _name_keys(gathered, policy, entry)
    minimum = minimum_keys(":".join(policy.all_of("protocols")))
    keys |= minimum.keys
    for reason in minimum.differences:
        gathered.leave_out(
            policy.place, f"{policy.key}: protocols={':'.join(policy.all_of('protocols'))}", reason
        )
    keys |= _other_keys(gathered, policy, entry)
    return keys


def _pins(gathered: Gathering, policy: _Policy) -> tuple[str, ...]:
    """Return both pins of each fingerprint: Postfix compares it with the certificate's and with the key's."""
    found: list[str] = []
    for written in policy.all_of("match"):
        for one in filter(None, (part.strip() for part in written.split("|"))):
            digest = one.replace(":", "").casefold()
            if _SHA_256.fullmatch(digest):
                found += [str(Pin.certificate(digest)), str(Pin.public_key(digest))]
            else:
                octets = f"{len(digest) // 2} octets" if re.fullmatch(r"[0-9a-f]+", digest) else "no digest"
                reason = f"no SHA-256 digest ({octets}): take it anew, with `domain-secure probe DOMAIN`"
                gathered.leave_out(policy.place, f"{policy.key}: match={one}", reason)
    if not found:
        reason = "no fingerprint that can be taken over, so that nothing is proposed for it"
        gathered.leave_out(policy.place, f"{policy.key} fingerprint", reason)
    return tuple(dict.fromkeys(found))


def _name_keys(gathered: Gathering, policy: _Policy, entry: Entry) -> Mapping[str, Value]:
    base = entry_base(entry)
    written = [word for one in policy.all_of("match") for word in one.split(":") if word]
    if not written:
        written = ["hostname"] if policy.level == "verify" else ["nexthop", "dot-nexthop"]
    names = _names(gathered, policy, entry, written)
    what = f"{policy.key}: match={':'.join(written)}"
    if names.is_own_name:
        reason = (
            "the MX host's own name, which DNS says without proof, does not count here; where its servers "
            f"are named otherwise than {base}, set `mx` of that partner: ask `domain-secure probe {base}`"
        )
        gathered.leave_out(policy.place, what, reason)
    if entry != Entry(base) and _OF_THE_HOST & {word.casefold() for word in written}:
        reason = f"there each host had to be named as itself; here any name at or under {base} counts"
        gathered.leave_out(policy.place, what, reason)
    exact, under = dict.fromkeys(names.exact), dict.fromkeys(names.under)
    if not under:
        return {"mx": tuple(exact)} if exact else {}
    if exact.keys() != under.keys():
        reason = "here a name and what lies under it go together: both count for each of these names"
        gathered.leave_out(policy.place, what, reason)
    every = tuple({**under, **exact})
    return {} if every == (base,) else {"send_names": every}


def _names(gathered: Gathering, policy: _Policy, entry: Entry, written: Iterable[str]) -> _Names:
    base, names = entry_base(entry), _Names()
    for word in written:
        match word.casefold():
            case "hostname":
                names.is_own_name = True
            case "nexthop":
                names.exact.append(base)
                if entry != Entry(base):  # of a host below, the name is one that lies under it
                    names.under.append(base)
            case "dot-nexthop":
                names.under.append(base)
            case folded:
                try:
                    name = parse_domain(folded.removeprefix("."))
                except InvalidDomainError as error:
                    gathered.leave_out(policy.place, f"{policy.key}: match={word}", f"no name: {error}")
                    continue
                (names.under if folded.startswith(".") else names.exact).append(name)
    return names


def _other_keys(gathered: Gathering, policy: _Policy, entry: Entry) -> Mapping[str, Value]:
    keys: dict[str, Value] = {}
    for name, values in policy.attributes.items():
        what = f"{policy.key}: {name}={' '.join(values)}"
        if name in {"match", "protocols"}:
            if name == "match" and policy.level == "dane-only":
                gathered.leave_out(policy.place, what, "Postfix ignores it at this level, and so do we")
        elif name == "servername":
            keys |= _servername(gathered, policy, entry, values[-1], what)
        elif name == "tafile" and len(values) == 1 and policy.level in {"verify", "secure"}:
            keys["send_ca_file"] = values[0]
        elif name == "tafile":
            gathered.leave_out(policy.place, what, "put these authorities into one file: send_ca_file")
        elif name in {"ciphers", "exclude"}:
            reason = "which suites are offered: smtp_tls_mandatory_ciphers; broken ones are refused"
            gathered.leave_out(policy.place, what, reason)
        elif name == "enable_rpk":
            gathered.leave_out(policy.place, what, "a raw public key is no certificate, and is not accepted")
        elif name in _WITHOUT_BEARING or _OF_TLSRPT.match(name):
            gathered.set_aside(policy.place, name, policy.key)
        else:
            gathered.leave_out(policy.place, what, "unknown here: look up whether it demands anything")
    return keys


def _servername(
    gathered: Gathering, policy: _Policy, entry: Entry, value: str, what: str
) -> Mapping[str, Value]:
    word = value.casefold()
    if word == "nexthop" and not entry.startswith("*."):
        return {"servername": str(entry)}
    if word in _WORDS:
        gathered.leave_out(policy.place, what, "a name for each host has no equivalent: none is sent")
        return {}
    return {"servername": value}
