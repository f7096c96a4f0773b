"""What the lookup tables for Postfix say: Configuration to lines, and the type they are compiled to.

Owns: keys, results and their syntax for the running Postfix.
Must not know: files; how a table is built and put in place is ``publish``'s part.
Sources: postconf(5) smtp_tls_policy_maps, smtp_tls_secure_cert_match and smtp_tls_fingerprint_cert_match,
TLS_README "TLS policy table", transport(5), access(5), DATABASE_README.

The keys follow from how Postfix looks up, which differs by table:

* The TLS policy is looked up by nexthop: the name itself, then ``.parent`` by ``.parent``.
* Transport and access tables are looked up likewise, unless ``parent_domain_matches_subdomains`` names them:
  then by the bare parents, and an entry cannot say whether the subdomains or the domain are meant.
* None of them converts between U-labels and A-labels, so that an internationalised domain gets all keys.
* In transport_maps an address goes before a domain: ours are there once more, as patterns of addresses.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from itertools import islice
from pathlib import Path

from domain_secure.policy.configuration.configuration import (
    Configuration,
    Partner,
    SendMethod,
    default_partner,
)
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.tls import TlsVersion
from domain_secure.postfix.instance.programs import PostfixInstance

from .domain_spellings import spellings
from .ordinary_lines import Ordinary, line_parts
from .recipient_routes import MOST_NAMES, RecipientRoute, route_patterns
from .recipient_spelling import spelling_rules

_NOBODYS = Pin.certificate("00" * 32)

TRANSPORT_SERVICE = "domain-secure"  #: the dedicated transport's name in master.cf

# DATABASE_README: of the indexed types only these are watched, so that a process restarts by itself when
# the file was replaced.  The suffix is what postmap(1) adds; dbm comes last, its two files cannot be
# replaced in one step.
SUFFIXES = {
    "hash": (".db",),
    "btree": (".db",),
    "lmdb": (".lmdb",),
    "cdb": (".cdb",),
    "dbm": (".dir", ".pag"),
}


@unique
class Table(StrEnum):
    """The tables, by file name, in the order in which they are published.

    The policy precedes the transport: no mail is drawn to the dedicated transport before its policy is there.
    """

    TLS_POLICY = "tls_policy"
    TRANSPORT = "transport"
    RECIPIENT_TRANSPORT = "recipient_transport"  #: the same routes, by whole address: see `recipient_routes`
    RECIPIENT_SPELLING = "recipient_spelling"  #: see `recipient_spelling`

    @property
    def is_of_patterns(self) -> bool:
        """Tell whether it is read as text, as regular expressions; the others are compiled by postmap(1)."""
        return self in {Table.RECIPIENT_TRANSPORT, Table.RECIPIENT_SPELLING}


PATTERN_TYPE = "regexp"  #: regexp_table(5), which every Postfix has


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the syntax of the tables depends on in the running Postfix."""

    protocol_bounds: bool  #: the lowest version may be written ``>=TLSv1.2``, instead of all that are not
    parents_match: frozenset[str]  #: parent_domain_matches_subdomains
    #: Where Postfix finds the files of ``send_ca_file``.
    authorities: Mapping[Path, str] = field(default_factory=dict)
    transitional: bool = False  #: enable_idna2003_compatibility
    #: Where Postfix finds what is left of ``[trust] ca_file``; None: nothing in it is distrusted.
    common_authorities: str | None = None
    distrusted: frozenset[Pin] = frozenset()

    @classmethod
    def of(cls, instance: PostfixInstance) -> "Dialect":
        """Ask the instance; raises Problem when it cannot be asked."""
        features = instance.parameter("parent_domain_matches_subdomains")
        # A release that understands the bound has one as its own default (postconf(5)).
        bounds = instance.default("smtp_tls_mandatory_protocols").startswith(">=")
        transitional = instance.parameter("enable_idna2003_compatibility", "no") == "yes"
        return cls(bounds, frozenset(features.replace(",", " ").split()), transitional=transitional)


def choose_map_type(default: str, available: Collection[str]) -> str:
    """Return the table type to compile to: Postfix's default, if a replaced file of that type is noticed.

    Raises Problem when Postfix has none of the types that need no reload.
    """
    for map_type in (default, *SUFFIXES):
        if map_type in SUFFIXES and map_type in available:
            return map_type
    raise Problem(
        f"this Postfix has none of the table types {', '.join(SUFFIXES)}",
        "postconf -m",
        "install one, on Debian with: apt-get install postfix-lmdb",
    )


def map_type(instance: PostfixInstance) -> str:
    """Return the table type that attach names; raises Problem as `choose_map_type` does."""
    return choose_map_type(instance.parameter("default_database_type"), instance.map_types)


