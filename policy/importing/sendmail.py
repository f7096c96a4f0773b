"""What Sendmail's access map demands of the TLS of single servers, clients and recipients.

Owns: the tags that are about TLS, and what stands behind them.
Sources: cf/README of Sendmail 8, "STARTTLS" ("Allowing connections", "TLS_Srv, TLS_Clt, TLS_Rcpt",
"VERIFY:bits, ENCR:bits, CN, CI, CS, PERM, TEMP"); makemap(8) for the form of the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.terms.domain import InvalidDomainError, entry_base, parse_domain

from .proposal import Gathering, Place, Proposal, Step, Value
from .server_names import by_server, organisation
from .source_text import SourceText, is_readable, unreadable

_LINE = re.compile(r"(?P<key>\S+)(?:\s+(?P<value>\S.*))?")
_DEMANDS = {"tls_srv": "send", "tls_rcpt": "send", "tls_clt": "receive"}
_OTHERS = {
    "try_tls": "whether STARTTLS is tried at all: Postfix's own, smtp_tls_security_level",
    "srv_features": "what the server offers: Postfix's own, smtpd_tls_ settings by service in master.cf",
    "clt_features": "what the client does: Postfix's own, smtp_ settings by transport in master.cf",
    "tls_srv_features": "the certificate shown to a server: `domain-secure cert enable`, for all alike",
    "tls_clt_features": "the certificate shown to a client: `domain-secure cert enable`, for all alike",
    "certissuer": "relaying by certificate: Postfix's own, relay_clientcerts",
    "certsubject": "relaying by certificate: Postfix's own, relay_clientcerts",
}
_DEMAND = re.compile(
    r"(?:(?P<effect>TEMP|PERM)\+)?(?P<level>VERIFY|ENCR)(?::(?P<bits>[0-9]{1,5}))?(?P<further>\+.*)?",
    re.IGNORECASE,
)
_COMMON_BITS = 128  #: every suite that is accepted here has as many


@dataclass(frozen=True, slots=True)
class _Entry:
    place: Place
    tag: str  #: as written
    name: str  #: behind the tag
    value: str

    @property
    def what(self) -> str:
        return f"{self.tag}:{self.name} {self.value}".strip()

    @property
    def direction(self) -> str:
        return _DEMANDS[self.tag.casefold()]


def propose(sources: Iterable[SourceText], mode: Mode = Mode.ENFORCE) -> Proposal:
    """Return what these texts of access maps amount to; what is about no TLS is counted by its tag."""
    gathered = Gathering()
    seen: dict[str, Place] = {}
    for source in sources:
        beside: dict[str, tuple[Place, int]] = {}
        for number, line in enumerate(source.lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            place = source.place(number)
            entry = _entry(gathered, place, line)
            if entry is None:
                continue
            folded = entry.tag.casefold()
            if folded not in _DEMANDS and folded not in _OTHERS:
                first, count = beside.get(folded, (place, 0))
                beside[folded] = first, count + 1
            elif (first := seen.setdefault(f"{folded}:{entry.name.casefold()}", place)) is not place:
                gathered.leave_out(place, entry.what, f"a second entry of this key: the first is {first}")
            elif folded in _OTHERS:
                gathered.leave_out(place, entry.what, _OTHERS[folded])
            else:
                _take(gathered, entry)
        for tag, (first, count) in beside.items():
            name = f"{tag or 'without a tag'} ({count} line{'' if count == 1 else 's'})"
            gathered.set_aside(first, name, "access map")
    return gathered.finish(mode, _after(gathered))


def _after(gathered: Gathering) -> Iterable[Step]:
    if not (gathered.send or gathered.receive):
        return ()
    why = "of each of them first: what its servers show, and what would pass"
    return (
        Step("domain-secure probe DOMAIN", why),
        Step("domain-secure attach", "Postfix asks us from then on"),
    )


def _entry(gathered: Gathering, place: Place, line: str) -> _Entry | None:
    match = _LINE.fullmatch(line.rstrip())
    if match is None:
        gathered.leave_out(place, line.strip()[:80], "it begins with a blank, and so is no entry")
        return None
    tag, colon, name = match["key"].partition(":")
    if not colon:
        tag, name = "", match["key"]
    entry = _Entry(place, tag, name, match["value"] or "")
    if tag.casefold() in _DEMANDS | _OTHERS.keys() and not is_readable(entry.what):
        raise unreadable(place, "this entry")
    return entry


def _take(gathered: Gathering, entry: _Entry) -> None:
    demand = _DEMAND.fullmatch(entry.value)
    if demand is None:
        gathered.leave_out(entry.place, entry.what, "nothing that is known: VERIFY or ENCR is expected")
        return
    if demand["level"].upper() == "ENCR":
        reason = "encryption that proves nobody has no equivalent here"
        gathered.leave_out(entry.place, entry.what, reason)
        return
    if (domain := _domain(gathered, entry)) is None:
        return
    listed = gathered.entry(entry.place, domain, entry.what)
    if listed is None:
        return
    further = [one for one in re.split(r"\++", demand["further"] or "") if one]
    keys = _name_keys(gathered, entry, further, entry_base(listed))
    if not gathered.partner(entry.place, listed, keys, entry.what):
        return
    (gathered.send if entry.direction == "send" else gathered.receive)[listed] = None
    if int(demand["bits"] or 0) > _COMMON_BITS:
        reason = f"{demand['bits']} bits of a cipher have no equivalent; broken suites are refused"
        gathered.leave_out(entry.place, entry.what, reason)
    if (demand["effect"] or "").upper() == "TEMP" and entry.direction == "receive":
        reason = 'refused for now is [receive] on_failure = "defer", for all domains alike'
        gathered.leave_out(entry.place, entry.what, reason)


def _domain(gathered: Gathering, entry: _Entry) -> str | None:
    """Return the domain that is meant, or leave the entry out."""
    if not entry.name:
        reason = "demanded of everybody; a listed domain is proved or refused, and others are not asked"
    elif "@" in entry.name:
        reason = "demanded for single addresses; a list has domains"
    elif entry.tag.casefold() == "tls_rcpt":
        return entry.name
    elif (domain := organisation(entry.name)) is not None:
        reason = (
            f"there the name of the {'server' if entry.direction == 'send' else 'client'} was asked, as DNS "
            "says it; here it is the domain in the addresses that counts"
        )
        gathered.leave_out(entry.place, entry.what, reason)
        return domain
    else:
        reason = by_server(entry.direction, entry.name)
    gathered.leave_out(entry.place, entry.what, reason)
    return None


def _name_keys(gathered: Gathering, entry: _Entry, further: list[str], base: str) -> dict[str, Value]:
    """Return the names that are demanded; without +CN none is, and here the domain's own is."""
    names: list[str] = []
    is_asked = False
    for one in further:
        kind, _, value = one.partition(":")
        if kind.upper() != "CN":
            reason = "the whole name of a subject or an issuer has no equivalent; a pin says more"
            gathered.leave_out(entry.place, f"{entry.tag}:{entry.name}: +{one}", reason)
            continue
        is_asked = True
        if value:
            try:
                names.append(parse_domain(value))
            except InvalidDomainError as error:
                gathered.leave_out(entry.place, f"{entry.tag}:{entry.name}: +{one}", f"no name: {error}")
    if names and entry.direction == "send":
        return {"mx": tuple(names)}
    if names:
        reason = "here a host under that name counts as well"
        gathered.leave_out(entry.place, entry.what, reason)
        return {"receive_names": tuple(names)}
    reason = (
        f"the host's own name counted, as DNS says it; here the certificate has to be for {base} or a host "
        "under it"
        if is_asked
        else f"no name was asked for, any certificate of a trusted authority did; here it is one for {base}"
    )
    gathered.leave_out(entry.place, entry.what, reason)
    return {}
