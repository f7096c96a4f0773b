"""What Exim demands of the TLS of single domains and hosts.

Owns: which options of the main section, of routers and of transports are about who proves what, and which
conditions of an access control list.
Sources: the specification of Exim 4: chapter 43 ("Encrypted SMTP connections using TLS/SSL"), chapter 30
("The smtp transport": hosts_require_tls, tls_verify_hosts, tls_verify_cert_hostnames, hosts_require_dane),
chapter 44 ("Access control lists": encrypted, verify = certificate, sender_domains).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.terms.domain import entry_base

from .exim_file import Kind, Listed, Statement, elements_of, statements
from .proposal import Gathering, Place, Proposal, Step, Value
from .protocols import minimum_keys
from .server_names import by_server, organisation
from .source_text import SourceText

_ADDRESS = re.compile(r"[0-9.]+(?:/[0-9]+)?|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]+\]?(?:/[0-9]+)?")
_DEMANDING = frozenset({"tls_verify_hosts", "hosts_require_dane"})
_ENCRYPTING = "hosts_require_tls"
_OF_TRANSPORTS = {
    "hosts_avoid_tls": "where TLS is not used at all: a listed domain is sent to over TLS or not at all",
    "hosts_require_ocsp": "no stapled answer is asked for; revocation is looked up: [trust] revocation",
    "tls_try_verify_hosts": "what is tried proves nobody: nothing is proposed for it",
    "tls_verify_certificates": "the authorities that are believed: [trust] ca_file, a partner's send_ca_file",
    "tls_crl": "revocation lists: [trust] crl_files",
    "tls_certificate": "our certificate as a client: `domain-secure cert import FILE --enable`",
    "tls_privatekey": "the key of our certificate: `domain-secure cert import FILE --enable`",
    "tls_sni": "the name sent in the handshake: servername of a partner",
    "tls_require_ciphers": "which suites are offered is Postfix's own: smtp_tls_mandatory_ciphers",
    "tls_verify_cert_hostnames": "whether a certificate has to name its host: here it has to name the domain",
    "tls_dh_min_bits": "Postfix's own, and OpenSSL's",
}
_OF_MAIN = {
    "tls_verify_hosts": "clients that need a certificate, by their addresses or host names",
    "tls_try_verify_hosts": "clients that are asked for a certificate: after `domain-secure attach` all are",
    "tls_advertise_hosts": "who is offered STARTTLS: `domain-secure attach` lets all be offered it",
    "tls_certificate": "our certificate as a server: `domain-secure cert import FILE --enable`",
    "tls_privatekey": "the key of our certificate: `domain-secure cert import FILE --enable`",
    "tls_verify_certificates": "the authorities that are believed: [trust] ca_file",
    "tls_crl": "revocation lists: [trust] crl_files",
    "tls_require_ciphers": "which suites are taken is Postfix's own: smtpd_tls_mandatory_ciphers",
    "openssl_options": "which versions are taken: a partner's minimum_tls, or Postfix's smtpd_tls_protocols",
    "gnutls_require_mac": "Postfix uses OpenSSL",
}
_LONGEST = 200  #: of what is shown
# Each list may name long ones, and all of their elements are told for each: to be read and told so many times
# the letters of all files.
_OFTEN = 4
_REFUSING = frozenset({"deny", "drop", "defer"})
_MODIFIERS = frozenset({"message", "log_message", "logwrite", "delay", "control"})
_OF_TLS = re.compile(r"\btls_|\bencrypted\b|verify\s*=\s*certificate|\$\{?tls")


@dataclass(slots=True)
class _Driver:
    """A router or a transport: its options by name."""

    options: dict[str, Statement] = field(default_factory=dict)

    def value(self, name: str) -> str:
        found = self.options.get(name)
        return found.value if found else ""


@dataclass(slots=True)
class _Files:
    """Everything that was read."""

    main: dict[str, Statement] = field(default_factory=dict)
    routers: dict[str, _Driver] = field(default_factory=dict)
    transports: dict[str, _Driver] = field(default_factory=dict)
    rules: list[list[Statement]] = field(default_factory=list)  #: of access control lists
    lists: dict[str, str] = field(default_factory=dict)
    macros: dict[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()  #: of the files, without their folders
    letters: int = 0  #: that may still be read of lists

    def listed(self, value: str) -> Listed:
        listed = elements_of(value, self.lists, self.macros, self.letters)
        self.letters -= listed.letters
        return listed


def propose(sources: Iterable[SourceText], mode: Mode = Mode.ENFORCE) -> Proposal:
    """Return what these files of Exim amount to, included ones given as well."""
    given = list(sources)
    gathered = Gathering()
    files = _Files(
        names=frozenset(PurePath(source.file).name for source in given),
        letters=_OFTEN * sum(len(source.text) for source in given),
    )
    for source in given:
        for one in statements(source):
            _sort(gathered, files, one)
    for one in files.main.values():
        _main_option(gathered, files, one)
    used = _routed(gathered, files)
    for name, transport in files.transports.items():
        for one in transport.options.values():
            if one.name in _DEMANDING | {_ENCRYPTING} and name not in used:
                _hosts(gathered, files, one, "send")
            elif one.name in _OF_TRANSPORTS:
                gathered.leave_out(one.place, _what(one), _OF_TRANSPORTS[one.name])
    for rule in files.rules:
        _rule(gathered, files, rule)
    return gathered.finish(mode, _after(gathered))


def _after(gathered: Gathering) -> Iterable[Step]:
    if not (gathered.send or gathered.receive):
        return ()
    why = "of each of them first: what its servers show, and what would pass"
    return (
        Step("domain-secure probe DOMAIN", why),
        Step("domain-secure attach", "Postfix asks us from then on"),
    )


def _what(one: Statement) -> str:
    place = f"{one.section} {one.driver[:_LONGEST]}: " if one.driver else ""
    return f"{place}{one.name[:_LONGEST]}{f' = {one.value[:_LONGEST]}' if one.value else ''}"[:_LONGEST]


def _sort(gathered: Gathering, files: _Files, one: Statement) -> None:
    if one.kind is Kind.MACRO:
        files.macros[one.name] = one.value
    elif one.kind is Kind.LIST:
        files.lists[one.name.split(" ", 1)[1]] = one.value
    elif one.kind is Kind.DIRECTIVE:
        _directive(gathered, files, one)
    elif one.kind is Kind.VERB:
        files.rules.append([one])
    elif one.kind is Kind.CONDITION:
        if files.rules:
            files.rules[-1].append(one)
    elif one.section in {"routers", "transports"}:
        drivers = files.routers if one.section == "routers" else files.transports
        drivers.setdefault(one.driver, _Driver()).options[one.name] = one
    elif one.section == "main" and (one.name in _OF_MAIN or _OF_TLS.search(one.name)):
        files.main[one.name] = one
    elif _OF_TLS.search(f"{one.name} {one.value}"):
        gathered.leave_out(one.place, _what(one), "not understood here, and it is about TLS")


def _directive(gathered: Gathering, files: _Files, one: Statement) -> None:
    what = f"{one.name} {one.value}"
    if one.name.startswith(".include"):
        if PurePath(one.value).name not in files.names:
            gathered.leave_out(one.place, what, "not read: give that file as well")
    elif one.name not in {".endif", ".else"}:
        reason = "a condition: what stands below it is read as if it held, in each branch"
        gathered.leave_out(one.place, what, reason)


def _main_option(gathered: Gathering, files: _Files, one: Statement) -> None:
    if one.name == "tls_verify_hosts":
        _hosts(gathered, files, one, "receive")
    elif one.name == "openssl_options" and (minimum := minimum_keys(_versions(one.value))).keys:
        gathered.leave_out(one.place, _what(one), f"{_OF_MAIN[one.name]} ({minimum.keys['minimum_tls']})")
    else:
        reason = _OF_MAIN.get(one.name, "unknown here: look up whether it demands anything of a partner")
        gathered.leave_out(one.place, _what(one), reason)


def _versions(options: str) -> str:
    words = re.findall(r"\+no_(tlsv1(?:_[123])?|sslv[23])", options.casefold())
    return ":".join(f"!{word.replace('_', '.')}" for word in words)


def _hosts(gathered: Gathering, files: _Files, one: Statement, direction: str) -> None:
    """Take over a list of hosts of which a proof is demanded, as far as a host stands for a domain."""
    listed = files.listed(one.value)
    if listed.unknown:
        gathered.leave_out(one.place, _what(one), listed.unknown)
        return
    for host in listed.elements:
        what = f"{_what(replace(one, value=''))}: {host}"
        if one.name == _ENCRYPTING:
            reason = "encryption that proves nobody has no equivalent here, unless tls_verify_hosts says more"
        elif host == "*":
            reason = "demanded of everybody; a domain that is listed is proved, and others are not asked"
        elif host.startswith("!"):
            reason = "who is left out there has to be left off the list here"
        elif _ADDRESS.fullmatch(host):
            reason = "an address; a list has domains, by which mail is from or to"
        elif (kind := _looked_up(host)) is not None:
            reason = f"{kind}, and is not read here"
        elif (domain := organisation(host.removeprefix("*."))) is not None:
            _list_host(gathered, one, domain, direction, what)
            continue
        else:
            reason = by_server(direction, host)
        gathered.leave_out(one.place, what, reason)


def _list_host(gathered: Gathering, one: Statement, domain: str, direction: str, what: str) -> None:
    entry = gathered.entry(one.place, domain, what)
    if entry is None:
        return
    reason = "there the host's name counted, as DNS says it; here it is the domain in the addresses"
    gathered.leave_out(one.place, what, reason)
    if one.name == "hosts_require_dane" and direction == "send":
        gathered.partner(one.place, entry, {"send_method": "dane"}, what)
    (gathered.send if direction == "send" else gathered.receive)[entry] = None


def _looked_up(element: str) -> str | None:
    if element.startswith("^"):
        return "a regular expression"
    if ";" in element:
        return f"a lookup ({element.partition(';')[0]})"
    if element.startswith("/"):
        return "a file with elements"
    if element.startswith(("@", "+")):
        return "a name of Exim's own"
    if "*" in element and not element.startswith("*."):
        return "a pattern"
    return None


def _routed(gathered: Gathering, files: _Files) -> set[str]:
    """Propose the domains of routers whose transport demands a proof of every host; return these transports.

    A transport that any other router uses stays one whose hosts are asked for.
    """
    routers = [one for one in files.routers.values() if one.value("transport")]
    found: set[str] = set()
    known: dict[str, set[str]] = {}
    for router in routers:
        name = router.value("transport")
        transport = files.transports.get(name)
        if transport is None:
            continue
        if name not in known:
            known[name] = _demands_of_all(files, transport)
        demands = known[name]
        if not demands:
            continue
        domains = router.options.get("domains")
        if domains is None:
            continue
        found.add(name)
        if not demands & _DEMANDING:
            reason = "encryption that proves nobody has no equivalent here, unless tls_verify_hosts says more"
            gathered.leave_out(domains.place, _what(domains), reason)
            continue
        for domain in _domains(gathered, files, domains):
            _send(gathered, router, transport, domains.place, domain, is_dane="hosts_require_dane" in demands)
    return found


def _demands_of_all(files: _Files, transport: _Driver) -> set[str]:
    """Return the options by which a transport demands something of every host."""
    options = _DEMANDING | {_ENCRYPTING}
    return {one for one in options if files.listed(transport.value(one)).elements == ("*",)}


def _send(
    gathered: Gathering, router: _Driver, transport: _Driver, place: Place, domain: str, *, is_dane: bool
) -> None:
    entry = gathered.entry(place, domain, f"domains: {domain}")
    if entry is None:
        return
    keys: dict[str, Value] = {"send_method": "dane"} if is_dane else {}
    what = f"domains: {domain}"
    if gathered.partner(place, entry, keys, what):
        gathered.send[entry] = None
    if (route := router.options.get("route_list") or router.options.get("route_data")) is not None:
        reason = f"a route of its own: `domain-secure partner set {entry} via=[HOST]`, unless it is its MX"
        gathered.leave_out(route.place, _what(route), reason)
    named = transport.options.get("tls_verify_cert_hostnames")
    counted = (
        "any certificate of a trusted authority did" if named and not named.value else "the host's name did"
    )
    if not is_dane:
        reason = f"there {counted}; here it has to be for {entry_base(entry)} or a host under it, or set `mx`"
        gathered.leave_out(place, what, reason)


def _domains(gathered: Gathering, files: _Files, one: Statement) -> Iterable[str]:
    listed = files.listed(one.value)
    if listed.unknown:
        gathered.leave_out(one.place, _what(one), listed.unknown)
    for domain in listed.elements:
        if domain.startswith("!"):
            reason = "who is left out there has to be left off the list here"
        elif domain == "*":
            reason = "demanded of everybody; a domain that is listed is proved, and others are not asked"
        elif (kind := _looked_up(domain)) is not None:
            reason = f"{kind}, and is not read here"
        else:
            yield domain
            continue
        gathered.leave_out(one.place, f"{_what(replace(one, value=''))}: {domain}", reason)


def _rule(gathered: Gathering, files: _Files, rule: list[Statement]) -> None:
    """Take over a rule that refuses what a domain sends without a certificate; name others about TLS."""
    verb, *further = rule
    conditions = list(further)
    if verb.value:
        name, _, value = verb.value.partition("=")
        conditions.insert(
            0, Statement(verb.place, Kind.CONDITION, "acl", verb.driver, name.strip(), value.strip())
        )
    by_name: Mapping[str, Statement] = {one.name.replace(" ", ""): one for one in conditions}
    about = [
        one
        for one in conditions
        if one.name not in _MODIFIERS and _OF_TLS.search(f"{one.name} = {one.value}")
    ]
    if not about:
        return
    domains = by_name.get("sender_domains")
    proof = by_name.get("!verify")
    others = by_name.keys() - _MODIFIERS - {"sender_domains", "!verify", "!encrypted"}
    is_plain = verb.name in _REFUSING and domains is not None and not others
    if is_plain and domains is not None and proof is not None and proof.value == "certificate":
        for domain in _domains(gathered, files, domains):
            entry = gathered.entry(domains.place, domain, f"sender_domains: {domain}")
            if entry is None:
                continue
            gathered.receive[entry] = None
            reason = (
                "there any certificate of a trusted authority did; here it has to be for "
                f"{entry_base(entry)} or a host under it"
            )
            gathered.leave_out(proof.place, f"sender_domains: {domain}: !verify = certificate", reason)
        return
    reason = (
        "encryption that proves nobody has no equivalent here"
        if is_plain and "!encrypted" in by_name
        else "a rule that is not understood here: look up whom it is about, then `domain-secure receive add`"
    )
    for one in about:
        gathered.leave_out(one.place, f"{verb.name}: {_what(one)}", reason)