def generated_type(instance: PostfixInstance, state: Path) -> str:
    """Return the table type to generate: the one by which Postfix reads our tables, if it has that type.

    An upgrade of Postfix may change its default; what it goes on reading is kept up to date all the same.
    Raises Problem as `choose_map_type` does.
    """
    preferred, available = map_type(instance), instance.map_types
    named = [kind for kind in named_types(instance, state) if kind in available and kind in SUFFIXES]
    return preferred if preferred in named or not named else named[0]


def named_types(instance: PostfixInstance, state: Path) -> tuple[str, ...]:
    """Return the types by which main.cf and master.cf name our tables, main.cf's first; none twice."""
    settings = instance.parameters("smtp_tls_policy_maps", "transport_maps")
    texts = [*settings.values(), *(text for one in instance.services() for text in one.overrides.values())]
    paths = "|".join(re.escape(str(table_path(state, table))) for table in Table)
    pattern = re.compile(rf"([a-z]+):(?:{paths})(?![\w./-])")
    return tuple(dict.fromkeys(kind for text in texts for kind in pattern.findall(text)))


def table_path(state: Path, table: Table) -> Path:
    """Return where the source text of a table lies; the compiled file is named after it."""
    return state / "maps" / table


def table_name(map_type: str, state: Path, table: Table) -> str:
    """Return the table as Postfix's settings name it, ``hash:/var/lib/domain-secure/maps/transport``."""
    return f"{PATTERN_TYPE if table.is_of_patterns else map_type}:{table_path(state, table)}"


def lines_of(table: Table, configuration: Configuration, dialect: Dialect) -> Iterator[str]:
    """Yield a table's lines, ``key<TAB>result`` without a line end, in the order of the list.

    Nothing is held in memory but the line.  Raises Problem for a rule that has no correct line.
    """
    makers: dict[Table, Callable[[Configuration, Dialect], Iterator[str]]] = {
        Table.TLS_POLICY: _policy_lines,
        Table.TRANSPORT: _transport_lines,
        Table.RECIPIENT_TRANSPORT: _recipient_transport_lines,
        Table.RECIPIENT_SPELLING: _recipient_spelling_lines,
    }
    return makers[table](configuration, dialect)


def keys_of(entry: Entry) -> tuple[str, ...]:
    """Return an entry's keys where ``.domain`` means the subdomains: A-labels, then U-labels."""
    base = entry_base(entry)
    dot = "." if entry.startswith("*.") else ""
    return tuple(f"{dot}{name}" for name in spellings(base))


def policy_of(partner: Partner, dialect: Dialect) -> str:
    """Return the TLS policy for a partner's servers: level and attributes.

    Only attributes without blanks, commas and braces, which every version reads alike; never
    ``policy_type=sts``, under which later versions replace the match list.
    Raises Problem for ``send_method = "pin"`` without a pin, be it one that counts at another time.
    """
    strength = f"protocols={_protocols(partner.minimum_tls, dialect)} ciphers=high"
    if partner.servername is not None:
        strength += f" servername={partner.servername}"
    if partner.send_method is SendMethod.DANE:
        return f"dane-only {strength}"
    if partner.send_method is SendMethod.PIN:
        if not partner.pins and not partner.timed_pins:
            raise Problem(
                f"mail to {partner.entry} is to be sent by pin, and no pin is known",
                f'partner."{entry_base(partner.entry)}": pins',
                f"add one with: domain-secure partner pin {entry_base(partner.entry)} sha256:…",
            )
        # Of pins that are all distrusted, or out of their time, what no server has is left, for mail to wait.
        pins = partner.pins - dialect.distrusted or {_NOBODYS}
        digests = "|".join(colon_form(pin) for pin in sorted(pins))
        return f"fingerprint match={digests} {strength}"
    names: Iterable[str] = partner.mx or (
        part for name in partner.server_names for part in (name, f".{name}")
    )
    if partner.send_ca_file is not None:
        strength += f" tafile={dialect.authorities[partner.send_ca_file]}"
    elif dialect.common_authorities is not None:
        strength += f" tafile={dialect.common_authorities}"
    return f"secure match={':'.join(names)} {strength}"


#: Of a bypass: TLS where the server has it, and no proof.  Nothing of a rule is left, nor can it forbid this.
UNPROVED = "may"


def policy_for(entry: Entry, configuration: Configuration, dialect: Dialect) -> str:
    """Return the TLS policy for mail to a list entry, be there a bypass or none; raises as `policy_of`."""
    if entry in configuration.sent_unproved:
        return UNPROVED
    return policy_of(configuration.partner(entry), dialect)


def colon_form(pin: Pin) -> str:
    """Return a digest as Postfix logs it, ``AB:CD:…``; certificate and public key are written alike.

    postconf(5), smtp_tls_fingerprint_cert_match: either digest is compared with both.
    """
    return pin.digest.upper()[:2] + "".join(f":{pin.digest[i : i + 2].upper()}" for i in range(2, 64, 2))


