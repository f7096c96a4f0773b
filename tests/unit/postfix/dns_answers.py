"""Look-ups made of text, for tests."""

from collections.abc import Mapping

import dns.rdata

from domain_secure.postfix.dns.dns_lookup import Lookup, Lookups, LookupStatus

Zone = Mapping[tuple[str, str], "Lookup"]


def found(record_type: str, *records: str, secure: bool = True, seconds: int = 300) -> Lookup:
    """Return an answer with records in presentation format."""
    parsed = tuple(dns.rdata.from_text("IN", record_type, record) for record in records)
    return Lookup(LookupStatus.FOUND, parsed, secure, seconds)


def failed(detail: str = "SERVFAIL") -> Lookup:
    """Return a look-up that nobody answered."""
    return Lookup(LookupStatus.FAILED, detail=detail)


def zone(answers: Mapping[tuple[str, str], Lookup], *, secure: bool = True) -> Lookups:
    """Return look-ups in *answers*; what is not there does not exist."""

    def lookup(name: str, record_type: str) -> Lookup:
        return answers.get((name, record_type), Lookup(LookupStatus.NONE, authenticated=secure))

    return lookup
