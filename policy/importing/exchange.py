"""Domain Security of Exchange, from what its management shell prints.

Owns: what each property means here.  ``powershell`` says what stands in it, ``exchange_properties`` which it
is.
Sources: the reference pages of Set-TransportConfig (TLSSendDomainSecureList, TLSReceiveDomainSecureList:
domains, wildcards are not supported), Set-SendConnector and Set-ReceiveConnector (DomainSecureEnabled; mutual
TLS needs DNS routing on the one, TLS among AuthMechanism on the other), Get-ExchangeCertificate.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from domain_secure.policy.configuration.configuration import LogLevel, Mode
from domain_secure.policy.terms.problems import Problem

from .exchange_properties import MARKS, READ, WITHOUT_BEARING, Kind
from .powershell import PrintedObject, Property, read_objects
from .proposal import Gathering, Proposal, Step
from .source_text import SourceText

_LISTS = {"receive": "TLSReceiveDomainSecureList", "send": "TLSSendDomainSecureList"}
_JSON_DATE = re.compile(r"/Date\((-?[0-9]{1,15})\)/")
_LONGEST_TITLE = 200  #: it stands before each property of its object that is named
_PRINT_ALL = "print it with all its properties: `| Format-List *`"


@dataclass(frozen=True, eq=False)
class _Read:
    """An object whose kind is known."""

    kind: Kind
    printed: PrintedObject

    def get(self, name: str) -> Property | None:
        return self.printed.properties.get(name.casefold())

    def says(self, name: str, *, absent: bool = False) -> bool:
        """Return a truth; *absent* where it is not printed."""
        found = self.get(name)
        return absent if found is None else found.truth()

    @cached_property
    def title(self) -> str:
        found = self.get("Name") or self.get("Identity")
        return f"{self.kind} {found.title()}"[:_LONGEST_TITLE] if found else str(self.kind)


def propose(sources: Iterable[SourceText], mode: Mode = Mode.ENFORCE) -> Proposal:
    """Return what these outputs of Exchange amount to; raises Problem with file and line.

    They may stand in one file or in several, in any order and in both forms.
    """
    read: dict[Kind, list[_Read]] = {kind: [] for kind in Kind}
    names = []
    for source in sources:
        names.append(source.file)
        for printed in read_objects(source):
            kind = _kind(printed)
            read[kind].append(_Read(kind, printed))
    if not read[Kind.TRANSPORT]:
        raise Problem(
            "no output of Get-TransportConfig is among these files, and the lists stand there",
            ", ".join(names),
            "print it with `Get-TransportConfig | Format-List`, and give it too",
        )
    gathered = Gathering()
    _lists(gathered, read[Kind.TRANSPORT])
    sends = _send_connectors(gathered, read)
    receives = _receive_connectors(gathered, read)
    _certificates(gathered, read)
    for every in read.values():
        for one in every:
            _name_the_rest(gathered, one)
    return gathered.finish(mode, _after(sends=sends, receives=receives))


def _kind(printed: PrintedObject) -> Kind:
    found = [kind for kind, marks in MARKS.items() if marks & printed.properties.keys()]
    if len(found) == 1:
        return found[0]
    what = f"this is of {' and of '.join(found)}" if found else "it cannot be told what this is of"
    if "domainsecureenabled" in printed.properties and not found:
        what = "it cannot be told whether this is a send connector or a receive connector"
    raise printed.place.problem(what, _PRINT_ALL)


def _lists(gathered: Gathering, configurations: list[_Read]) -> None:
    for direction, name in _LISTS.items():
        printed = [found for one in configurations if (found := one.get(name))]
        if not printed:
            gathered.leave_out(
                configurations[0].printed.place, name, "not printed, so that nothing is known of it"
            )
            continue
        first = printed[0]
        for other in printed[1:]:
            if _folded(other) != _folded(first):
                raise other.place.problem(
                    f"{name} is another one than in {first.place}", "give the output that holds now, alone"
                )
        entries = gathered.receive if direction == "receive" else gathered.send
        for text in first.elements():
            if "*" in text:
                reason = "no wildcard is known there; list the domain, '*.DOMAIN' for all below it, or both"
                gathered.leave_out(first.place, f"{name}: {text}", reason)
            elif (entry := gathered.entry(first.place, text, f"{name}: {text}")) is not None:
                entries[entry] = None
    for one in configurations:
        found = one.get("InternalSMTPServers")
        if found is not None and (servers := found.elements()):
            reason = (
                "our own servers: [inbound] trusted_relays, for those that hand mail to this edge and whose "
                "marks are to be kept"
            )
            gathered.leave_out(found.place, f"InternalSMTPServers: {', '.join(servers)}", reason)


def _folded(listed: Property) -> set[str]:
    return {one.casefold().removesuffix(".") for one in listed.elements()}


def _send_connectors(gathered: Gathering, read: Mapping[Kind, list[_Read]]) -> bool | None:
    """Read the send connectors; return whether one has Domain Security, or None for not known."""
    secured = [one for one in read[Kind.SEND] if _is_secured(gathered, one)]
    for one in secured:
        found = one.get("SmartHosts")
        if found is not None and (hosts := found.elements()):
            reason = (
                "Domain Security asks the MX hosts, past any smart host, and so do we; where mail to a "
                "partner must go by a relay that shows the partner's certificate, set `via` of that partner"
            )
            gathered.leave_out(found.place, f"{one.title}: SmartHosts {', '.join(hosts)}", reason)
        elif not one.says("DNSRoutingEnabled", absent=True):
            reason = "Domain Security needs DNS routing, and so had no effect here; we ask the MX hosts"
            gathered.leave_out(one.printed.place, f"{one.title}: DNSRoutingEnabled", reason)
        if one.says("IgnoreSTARTTLS"):
            reason = "without STARTTLS Domain Security had no effect here; our way always demands it"
            gathered.leave_out(one.printed.place, f"{one.title}: IgnoreSTARTTLS", reason)
        found = one.get("Fqdn")
        if found is not None and (name := found.text()):
            reason = (
                "Postfix's own: smtp_helo_name, or else myhostname, in main.cf; "
                "`domain-secure check` compares it with the certificate"
            )
            gathered.leave_out(found.place, f"{one.title}: Fqdn {name}", reason)
    those = frozenset(secured)
    for one in read[Kind.SEND]:
        if one not in those:
            _plain_send_connector(gathered, one)
        found = one.get("AddressSpaces")
        spaces = found.elements() if found else ()
        if found and (others := [space for space in spaces if _space(space) not in {"*", "--"}]):
            reason = "which mail goes which way is Postfix's own: transport_maps"
            gathered.leave_out(found.place, f"{one.title}: AddressSpaces {', '.join(others)}", reason)
    _log_level(gathered, "send", secured)
    return _standing(gathered, read, Kind.SEND, secured)


def _space(written: str) -> str:
    """Return the domain of an address space such as ``SMTP:*;1``."""
    return written.rpartition(":")[2].partition(";")[0]


def _is_secured(gathered: Gathering, one: _Read) -> bool:
    found = one.get("DomainSecureEnabled")
    if found is None:
        gathered.leave_out(
            one.printed.place, f"{one.title}: DomainSecureEnabled", "not printed, so that it is not known"
        )
        return False
    if not one.says("Enabled", absent=True):
        gathered.leave_out(one.printed.place, one.title, "it is switched off as a whole")
        return False
    return found.truth()


def _plain_send_connector(gathered: Gathering, one: _Read) -> None:
    """Name what a connector without Domain Security demands in other ways."""
    level, domain = one.get("TlsAuthLevel"), one.get("TlsDomain")
    if level is not None and (words := level.words()) and words[0].casefold() != "none":
        named = f" of {domain.text()}" if domain is not None and domain.text() else ""
        reason = (
            "TLS of single partners without Domain Security; `domain-secure send add DOMAIN` for the domains "
            "behind it demands more, so ask `domain-secure probe DOMAIN` first"
        )
        gathered.leave_out(level.place, f"{one.title}: TlsAuthLevel {', '.join(words)}{named}", reason)
    elif one.says("RequireTLS"):
        reason = "encryption that proves nobody has no equivalent here; see smtp_tls_policy_maps of Postfix"
        gathered.leave_out(one.printed.place, f"{one.title}: RequireTLS", reason)


def _receive_connectors(gathered: Gathering, read: Mapping[Kind, list[_Read]]) -> bool | None:
    """Read the receive connectors; return whether one has Domain Security, or None for not known."""
    secured = [one for one in read[Kind.RECEIVE] if _is_secured(gathered, one)]
    for one in secured:
        found = one.get("AuthMechanism")
        words = found.words() if found else None
        if words is None:
            place = found.place if found else one.printed.place
            reason = "not printed as words, so that it is not known whether TLS was offered"
            gathered.leave_out(place, f"{one.title}: AuthMechanism", reason)
        elif found is not None and "tls" not in {word.casefold() for word in words}:
            reason = (
                "without Tls among them Domain Security had no effect here; `domain-secure attach` offers it"
            )
            gathered.leave_out(found.place, f"{one.title}: AuthMechanism {', '.join(words)}", reason)
        greeting = one.get("Fqdn")
        if greeting is not None and (name := greeting.text()):
            reason = (
                "Postfix's own: myhostname in main.cf; `domain-secure check` compares it with the certificate"
            )
            gathered.leave_out(greeting.place, f"{one.title}: Fqdn {name}", reason)
        bindings = one.get("Bindings")
        if bindings is not None and any(not one.endswith(":25") for one in bindings.elements()):
            reason = "`domain-secure attach` takes the services of port 25; name others with --service"
            gathered.leave_out(
                bindings.place, f"{one.title}: Bindings {', '.join(bindings.elements())}", reason
            )
    for one in read[Kind.RECEIVE]:
        found = one.get("AuthMechanism")
        if found and "externalauthoritative" in {word.casefold() for word in found.words() or ()}:
            reason = (
                "whoever connects here is believed: [inbound] trusted_relays, for servers of our own alone"
            )
            gathered.leave_out(found.place, f"{one.title}: AuthMechanism ExternalAuthoritative", reason)
        found = one.get("TlsDomainCapabilities")
        if found and (capabilities := found.elements()):
            reason = "rights by certificate have no equivalent: a listed domain is proved or refused"
            gathered.leave_out(
                found.place, f"{one.title}: TlsDomainCapabilities {', '.join(capabilities)}", reason
            )
        if one.says("RequireTLS"):
            reason = "TLS demanded of everybody is Postfix's own: smtpd_tls_security_level = encrypt"
            gathered.leave_out(one.printed.place, f"{one.title}: RequireTLS", reason)
    _log_level(gathered, "receive", secured)
    return _standing(gathered, read, Kind.RECEIVE, secured)


def _log_level(gathered: Gathering, direction: str, connectors: list[_Read]) -> None:
    """Take over a verbose protocol log; that of others is left at its default."""
    for one in connectors:
        found = one.get("ProtocolLoggingLevel")
        words = found.words() if found else ()
        if found and words is None:
            reason = "printed as a number, so that it is not known which level it is"
            gathered.leave_out(found.place, f"{one.title}: ProtocolLoggingLevel", reason)
        elif words and words[0].casefold() == "verbose":
            gathered.log[direction] = LogLevel.VERBOSE
        elif found and words and words[0].casefold() != "none":
            reason = "no level that is known here"
            gathered.leave_out(found.place, f"{one.title}: ProtocolLoggingLevel {words[0]}", reason)


def _standing(
    gathered: Gathering, read: Mapping[Kind, list[_Read]], kind: Kind, secured: list[_Read]
) -> bool | None:
    """Tell what the connectors say about a list, and return whether it had any effect."""
    place = read[Kind.TRANSPORT][0].printed.place
    listed = gathered.send if kind is Kind.SEND else gathered.receive
    name = _LISTS["send" if kind is Kind.SEND else "receive"]
    if not read[kind]:
        gathered.leave_out(
            place, name, f"no output of {kind} was given: it is not known whether it had effect"
        )
        return None
    if listed and not secured:
        reason = (
            "no connector that was given has DomainSecureEnabled: it had no effect, and here it will have"
        )
        gathered.leave_out(place, name, reason)
    return bool(secured)


def _certificates(gathered: Gathering, read: Mapping[Kind, list[_Read]]) -> None:
    for one in read[Kind.CERTIFICATE]:
        found, services = one.get("Thumbprint"), one.get("Services")
        if found is None:
            raise one.printed.place.problem("a certificate without its thumbprint", _PRINT_ALL)
        thumbprint = found.text()
        words = services.words() if services else None
        end = one.get("NotAfter")
        until = f", valid until {_moment(end)}" if end else ""
        if services is None or words is None:
            reason = "its services are not printed as words, so that it is not known whether SMTP showed it"
            gathered.leave_out(found.place, f"certificate {thumbprint}{until}", reason)
        elif "smtp" not in {word.casefold() for word in words}:
            gathered.leave_out(found.place, f"certificate {thumbprint}{until}", "SMTP did not show it")
        elif one.says("IsSelfSigned"):
            reason = "it is signed by itself, and a partner believes it only by its fingerprint"
            gathered.leave_out(found.place, f"certificate {thumbprint}{until}", reason)
        else:
            domains = one.get("CertificateDomains")
            names = f" for {domains.title().strip('{}')}" if domains else ""
            why = f"certificate {thumbprint}{names}{until}: export it there, with its key"
            gathered.steps.append(Step("domain-secure cert import FILE.pfx --enable", why))


def _moment(end: Property) -> str:
    """Return a date as it was printed: which of its numbers is the month depends on the language."""
    match = _JSON_DATE.fullmatch(end.title())
    if match is None:
        return end.title()
    try:
        return datetime.fromtimestamp(int(match[1]) / 1000, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return end.title()


def _name_the_rest(gathered: Gathering, one: _Read) -> None:
    chosen = one.get("TlsCertificateName")
    if chosen is not None and (name := chosen.title()):
        reason = "which certificate is shown: `domain-secure cert enable THUMBPRINT`, for all services alike"
        gathered.leave_out(chosen.place, f"{one.title}: TlsCertificateName {name}", reason)
    for key, found in one.printed.properties.items():
        if key in READ[one.kind]:
            continue
        what = f"{one.title}: {found.name}"
        if key in WITHOUT_BEARING[one.kind]:
            gathered.set_aside(found.place, found.name, str(one.kind))
        else:
            gathered.leave_out(
                found.place, what, "unknown here: look up whether it demands anything of a partner"
            )


def _after(*, sends: bool | None, receives: bool | None) -> Iterable[Step]:
    options = [
        option for option, is_on in (("--no-send", sends), ("--no-receive", receives)) if is_on is False
    ]
    why = (
        "as the connectors were: Postfix asks us from then on" if options else "Postfix asks us from then on"
    )
    return [Step(" ".join(("domain-secure attach", *options)), why)]