def _policy_lines(configuration: Configuration, dialect: Dialect) -> Iterator[str]:
    relays, ordinary = _Relays(configuration.send), Ordinary(configuration)
    parts = line_parts(
        lambda name: f"{name}\t{policy_of(default_partner(name, configuration.mode), dialect)}"
    )
    for run, is_ordinary in ordinary.runs(configuration.send):
        if is_ordinary:
            yield from [entry.join(parts) for entry in run]
            continue
        for entry in run:
            if ordinary.has(entry):
                yield entry.join(parts)
                continue
            partner = configuration.partner(entry)
            policy = policy_for(entry, configuration, dialect)
            for key in keys_of(entry):
                yield f"{key}\t{policy}"
            if partner.via is not None and relays.is_new(partner.via, entry, policy):
                yield f"{partner.via}\t{policy}"


def _transport_lines(configuration: Configuration, dialect: Dialect) -> Iterator[str]:
    if not configuration.direct:
        for entry in configuration.send:
            if configuration.partner(entry).via is not None:
                raise Problem(
                    f"mail to {entry} is to go by a relay of its own, and our table does not route",
                    f'partner."{entry_base(entry)}": via',
                    'set "direct = true" under [outbound], or take via out and route by a table of your own',
                )
        return
    if "transport_maps" in dialect.parents_match and len(configuration.send):
        raise Problem(
            "transport_maps match subdomains, so that those of every listed domain would be drawn along",
            "main.cf: parent_domain_matches_subdomains",
            'take transport_maps out of it, or set "direct = false" under [outbound]',
        )
    ordinary = Ordinary(configuration)
    for run, is_ordinary in ordinary.runs(configuration.send):
        if is_ordinary:
            yield from [f"{entry}\t{TRANSPORT_SERVICE}:" for entry in run]
            continue
        for entry in run:
            route = _route(configuration.partner(entry))
            for key in keys_of(entry):
                yield f"{key}\t{route}"


def _route(partner: Partner) -> str:
    # transport(5): an empty nexthop means the recipient's domain, whatever relayhost says.
    return f"{TRANSPORT_SERVICE}:{partner.via or ''}"


def recipient_routes(configuration: Configuration) -> Iterator[RecipientRoute]:
    """Yield the routes that have patterns, of a list that is too long those at its start."""
    if configuration.direct:
        ordinary, ordinarily = Ordinary(configuration), f"{TRANSPORT_SERVICE}:"
        routes = (
            route
            for run, is_ordinary in ordinary.runs(configuration.send)
            for route in (
                [RecipientRoute(entry, False, ordinarily) for entry in run]
                if is_ordinary
                else _recipient_routes(configuration, run)
            )
        )
        yield from islice(routes, MOST_NAMES)


def _recipient_routes(configuration: Configuration, entries: Iterable[Entry]) -> Iterator[RecipientRoute]:
    for entry in entries:
        result = _route(configuration.partner(entry))
        for name in spellings(entry_base(entry)):
            yield RecipientRoute(name, entry.startswith("*."), result)


def _recipient_transport_lines(configuration: Configuration, dialect: Dialect) -> Iterator[str]:
    del dialect
    yield from route_patterns(recipient_routes(configuration))


def _recipient_spelling_lines(configuration: Configuration, dialect: Dialect) -> Iterator[str]:
    if configuration.direct and configuration.send:
        beyond_ascii = configuration.send if configuration.send.has_internationalised else ()
        names = (spellings(entry_base(entry))[-1] for entry in beyond_ascii if "xn--" in entry)
        yield from spelling_rules(names, transitional=dialect.transitional)


class _Relays:
    """The policies of relays that partners are reached by: Postfix looks up the relay, not the domain.

    Two partners may share one only where their policies are the same; else one would be verified by the
    other's rule.
    """

    def __init__(self, listed: DomainList) -> None:
        self._listed = listed
        self._known: dict[str, tuple[Entry, str]] = {}

    def is_new(self, relay: Nexthop, entry: Entry, policy: str) -> bool:
        """Tell whether the relay needs a line; raises Problem where it has one that says something else."""
        key = str(relay)
        owner, known = self._known.setdefault(key, (entry, policy))
        if known != policy:
            raise self._clash(relay, entry, owner)
        if relay.is_plain_domain and key in self._listed:
            raise self._clash(relay, entry, Entry(key))
        return owner == entry

    @staticmethod
    def _clash(relay: Nexthop, entry: Entry, owner: Entry) -> Problem:
        return Problem(
            f"mail to {entry} and to {owner} goes to {relay}, and Postfix knows one TLS policy for a relay",
            f'partner."{entry_base(entry)}": via',
            "give both the same names, mx, send_method and minimum_tls, or different relays or ports",
        )


def _protocols(minimum: TlsVersion, dialect: Dialect) -> str:
    if dialect.protocol_bounds:
        return f">={minimum}"
    return ":".join(["!SSLv2", *(f"!{lower}" for lower in TlsVersion if lower < minimum)])
